"""Whether a draft can be published, and what is missing or wrong in it.

The rules are those of `domain.document`; here are the words for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from respondeo.domain.document import Document
from respondeo.domain.draft import Draft, DraftAnswer, DraftQuestion, tidied
from respondeo.domain.errors import Invalid, Problem

LONGEST_LIMIT = 86_400  # seconds


def complete(draft: Draft) -> Document:
    """The document that publishing this draft makes.

    Raises Invalid with everything that is missing or wrong. Paths are those of the draft:
    `questions.3.answers.0.text` is its fourth question's first answer.
    """
    tidy = tidied(draft)
    found = list(_missing(tidy))
    known = {problem.path for problem in found}
    try:
        return Document.model_validate(tidy.model_dump(by_alias=True))
    except ValidationError as error:
        for details in error.errors(include_url=False):
            path = _path(details["loc"], tidy, draft)
            if path not in known:
                found.append(Problem(path, sentence(dict(details))))
                known.add(path)
    raise Invalid(*sorted(found, key=lambda problem: _place(problem.path)))


def problems(draft: Draft) -> tuple[Problem, ...]:
    """What keeps this draft from being published, in the order of the editor; () if nothing."""
    try:
        complete(draft)
    except Invalid as invalid:
        return invalid.problems
    return ()


def _missing(tidy: Draft) -> Iterator[Problem]:
    """What an author has not come to yet, in words that say what to do."""
    if isinstance(tidy.time_limit_seconds, str):
        yield Problem("timeLimitSeconds", "Write minutes and seconds, like 5:30, or nothing.")
    elif tidy.time_limit_seconds > LONGEST_LIMIT:
        yield Problem("timeLimitSeconds", "At most 24 hours.")
    if not tidy.questions:
        yield Problem("questions", "Write at least one question.")
    for place, question in enumerate(tidy.questions):
        here = f"questions.{place}"
        if len(question.answers) < 2:
            yield Problem(f"{here}.answers", "Write at least two answers.")
        elif not any(answer.is_correct for answer in question.answers):
            yield Problem(f"{here}.answers", "Mark the right answer.")


ORDER = [
    str(field.alias)
    for part in (Draft, DraftQuestion, DraftAnswer)
    for field in part.model_fields.values()
]


def _place(path: str) -> tuple[int, ...]:
    """Where a path stands in the editor, from the top."""
    return tuple(
        int(part) if part.isdigit() else ORDER.index(part) if part in ORDER else len(ORDER)
        for part in path.split(".")
    )


def _path(location: tuple[int | str, ...], tidy: Draft, draft: Draft) -> str:
    """The dotted path of a fault in `tidy`, told by the places of `draft`."""
    parts = list(location)
    if len(parts) > 3 and parts[0] == "questions" and parts[2] == "answers":
        question, answer = int(parts[1]), int(parts[3])
        uid = tidy.questions[question].answers[answer].uid
        parts[3] = [one.uid for one in draft.questions[question].answers].index(uid)
    if len(parts) == 2:  # what is wrong with a question as a whole concerns its answers
        parts.append("answers")
    return ".".join(str(part) for part in parts)


SENTENCES = {
    "string_too_long": "At most {max_length} characters; these are {length}.",
    "string_pattern_mismatch": "Use an address that begins with https://, or upload a picture.",
    "string_type": "Write text here.",
    "int_type": "Write a whole number.",
    "int_parsing": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "bool_parsing": "Use true or false.",
    "bool_type": "Use true or false.",
    "greater_than_equal": "Use {ge} or more.",
    "less_than_equal": "Use {le} at most.",
    "too_long": "At most {max_length}, not {actual_length}.",
    "enum": "Choose one of {expected}.",
    "extra_forbidden": "There is no such field.",
    "model_type": "Here must be an object, in braces.",
    "tuple_type": "Here must be a list, in brackets.",
    "list_type": "Here must be a list, in brackets.",
    "datetime_type": "Write a time like 2026-09-01T08:00:00Z.",
    "value_error": "{error}",
}
"""By the kind of fault that pydantic found; the names are those of its contexts."""


def sentence(error: Mapping[str, Any]) -> str:
    """What to do about a fault that pydantic found, in plain words."""
    if error["type"] in {"string_too_short", "missing", "too_short"}:
        return _unwritten(error["loc"])
    if error["type"] in {"uuid_parsing", "uuid_type"}:
        is_ours = error["loc"][-1:] == ("uid",)
        return f"Write a UUID{', or leave the uid out: a new one is made' if is_ours else ''}."
    words = SENTENCES.get(error["type"])
    if words is None:
        return f"{error['msg']}."
    return words.format(**error.get("ctx", {}), length=len(str(error["input"])))


UNWRITTEN = {
    "title": "Write a title.",
    "description": "Write a description: one sentence that says what the quiz is about.",
    "questions": "Write at least one question.",
    "questions.text": "Write the question.",
    "questions.answers": "Write at least two answers.",
    "questions.answers.text": "Write this answer, or do not mark it as right.",
}
"""By the place, without the numbers in it."""


def _unwritten(location: tuple[int | str, ...]) -> str:
    place = ".".join(part for part in location if isinstance(part, str))
    return UNWRITTEN.get(place, "This is needed.")
