"""Whether a provider that is set up would let people sign in: asked of the provider itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from respondeo.oidc.client import ALGORITHMS, LEEWAY_S, cause, usable_keys
from respondeo.oidc.http import BoundedSession, within
from respondeo.oidc.providers import Provider
from respondeo.oidc.trouble import NO_PROVIDER, Trouble, trouble_of

CHECK_S = 8
"""The longest that one provider may keep the whole check waiting."""


class Level(StrEnum):
    """How good the news is."""

    OK = "ok"
    HINT = "hint"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check: what was looked at, what was found, and what to do about it."""

    level: Level
    about: str
    said: str
    todo: str = ""
    cause: str = ""  # what a library said, for who looks deeper


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found out about one provider."""

    provider: Provider
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether people can sign in, as far as can be told from here."""
        return all(finding.level != Level.ERROR for finding in self.findings)


def check_all(providers: Sequence[Provider], app_url: str) -> list[Report]:
    """Check all providers side by side: the slowest decides how long it takes."""
    if not providers:
        return []
    with ThreadPoolExecutor(len(providers)) as pool:
        return list(pool.map(lambda provider: check(provider, app_url), providers))


def check(provider: Provider, app_url: str) -> Report:
    """Ask the provider for its metadata and keys, and hold them against the settings."""
    findings: list[Finding] = []
    with within(CHECK_S):
        try:
            findings.extend(_findings(provider, app_url))
        except Exception as problem:
            odd = trouble_of(problem)
            findings.append(error("answers", odd.said, odd.todo, odd.cause))
    return Report(provider, tuple(findings))


def _findings(provider: Provider, app_url: str) -> Iterator[Finding]:
    uri = provider.redirect_uri(app_url)
    answer = _fetched(provider.discovery_url)
    if isinstance(answer, Trouble):
        yield hint("redirect URI", uri, REGISTER)
        said = f"{provider.discovery_url}: {answer.said}"
        yield error("discovery", said, f"{answer.todo} {_LOOK_AT_ISSUER}", answer.cause)
        return
    found = {name: value for name, value in answer.said.items() if value is not None}
    keys = _fetched(str(found.get("jwks_uri")))
    visit = _visited(provider, uri, found)
    yield _about_redirect_uri(uri, visit)
    yield ok("discovery", provider.discovery_url)
    yield from _about_issuer(provider, found)
    yield _about_clock([one.ahead for one in (answer, keys, visit) if isinstance(one, Answer)])
    yield from _about_endpoints(provider, found)
    yield from _about_scopes(provider, found)
    yield _about_groups(provider, found)
    yield _about_pkce(found)
    yield _about_algorithms(found)
    yield _about_authentication(found)
    yield _about_keys(found, keys)
    yield _about_sign_out(found)


REGISTER = "Register it at the provider as it is; whether it is registered shows only at a sign-in."
_LOOK_AT_ISSUER = "The address begins with the issuer in the settings."


def ok(about: str, said: str, todo: str = "") -> Finding:
    """Good news."""
    return Finding(Level.OK, about, said, todo)


def hint(about: str, said: str, todo: str, cause: str = "") -> Finding:
    """Something that may or may not matter."""
    return Finding(Level.HINT, about, said, todo, cause)


def error(about: str, said: str, todo: str, cause: str = "") -> Finding:
    """Something that keeps people from signing in."""
    return Finding(Level.ERROR, about, said, todo, cause)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question. ahead: the provider's clock against ours, if it tells."""

    status: int
    said: Mapping[str, Any]
    location: str = ""
    ahead: float | None = None


def _fetched(url: str) -> Answer | Trouble:
    """A JSON object; or what went wrong."""
    return _asked(url, as_json=True)


