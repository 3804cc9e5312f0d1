"""The identity providers, read from the `OIDC_` variables and checked.

One provider: `OIDC_PROVIDER_ID`, `OIDC_ISSUER` and so on. Several: `OIDC_PROVIDERS=school,google`
and `OIDC_SCHOOL_ISSUER`, `OIDC_GOOGLE_ISSUER` and so on.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SCOPES = "openid profile email groups"
GROUPS_CLAIM = "groups"
REQUIRED = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")
OPTIONAL = ("SCOPES", "GROUPS_CLAIM", "NAME")
ONE = ("OIDC_PROVIDER_ID", *(f"OIDC_{part}" for part in (*REQUIRED, *OPTIONAL)))
SEVERAL = "OIDC_PROVIDERS"
TAKEN = frozenset({"local"})
"""Ids that mean something else in the table of accounts."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider. `id` is part of addresses and of stored accounts, `label` is shown."""

    id: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = tuple(SCOPES.split())
    groups_claim: str = GROUPS_CLAIM

    @property
    def discovery_url(self) -> str:
        """Where the provider describes itself (OpenID Connect Discovery 1.0, section 4)."""
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"

    def may_use(self, url: object) -> bool:
        """Whether an address of the provider's is safe: https, or as plain as its issuer is."""
        try:
            scheme = urlsplit(url).scheme if isinstance(url, str) else ""
        except ValueError:
            return False
        return scheme == "https" or (scheme == "http" and self.issuer.startswith("http:"))

    def redirect_uri(self, app_url: str) -> str:
        """Where the provider sends people back to; it must know this address."""
        return f"{app_url}/auth/callback/{self.id}"


def read(environ: Mapping[str, str], *, production: bool) -> tuple[tuple[Provider, ...], list[str]]:
    """The providers of this environment, and a line for each problem.

    production: an issuer over plain http is then accepted on this machine only.
    """
    given = {
        name: value.strip()
        for name, value in environ.items()
        if name.startswith("OIDC_") and value.strip()
    }
    single = [name for name in ONE if name in given]
    if SEVERAL in given:
        if single:
            return (), [
                (
                    f"  {SEVERAL}: either this, with OIDC_<NAME>_ISSUER and so on for each, or"
                    f" {single[0]} and its kind for one provider, but not both"
                )
            ]
        ids, problems = _ids(given[SEVERAL])
        prefixes = {one: f"OIDC_{one.upper().replace('-', '_')}_" for one in ids}
        names = {SEVERAL}
    else:
        ids, problems = _only_id(given) if single else ([], [])
        prefixes = dict.fromkeys(ids, "OIDC_")
        names = set(ONE)
    names |= {prefix + part for prefix in prefixes.values() for part in (*REQUIRED, *OPTIONAL)}
    if not problems:
        problems = _unknown(set(given) - names, several=SEVERAL in given)
    found = []
    for one, prefix in prefixes.items():
        wrong = _wrong(given, prefix, production=production)
        problems += wrong
        if not wrong:
            found.append(_provider(one, given, prefix))
    return tuple(found), problems


def _ids(value: str) -> tuple[list[str], list[str]]:
    ids = [part.strip() for part in value.split(",") if part.strip()]
    problems = [f"  {SEVERAL}: {said}" for one in ids if (said := _wrong_id(one))]
    problems += [
        f"  {SEVERAL}: “{one}” stands there twice" for one in sorted(set(ids)) if ids.count(one) > 1
    ]
    if not ids:
        problems.append(f"  {SEVERAL}: name the providers, separated by commas: school,google")
    return ([] if problems else ids), problems


def _only_id(given: Mapping[str, str]) -> tuple[list[str], list[str]]:
    if ONE[0] not in given:
        missing = [name for name in ONE[:4] if name not in given]
        return [], [f"  {name} is missing: {_MEANING[name[5:]]}" for name in missing]
    said = _wrong_id(given[ONE[0]])
    return ([], [f"  {ONE[0]}: {said}"]) if said else ([given[ONE[0]]], [])


def _wrong_id(one: str) -> str | None:
    if not re.fullmatch(r"[a-z0-9-]{1,40}", one):
        return f"“{one}” must be small letters, digits and hyphens, 40 at most"
    if one in TAKEN:
        return f"“{one}” is taken; choose another id"
    return None


_MEANING = {
    "PROVIDER_ID": "a short id of your choice, such as school; it is part of the callback address",
    "ISSUER": "the provider's address, as its discovery document has it",
    "CLIENT_ID": "the id that the provider gave to Respondeo",
    "CLIENT_SECRET": "the secret that the provider gave to Respondeo",
}


def _unknown(names: set[str], *, several: bool) -> list[str]:
    """A misspelt variable would silently leave its default."""
    known = (
        "those of a provider end in " + ", ".join(f"_{part}" for part in (*REQUIRED, *OPTIONAL))
        if several
        else "the settings are " + ", ".join(ONE) + f"; or {SEVERAL} for several providers"
    )
    return [f"  {name}: there is no such setting; {known}" for name in sorted(names)]


def _wrong(given: Mapping[str, str], prefix: str, *, production: bool) -> list[str]:
    problems = [
        f"  {prefix}{part} is missing: {_MEANING[part]}"
        for part in REQUIRED
        if prefix + part not in given
    ]
    said = _wrong_issuer(given.get(f"{prefix}ISSUER"), production=production)
    if said:
        problems.append(f"  {prefix}ISSUER: {said}")
    if "openid" not in _scopes(given, prefix):
        problems.append(f"  {prefix}SCOPES: openid must be among them, as in: {SCOPES}")
    problems += [
        f"  {prefix}{part}: it holds characters that cannot be seen"
        for part in ("CLIENT_ID", "CLIENT_SECRET")
        if not given.get(prefix + part, "").isprintable()
    ]
    return problems


def _wrong_issuer(issuer: str | None, *, production: bool) -> str | None:
    if issuer is None:
        return None
    try:
        parts = urlsplit(issuer)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no address"
    said = None
    if parts.scheme not in {"https", "http"} or not host or not issuer.isprintable():
        said = "it must begin with https:// and name a host"
    elif parts.query or parts.fragment or parts.username is not None:
        said = "it must be an address without ?, # and @"
    elif "/.well-known/" in parts.path:
        said = "leave out /.well-known/openid-configuration; it is added by itself"
    elif parts.scheme == "http" and production and not is_loopback(host):
        said = "it must begin with https://; in production http is for this machine only"
    return said


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine by definition."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _scopes(given: Mapping[str, str], prefix: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.split(r"[\s,]+", given.get(f"{prefix}SCOPES", SCOPES))))


def _provider(one: str, given: Mapping[str, str], prefix: str) -> Provider:
    return Provider(
        id=one,
        label=given.get(f"{prefix}NAME") or presentable(one),
        issuer=given[f"{prefix}ISSUER"],
        client_id=given[f"{prefix}CLIENT_ID"],
        client_secret=given[f"{prefix}CLIENT_SECRET"],
        scopes=_scopes(given, prefix),
        groups_claim=given.get(f"{prefix}GROUPS_CLAIM", GROUPS_CLAIM),
    )


def presentable(one: str) -> str:
    """`my-school` is shown as “My School”."""
    return " ".join(word.capitalize() for word in one.split("-") if word) or one
