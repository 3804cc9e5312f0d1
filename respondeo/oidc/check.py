"""Whether a provider that is set up would let people sign in: asked of the provider itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import requests

from respondeo.oidc.client import ALGORITHMS, LEEWAY_S, cause, usable_keys
from respondeo.oidc.http import BoundedSession, within
from respondeo.oidc.providers import Provider

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
    with within(CHECK_S):
        return Report(provider, tuple(_findings(provider, app_url)))


def _findings(provider: Provider, app_url: str) -> Iterator[Finding]:
    yield ok(
        "redirect URI", provider.redirect_uri(app_url), "Register it at the provider as it is."
    )
    answer = _fetched(provider.discovery_url)
    if isinstance(answer, str):
        yield error("discovery", f"{provider.discovery_url}: {answer}", _LOOK_AT_ISSUER)
        return
    found, headers = answer
    yield ok("discovery", provider.discovery_url)
    yield from _about_issuer(provider, found)
    yield _about_clock(headers)
    yield from _about_endpoints(provider, found)
    yield from _about_scopes(provider, found)
    yield _about_groups(provider, found)
    yield _about_pkce(found)
    yield _about_algorithms(found)
    yield _about_authentication(found)
    yield _about_keys(found)
    yield _about_sign_out(found)


_LOOK_AT_ISSUER = "Check the issuer in the settings, and that this server reaches the provider."


def ok(about: str, said: str, todo: str = "") -> Finding:
    """Good news."""
    return Finding(Level.OK, about, said, todo)


def hint(about: str, said: str, todo: str) -> Finding:
    """Something that may or may not matter."""
    return Finding(Level.HINT, about, said, todo)


def error(about: str, said: str, todo: str) -> Finding:
    """Something that keeps people from signing in."""
    return Finding(Level.ERROR, about, said, todo)


def _fetched(url: str) -> tuple[Mapping[str, Any], Mapping[str, str]] | str:
    """A JSON object with the headers it came with; or what went wrong, in words."""
    try:
        with BoundedSession() as session:
            response = session.request("GET", url, withhold_token=True)
        response.raise_for_status()
        found = response.json()
    except requests.Timeout:
        return "no answer in time"
    except (OSError, ValueError) as problem:
        return cause(problem)
    return (found, response.headers) if isinstance(found, dict) else "no JSON object"


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


def _about_clock(headers: Mapping[str, str]) -> Finding:
    try:
        theirs = parsedate_to_datetime(headers["Date"])
        apart = round((theirs - datetime.now(UTC)).total_seconds())
    except (KeyError, ValueError, TypeError):
        return hint("clock", "the provider does not tell its time", "Nothing, unless tokens fail.")
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
    offered = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    usable = [way for way in ("client_secret_basic", "client_secret_post") if way in offered]
    if usable:
        return ok("client secret", usable[0])
    return error(
        "client secret",
        f"the provider wants {', '.join(map(str, offered))}",
        "Let it accept client_secret_basic or client_secret_post.",
    )


def _about_keys(found: Mapping[str, Any]) -> Finding:
    url = found.get("jwks_uri")
    answer = _fetched(str(url))
    said = answer if isinstance(answer, str) else ""
    count = 0
    if not isinstance(answer, str):
        try:
            count = len(usable_keys(answer[0]))
        except (KeyError, TypeError) as problem:
            said = cause(problem)
    if count:
        return ok("keys", f"{count} usable")
    return error("keys", f"{url}: {said or 'none that can be used'}", "Tokens cannot be checked.")


def _about_sign_out(found: Mapping[str, Any]) -> Finding:
    if "end_session_endpoint" in found:
        return ok("sign-out", "here and at the provider")
    return hint("sign-out", "here only: the provider has no place for it", "Nothing can be done.")