def _visited(provider: Provider, uri: str, found: Mapping[str, Any]) -> Answer | Trouble:
    """What a browser gets that comes to sign in; or what went wrong."""
    url = found.get("authorization_endpoint")
    if not provider.may_use(url):
        return Trouble("it has no address to sign in at", REGISTER)
    question = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": uri,
        "scope": " ".join(provider.scopes),
        "state": secrets.token_urlsafe(),
        "nonce": secrets.token_urlsafe(),
        "code_challenge": create_s256_code_challenge(secrets.token_urlsafe(48)),
        "code_challenge_method": "S256",
    }
    return _asked(str(url), as_json=False, params=question)


def _asked(url: str, *, as_json: bool, params: Mapping[str, str] | None = None) -> Answer | Trouble:
    try:
        with BoundedSession() as session:
            response = session.request(
                "GET", url, params=params, withhold_token=True, may_redirect=not as_json
            )
        found = None
        if as_json:
            response.raise_for_status()
            found = response.json()
    except (OSError, ValueError, RecursionError) as problem:
        return trouble_of(problem)
    if as_json and not isinstance(found, dict):
        return Trouble("its answer is no JSON object", NO_PROVIDER)
    location = response.headers.get("Location", "")
    return Answer(response.status_code, found or {}, location, _ahead(response.headers))


def _ahead(headers: Mapping[str, str]) -> float | None:
    """How many seconds the provider's clock is ahead of ours; None where it does not tell.

    What a cache kept, and says so by an Age, may have the time of then or that of the cache.
    """
    if headers.get("Age", "0").strip() != "0":
        return None
    try:
        theirs = parsedate_to_datetime(headers["Date"])
        return (theirs - datetime.now(UTC)).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None


def _about_redirect_uri(uri: str, visit: Answer | Trouble) -> Finding:
    if isinstance(visit, Trouble):
        said = f"{uri}; the provider's page for signing in was asked, but {visit.said}"
        return hint("redirect URI", said, REGISTER, visit.cause)
    if 400 <= visit.status < 500 and visit.status not in {408, 429}:
        return error(
            "redirect URI",
            f"{uri}: the provider refuses our client id or redirect URI ({visit.status})",
            "Compare the client id, and register this address at the provider as it is.",
        )
    if visit.status >= 400:
        return hint("redirect URI", f"{uri}; the provider answered {visit.status}", REGISTER)
    complaint = _complaint(uri, visit.location)
    if complaint:
        return error(
            "redirect URI",
            f"{uri}: the provider knows it, but refuses the sign-in: {complaint}",
            "Look the word up in docs/authentication.md; invalid_scope is about the scopes.",
        )
    return ok("redirect URI", uri, "The provider did not object; some object only at a sign-in.")


def _complaint(uri: str, location: str) -> str | None:
    """The error that the provider sends a browser back to us with, if it does."""
    if location.split("?", maxsplit=1)[0] != uri:
        return None
    said = parse_qs(urlsplit(location).query).get("error", [""])[0]
    return None if said in {"", "login_required", "interaction_required"} else said[:100]


def _about_issuer(provider: Provider, found: Mapping[str, Any]) -> Iterator[Finding]:
    said = found.get("issuer")
    if said == provider.issuer:
        yield ok("issuer", provider.issuer)
    else:
        yield error(
            "issuer",
            f"the provider calls itself {said!r}, the settings say {provider.issuer!r}",
            "Set the issuer exactly as the provider has it; a slash at the end counts.",
        )


def _about_clock(told: Sequence[float | None]) -> Finding:
    """The latest is the truest: what is older may be from a cache that does not say so."""
    known = [ahead for ahead in told if ahead is not None]
    if not known:
        return hint("clock", "the provider does not tell its time", "Nothing, unless tokens fail.")
    apart = round(max(known))
    if abs(apart) <= LEEWAY_S:
        return ok("clock", f"{abs(apart)} s apart")
    behind = "behind" if apart > 0 else "ahead"
    return error(
        "clock",
        f"this server's clock is {abs(apart)} s {behind} the provider's",
        "Let both keep their time by NTP; more than 60 s make every token invalid.",
    )


