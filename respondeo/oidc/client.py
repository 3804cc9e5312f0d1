"""One provider, as a client of it: its metadata, its keys, and a sign-in from start to end.

Authlib does the protocol. What it leaves open is decided here: which issuer, which algorithms,
which audience, how long things are remembered and waited for.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.common.urls import add_params_to_uri  # type: ignore[import-untyped]
from authlib.integrations.base_client import (  # type: ignore[import-untyped]
    BaseApp,
    FrameworkIntegration,
    OAuth2Mixin,
    OpenIDMixin,
)
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import JWKRegistry

from respondeo.domain.claims import named, together
from respondeo.domain.errors import ProviderAway, ProviderWrong, SignInStale
from respondeo.oidc.http import BoundedSession, time_left, within
from respondeo.oidc.providers import Provider

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures that only the provider can make. Never none, and never one made with our secret."""

REMEMBERED_S = 3600
"""How long metadata and keys are believed."""

FAILURE_S = 5
"""How long a provider that did not answer is not asked again."""

REFETCH_S = 10
"""How often, at most, keys are fetched again because a token names an unknown one."""

SIGN_IN_S = 12
"""The longest that somebody waits for the provider in one step of a sign-in."""

LEEWAY_S = 60
"""How far the provider's clock may be from ours."""

METADATA = frozenset({
    "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri",
    "end_session_endpoint", "id_token_signing_alg_values_supported", "scopes_supported",
    "claims_supported", "code_challenge_methods_supported",
    "token_endpoint_auth_methods_supported",
})  # fmt: skip

FAULTS = (OSError, JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What an answer of unexpected shape makes of the code that reads it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun: where to send the browser, and what to keep for its return."""

    url: str
    state: str
    nonce: str
    code_verifier: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a provider said of somebody, checked, and the token that said so."""

    claims: Mapping[str, Any]
    id_token: str


class Remembered:
    """A document of the provider's: fetched once an hour, by one thread at a time.

    Who comes while it is being fetched waits for the same answer, good or bad, but no longer than
    they have time for.
    """

    def __init__(
        self, fetch: Callable[[], dict[str, Any]], away: Callable[[str], ProviderAway]
    ) -> None:
        self._fetch = fetch
        self._away = away
        self._lock = threading.Lock()
        self._value: dict[str, Any] | None = None
        self._until = 0.0
        self._failure: ProviderAway | ProviderWrong | None = None
        self._refetched = float("-inf")

    def get(self) -> dict[str, Any]:
        """The document. Raises ProviderAway or ProviderWrong."""
        with self._locked():
            if time.monotonic() >= self._until:
                self._ask()
            if self._failure is not None:
                # Each gets their own: what is noted on it on its way out is theirs alone.
                raise type(self._failure)(str(self._failure), self._failure.reason)
            assert self._value is not None
            return self._value

    def last(self) -> dict[str, Any]:
        """The document as it was last read, however long ago; asked for only if it never was."""
        known = self._value
        return self.get() if known is None else known

    def again(self) -> dict[str, Any]:
        """The document, newly fetched unless that was done a moment ago."""
        with self._locked():
            now = time.monotonic()
            if now - self._refetched >= REFETCH_S:
                self._refetched = now
                self._until = 0
        return self.get()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=time_left()):
            raise self._away("somebody else is still waiting for the provider's answer")
        try:
            yield
        finally:
            self._lock.release()

    def _ask(self) -> None:
        if not time_left():  # says nothing of the provider that others should remember
            raise self._away("the time for this sign-in is over")
        try:
            self._value, self._failure = self._fetch(), None
            self._until = time.monotonic() + REMEMBERED_S
        except (ProviderAway, ProviderWrong) as failure:
            if not time_left():  # others may have more time than who signs out
                raise
            self._failure = failure
            self._until = time.monotonic() + FAILURE_S


