"""The editor's form: any subset of a draft, by the names of its fields.

title, description, language …          details
q-<uid>-text, q-<uid>-explanation …     a question; q-<uid>-a-<uid>-text, -right its answers
order                                   the uids of all questions, where some came, went, moved
revision                                the one that the author has seen
action                                  the button: save, add, up:<uid> …
choice-title, choice-q-<uid>            after a conflict: mine or theirs; all: for all
place-q-<uid>                           where a question goes that somebody else has removed
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from respondeo.domain.edits import Edits
from respondeo.domain.errors import Invalid, Problem
from respondeo.web.authoring.steps import step_of

INCOMPLETE = "The form is incomplete. Reload the page."

UID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
OF_QUESTION = re.compile(
    rf"q-({UID})-(?:(text|explanation|image_url|image_alt)|a-({UID})-(text|right))"
)
TEXTS = frozenset({"title", "description"})
CHOICES = frozenset({"language", "difficulty", "feedback", "reveal"})
SWITCHES = frozenset({"randomize_questions", "randomize_answers"})


def revision_of(form: Mapping[str, str]) -> int:
    """The revision that the author has seen. Raises Invalid."""
    told = form.get("revision", "")
    if not re.fullmatch(r"[0-9]{1,9}", told):
        raise Invalid(Problem("revision", INCOMPLETE))
    return int(told)


def edits_of(form: MultiDict[str, str]) -> Edits:
    """What was sent. Raises Invalid where a uid is none."""
    verb, uid, rest = _action(form.get("action", "save"))
    target = _uid(rest) if verb in {"lift", "drop"} else None
    inserts = _places(form)
    if verb == "insert" and uid:
        inserts[uid] = _place(rest)
    return Edits(
        details={k: v for k, v in _details(form).items() if keeps_mine(form, k)},
        questions={k: v for k, v in _questions(form).items() if keeps_mine(form, f"q-{k}")},
        order=_order(form["order"]) if "order" in form else None,
        inserts=inserts,
        removes=uid if verb == "remove" else None,
        step=step_of(verb, uid, target),
    )


def keeps_mine(form: Mapping[str, str], part: str) -> bool:
    """Whether a part is to be saved: where there was a conflict, what was chosen."""
    return form.get("all") != "theirs" and form.get(f"choice-{part}") != "theirs"


def _places(form: Mapping[str, str]) -> dict[UUID, int]:
    start = "place-q-"
    return {
        _uid(name.removeprefix(start)): _place(told)
        for name, told in form.items()
        if name.startswith(start)
    }


def _place(told: str) -> int:
    return int(told) if re.fullmatch(r"[0-9]{1,3}", told) else 0


# -- details and questions -------------------------------------------------------------------------


def _details(form: MultiDict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in form:
        value = form.getlist(name)[-1]  # a switch sends what it is when off, then on
        if name in TEXTS:
            found[name] = clean(value)
        elif name in CHOICES:
            found[name] = value
        elif name in SWITCHES:
            found[name] = value == "1"
        elif name == "hero-image_url":
            found["hero_image_url"] = clean(value) or None
        elif name == "max_attempts":
            found[name] = whole_number(value) if value.strip() else None
        elif name == "time_limit":
            found["time_limit_seconds"] = seconds(value)
    return found


def _questions(form: MultiDict[str, str]) -> dict[UUID, dict[str, Any]]:
    """The fields of each question, in the order of the form."""
    found: dict[UUID, dict[str, Any]] = {}
    answers: dict[UUID, dict[UUID, dict[str, Any]]] = {}
    for name, value in form.items():
        if not name.startswith("q-"):
            continue
        told = OF_QUESTION.fullmatch(name)
        if told is None:
            if name.endswith("-picture"):  # a file field that holds none
                continue
            raise Invalid(Problem("questions", INCOMPLETE))
        uid = UUID(told[1])
        question = found.setdefault(uid, {})
        if told[2]:
            text = clean(value)
            question[told[2]] = text if told[2] == "text" else text or None
        else:
            answer = answers.setdefault(uid, {}).setdefault(UUID(told[3]), {"text": ""})
            answer["text" if told[4] == "text" else "is_correct"] = (
                clean(value) if told[4] == "text" else value == "1"
            )
    for uid, given in answers.items():
        found[uid]["answers"] = [{"uid": one, **fields} for one, fields in given.items()]
    return found


def _order(told: str) -> tuple[UUID, ...]:
    return tuple(_uid(one) for one in told.split())


def _uid(text: str) -> UUID:
    if not re.fullmatch(UID, text):
        raise Invalid(Problem("questions", INCOMPLETE))
    return UUID(text)


def clean(text: str) -> str:
    """What was typed, with the line ends that every browser shows alike."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def whole_number(text: str) -> int | str:
    """The number, or what was typed instead."""
    told = text.strip()
    return int(told) if re.fullmatch(r"[0-9]{1,9}", told) else clean(text)


def seconds(text: str) -> int | str:
    """5 → 300 (minutes), 5:30 → 330, 1:05:00 → 3900, nothing → 0; else what was typed."""
    told = text.strip()
    if not told:
        return 0
    if not re.fullmatch(r"[0-9]{1,5}(?::[0-5]?[0-9]){0,2}", told):
        return clean(text)
    parts = [int(part) for part in told.split(":")]
    hours, minutes, rest = [0] * (3 - len(parts)) + parts if len(parts) > 1 else [0, parts[0], 0]
    return hours * 3600 + minutes * 60 + rest


def limit_typed(limit: int | str) -> str:
    """A time limit as one would type it."""
    if isinstance(limit, str) or limit <= 0:
        return str(limit or "")
    return f"{limit // 60}:{limit % 60:02}"


# -- buttons ---------------------------------------------------------------------------------------


def _action(told: str) -> tuple[str, UUID | None, str]:
    """`up:<uid>` as its verb and uid; what follows them. Raises Invalid."""
    verb, _, rest = told.partition(":")
    first, _, rest = rest.partition(":")
    return verb, _uid(first) if first else None, rest
