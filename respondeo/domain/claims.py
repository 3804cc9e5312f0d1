"""What an identity provider says of a person, read with care: nothing of it is of sure shape."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from respondeo.domain.errors import ProviderWrong
from respondeo.domain.names import HIDDEN_NAME, LONGEST_REAL, without_addresses

LONGEST_EMAIL = 254
LONGEST_PICTURE = 500
LONGEST_SUBJECT = 255
LONGEST_GROUP = 1000

_EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+")
# What an address is set apart with, and remarks in brackets.
_APART = " -–—,;:|/<>\"'"
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
# Characters that turn the direction of what stands after them, too.
_UNSEEN = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody, as a provider describes them.

    email: in small letters. groups: None where the provider said nothing about them.
    ignored: the claims that were there but of no use, for the log.
    """

    subject: str
    email: str | None
    email_verified: bool
    name: str
    picture: str | None
    groups: tuple[str, ...] | None
    ignored: tuple[str, ...] = ()


def identity_of(claims: Mapping[str, Any], groups_claim: str) -> Identity:
    """Read the claims. Raises ProviderWrong where they do not say who it is."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or bad(subject):
        raise ProviderWrong(
            "The provider did not say who you are. Tell whoever runs this server.",
            f"claims: sub is a {type(subject).__name__} that cannot be used",
        )
    email, groups, picture = _email(claims), _groups(claims, groups_claim), _picture(claims)
    unread = {"email": email, groups_claim: groups, "picture": picture}
    ignored = [
        name for name, read in unread.items() if read is None and named(claims, name) is not None
    ]
    # Microsoft Entra: more groups than the token holds, so that it names none.
    elsewhere = claims.get("_claim_names")
    if isinstance(elsewhere, Mapping) and groups_claim in elsewhere and groups is None:
        ignored.append(groups_claim)
    return Identity(
        subject=subject,
        email=email,
        email_verified=email is not None and claims.get("email_verified") in (True, "true"),
        name=_name(claims),
        picture=picture,
        groups=groups,
        ignored=tuple(ignored),
    )


def named(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of this very name; else what the dots lead to; None where there is nothing."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def together(
    claims: Mapping[str, Any], more: Mapping[str, Any], groups_claim: str
) -> dict[str, Any]:
    """The claims of an ID token, and what only the userinfo endpoint says of the same person.

    Whether an e-mail is verified counts for that e-mail alone.
    """
    found = {**more, **{name: said for name, said in claims.items() if said is not None}}
    email = _email(claims)
    if claims.get("email") is None:
        found["email_verified"] = more.get("email_verified")
    elif claims.get("email_verified") is None and (email is None or email != _email(more)):
        found["email_verified"] = None
    groups = named(claims, groups_claim)
    found[groups_claim] = named(more, groups_claim) if groups is None else groups
    return found


def bad(text: str) -> bool:
    """Whether text holds what no name of anything does: control characters, half characters."""
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)


def clean_name(text: object) -> str | None:
    """A name fit to be shown, None where nothing of it can be seen.

    An e-mail address is no name, nor part of one: others would see it.
    """
    if not isinstance(text, str):
        return None
    folded = " ".join(text[: 10 * LONGEST_REAL].split())
    whole = "".join(one for one in folded if one not in _UNSEEN and not bad(one)).strip()
    kept = without_addresses(whole)
    if kept == " ".join(whole.split()):
        is_name = _has(whole, "LNPS")
    else:  # “(Contractor)” behind an address is a remark, and no name
        kept = kept.strip(_APART)
        is_name = _has(_ASIDE.sub("", kept), "LN")
    return kept[:LONGEST_REAL].strip() if is_name else None


def _has(text: str, kinds: str) -> bool:
    return any(unicodedata.category(one)[0] in kinds for one in text)


def _name(claims: Mapping[str, Any]) -> str:
    both = (claims.get("given_name"), claims.get("family_name"))
    whole = " ".join(part for part in both if isinstance(part, str))
    candidates: Iterable[object] = (
        claims.get("name"),
        claims.get("display_name"),
        whole,
        claims.get("preferred_username"),
    )
    return next(filter(None, map(clean_name, candidates)), HIDDEN_NAME)


def _email(claims: Mapping[str, Any]) -> str | None:
    email = claims.get("email")
    if not isinstance(email, str) or len(email) > LONGEST_EMAIL or bad(email):
        return None
    small = email.strip().lower()
    # Some letters have a plain one as their small letter: they must not pass for it.
    if not _EMAIL.fullmatch(small) or small.isascii() != email.isascii():
        return None
    return small


def _groups(claims: Mapping[str, Any], path: str) -> tuple[str, ...] | None:
    """The groups, each once. One that could be mistaken for another is none."""
    found = named(claims, path)
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(group, str) for group in found):
        return None
    kept = (group for group in found if 0 < len(group) <= LONGEST_GROUP and not bad(group))
    return tuple(dict.fromkeys(kept))


def _picture(claims: Mapping[str, Any]) -> str | None:
    picture = claims.get("picture")
    if not isinstance(picture, str) or len(picture) > LONGEST_PICTURE:
        return None
    try:
        parts = urlsplit(picture)
    except ValueError:
        return None
    is_address = parts.scheme == "https" and bool(parts.hostname) and picture.isprintable()
    return picture if is_address and " " not in picture else None