def _about_endpoints(provider: Provider, found: Mapping[str, Any]) -> Iterator[Finding]:
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    missing = [name for name in names if name not in found]
    addresses = [name for name in found if name.endswith(("_endpoint", "_uri"))]
    plain = [
        name
        for name in addresses
        if name in {*names, "userinfo_endpoint", "end_session_endpoint"}
        and not provider.may_use(found[name])
    ]
    if missing:
        yield error("endpoints", f"missing: {', '.join(missing)}", "Is this an OpenID provider?")
    if plain:
        yield error("endpoints", f"not https: {', '.join(plain)}", "Mend the provider's address.")
    if not missing and not plain:
        yield ok("endpoints", "all there")


def _about_scopes(provider: Provider, found: Mapping[str, Any]) -> Iterator[Finding]:
    asked, offered = " ".join(provider.scopes), found.get("scopes_supported")
    if not isinstance(offered, list):
        yield hint("scopes", f"asked: {asked}; the provider does not list its own", _SCOPES)
        return
    unknown = [scope for scope in provider.scopes if scope not in offered]
    if unknown:
        yield hint("scopes", f"not listed by the provider: {', '.join(unknown)}", _SCOPES)
    else:
        yield ok("scopes", asked)


_SCOPES = "If the provider complains about invalid_scope, leave these out of the scopes setting."


def _about_groups(provider: Provider, found: Mapping[str, Any]) -> Finding:
    claim, listed = provider.groups_claim, found.get("claims_supported")
    top = claim if "://" in claim else claim.split(".")[0]
    if isinstance(listed, list) and (claim in listed or top in listed):
        return ok("groups claim", claim)
    return hint(
        "groups claim",
        f"the provider does not list “{claim}”, which many do not",
        "If people come without their groups, see docs/authentication.md for this provider.",
    )


def _about_pkce(found: Mapping[str, Any]) -> Finding:
    methods = found.get("code_challenge_methods_supported")
    if not isinstance(methods, list):
        return hint("PKCE", "the provider does not say whether it knows S256", "Usually nothing.")
    if "S256" in methods:
        return ok("PKCE", "S256")
    return error("PKCE", f"only {', '.join(map(str, methods))}", "Allow S256 at the provider.")


def _about_algorithms(found: Mapping[str, Any]) -> Finding:
    offered = found.get("id_token_signing_alg_values_supported")
    if not isinstance(offered, list):
        return hint("signatures", "the provider does not list its algorithms", "Usually nothing.")
    usable = [name for name in ALGORITHMS if name in offered]
    if usable:
        return ok("signatures", ", ".join(usable))
    return error(
        "signatures",
        f"only {', '.join(map(str, offered))}",
        "Let the provider sign ID tokens with RS256 or ES256.",
    )


def _about_authentication(found: Mapping[str, Any]) -> Finding:
    offered = found.get("token_endpoint_auth_methods_supported")
    if not isinstance(offered, list):
        return ok("client secret", "client_secret_basic")
    usable = [way for way in ("client_secret_basic", "client_secret_post") if way in offered]
    if usable:
        return ok("client secret", usable[0])
    return error(
        "client secret",
        f"the provider wants {', '.join(map(str, offered))}",
        "Let it accept client_secret_basic or client_secret_post.",
    )


def _about_keys(found: Mapping[str, Any], answer: Answer | Trouble) -> Finding:
    if isinstance(answer, Answer):
        try:
            count = len(usable_keys(answer.said))
        except (KeyError, TypeError) as problem:
            answer = Trouble("they cannot be read", NO_PROVIDER, cause(problem))
        else:
            if count:
                return ok("keys", f"{count} usable")
            answer = Trouble("none of them can be used", "Let the provider have RSA or EC keys.")
    said = f"{found.get('jwks_uri')}: {answer.said}"
    return error("keys", said, f"Tokens cannot be checked. {answer.todo}", answer.cause)


def _about_sign_out(found: Mapping[str, Any]) -> Finding:
    if "end_session_endpoint" in found:
        return ok("sign-out", "here and at the provider")
    return hint("sign-out", "here only: the provider has no place for it", "Nothing can be done.")