class ProviderClient(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]  # no types
    """A provider and what this process knows of it."""

    client_cls = BoundedSession

    def __init__(self, provider: Provider, app_url: str) -> None:
        self.client_kwargs: dict[str, Any] = {}
        super().__init__(
            FrameworkIntegration(provider.id),
            name=provider.id,
            client_id=provider.client_id,
            client_secret=provider.client_secret,
            client_kwargs={
                "scope": " ".join(provider.scopes),
                "code_challenge_method": "S256",
            },
            user_agent="Respondeo",
        )
        self.provider = provider
        self.redirect_uri = provider.redirect_uri(app_url)
        self._metadata = Remembered(self._fetch_metadata, self.away)
        self._keys = Remembered(self._fetch_keys, self.away)

    # -- a sign-in --

    def begin(self) -> Begun:
        """Begin a sign-in. Raises ProviderAway or ProviderWrong."""
        with within(SIGN_IN_S), self._asking("metadata"):
            begun = self.create_authorization_url(self.redirect_uri)
        return Begun(**{name: begun[name] for name in Begun.__dataclass_fields__})

    def finish(self, code: str, *, nonce: str, code_verifier: str) -> Vouched:
        """Exchange the code for what the provider says of the person, all of it checked.

        Raises SignInStale, ProviderAway, ProviderWrong.
        """
        with within(SIGN_IN_S):
            with self._asking("token"):
                token = self.fetch_access_token(
                    self.redirect_uri, code=code, code_verifier=code_verifier
                )
            id_token = token.get("id_token")
            if not isinstance(id_token, str):
                raise self.wrong("token: there is no ID token in its answer")
            with self._asking("ID token"):
                claims = dict(self._checked(token, nonce))
            return Vouched(self._with_userinfo(claims, token), id_token)

    def _checked(self, token: dict[str, Any], nonce: str) -> Mapping[str, Any]:
        def check() -> Mapping[str, Any]:
            options = {
                "iss": {"essential": True, "value": self.provider.issuer},
                "aud": {"essential": True, "value": self.client_id},
                "sub": {"essential": True},
            }
            claims: Mapping[str, Any] = self.parse_id_token(
                token, nonce=nonce, claims_options=options, leeway=LEEWAY_S
            )
            return claims

        try:
            return check()
        except BadSignatureError:  # a new key under the old name
            self._keys.again()
            return check()

    def _with_userinfo(self, claims: dict[str, Any], token: dict[str, Any]) -> dict[str, Any]:
        """Fill in what the ID token does not say from the userinfo endpoint."""
        wanted = ("email", "email_verified", "name", self.provider.groups_claim)
        has_all = all(named(claims, name) is not None for name in wanted)
        if (
            has_all
            or "userinfo_endpoint" not in self._metadata.get()
            or "access_token" not in token
        ):
            return claims
        with self._asking("userinfo"):
            more = self.userinfo(token=token)
        if more.get("sub") != claims["sub"]:
            raise self.wrong("userinfo: it is about somebody else than the ID token")
        return together(claims, more, self.provider.groups_claim)

    # -- what the provider says of itself --

    def load_server_metadata(self) -> dict[str, Any]:
        """For Authlib: the checked metadata, with the algorithms that we accept."""
        return dict(self._metadata.get())

    def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:
        """For Authlib: the provider's keys; `force` where a token names one that is unknown."""
        return self._keys.again() if force else self._keys.get()

    def end_session_url(self, id_token: str | None, back: str) -> str | None:
        """Where the person can sign out at the provider too; None where it has no such place.

        A provider that was once known is not asked again: nobody waits for it who wants to leave.
        Raises ProviderAway or ProviderWrong.
        """
        with self._asking("metadata"):
            known = self._metadata.last()
            if "end_session_endpoint" not in known:
                return None
            told = {
                "id_token_hint": id_token,
                "client_id": self.client_id,
                "post_logout_redirect_uri": back,
                "state": secrets.token_urlsafe(),
            }
            given = [(name, value) for name, value in told.items() if value]
            return str(add_params_to_uri(known["end_session_endpoint"], given))

    def _fetch_metadata(self) -> dict[str, Any]:
        with self._asking("discovery"):
            answer = self._get_json(self.provider.discovery_url)
        found = {name: value for name, value in answer.items() if value is not None}
        said = found.get("issuer")
        if said != self.provider.issuer:
            raise self.wrong(f"discovery: its issuer is {said!r}, not {self.provider.issuer!r}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if name not in found:
                raise self.wrong(f"discovery: there is no {name}")
        for name in METADATA & set(found):
            if name.endswith(("_endpoint", "_uri")) and not self.provider.may_use(found[name]):
                raise self.wrong(f"discovery: its {name} is not an https address")
        known = {name: found[name] for name in METADATA & set(found)}
        offered = known.get("id_token_signing_alg_values_supported")
        listed = offered if isinstance(offered, list) else ALGORITHMS
        usable = [name for name in ALGORITHMS if name in listed]
        if not usable:
            raise self.wrong(f"discovery: it signs with {offered!r}, none of which we accept")
        known["id_token_signing_alg_values_supported"] = usable
        self._choose_authentication(known.get("token_endpoint_auth_methods_supported"))
        return known

    def _choose_authentication(self, offered: object) -> None:
        """How to show our secret: as the specification has it, unless only the other way goes."""
        only_post = isinstance(offered, list) and "client_secret_basic" not in offered
        method = "client_secret_post" if only_post else "client_secret_basic"
        self.client_kwargs = self.client_kwargs | {"token_endpoint_auth_method": method}

    def _fetch_keys(self) -> dict[str, Any]:
        with self._asking("keys"):
            found = self._get_json(self._metadata.get()["jwks_uri"])
            keys = usable_keys(found)
        if not keys:
            raise self.wrong("keys: there is none that we can use")
        return {"keys": keys}

    def _get_json(self, url: str) -> dict[str, Any]:
        with self._get_session() as session:
            response = session.request("GET", url, withhold_token=True)
            response.raise_for_status()
            found = response.json()
        if not isinstance(found, dict):
            raise ValueError("its answer is not a JSON object")
        return found

    # -- faults --

    def wrong(self, reason: str) -> ProviderWrong:
        """The provider did something that it must not."""
        return ProviderWrong(
            f"{self.provider.label} gave an answer that cannot be trusted. Try again; if it stays"
            " so, tell whoever runs this server.",
            reason,
        )

    def away(self, reason: str) -> ProviderAway:
        """The provider does not answer."""
        return ProviderAway(
            f"{self.provider.label} does not answer at the moment. Wait a minute, then sign in"
            " again.",
            reason,
        )

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Whatever goes wrong with the provider becomes one of two faults, with its cause."""
        try:
            yield
        except (requests.Timeout, requests.ConnectionError) as error:
            raise self.away(f"{what}: {cause(error)}") from error
        except AuthlibBaseError as error:
            if error.error == "invalid_grant":
                raise SignInStale(f"{what}: {cause(error)}") from error
            raise self.wrong(f"{what}: {cause(error)}") from error
        except FAULTS as error:
            raise self.wrong(f"{what}: {cause(error)}") from error


def usable_keys(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The public keys for signatures in a set; others may stand beside them."""
    keys = []
    for key in found["keys"]:
        try:
            if key.get("use", "sig") == "sig" and key["kty"] != "oct":
                JWKRegistry.import_key(key)
                keys.append(key)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return keys


def cause(error: BaseException) -> str:
    """An error in one line for the log."""
    told: object = error
    if isinstance(error, requests.ConnectionError) and error.args:  # it wraps what matters
        told = getattr(error.args[0], "reason", error.args[0])
    said = " ".join(str(told).split())[:300]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
