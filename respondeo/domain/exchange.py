"""The file that quizzes are exchanged as: the quiz document as JSON, read without any trust.

docs/quiz-format.md describes it. What is exported and imported again is the same, byte for byte.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic import ValidationError

from respondeo.domain.completeness import sentence
from respondeo.domain.document import Document
from respondeo.domain.draft import Draft
from respondeo.domain.errors import Invalid, Problem

LARGEST_FILE = 3_000_000  # bytes: the largest draft there is, indented
MOST_KEYS = 40  # of one object: more than any part of a quiz has
MOST_VALUES = 50_000  # objects, lists, texts …: three times as many as the largest quiz has
DEEPEST = 20  # objects and lists in one another: more than any quiz has
MOST_FAULTS = 1000  # that are told: finding words for each takes time
LONGEST_NUMBER = 18  # characters
LONGEST_KEY = 60  # characters of a field's name: every place below it is told with it
SCHEMA_KEY = "$schema"
FILE = "file"
"""The path of what is wrong with the whole file."""


def exported(draft: Draft, schema_address: str) -> str:
    """The draft as a file: every word and every uid of it."""
    document = draft.model_dump(mode="json", by_alias=True)
    return json.dumps({SCHEMA_KEY: schema_address, **document}, ensure_ascii=False, indent=2) + "\n"


def json_schema(address: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a quiz that can be published; `address` is its `$id`."""
    found = Document.model_json_schema(by_alias=True)
    found["properties"] = {SCHEMA_KEY: {"type": "string"}, **found["properties"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": address, **found}


def imported(file: bytes) -> Draft:
    """The draft in a file, perhaps incomplete. Raises Invalid with everything that is wrong."""
    if len(file) > LARGEST_FILE:
        raise _wrong(f"This file is too large: at most {LARGEST_FILE // 1_000_000} MB are read.")
    if file.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in file[:4]:
        raise _wrong("This file is UTF-16 or UTF-32. Save it as UTF-8 and choose it again.")
    try:
        return imported_text(file.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = file.count(b"\n", 0, error.start) + 1
        raise _wrong(
            f"Line {line} is not UTF-8. Save the file as UTF-8 and choose it again."
        ) from None


def imported_text(text: str) -> Draft:
    """The draft in this text. Raises Invalid as `imported` does."""
    value = parsed(text.removeprefix("\ufeff"))
    if isinstance(value, dict) and not isinstance(value.pop(SCHEMA_KEY, ""), str):
        raise Invalid(Problem(SCHEMA_KEY, "Write an address here, or leave it out."))
    try:
        return Draft.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise Invalid(*faults(error)) from None


def _wrong(words: str) -> Invalid:
    return Invalid(Problem(FILE, words))


def parsed(text: str) -> Any:
    """The JSON value of a text without any trust. Raises Invalid with everything that is wrong."""
    value = _read(text)
    problems = list(islice(_unusable(value), MOST_FAULTS))
    if problems:
        raise Invalid(*problems)
    return value


def _read(text: str) -> Any:
    """The JSON value. Stricter than Python: what programs read differently is refused."""
    if not text.strip():
        raise _wrong("There is nothing in it. Choose a file, or paste the JSON of a quiz.")
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_no_number,
        )
    except json.JSONDecodeError as error:
        raise _wrong(
            f"This is no JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> Invalid:
    return _wrong("Objects and lists stand in one another too deep for a quiz.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs[:MOST_KEYS])
    if len(pairs) > MOST_KEYS:
        raise _wrong(f"One object has {len(pairs):,} fields: no part of a quiz has so many.")
    long = next((name for name in found if len(name) > LONGEST_KEY), None)
    if long is not None:
        raise _wrong(f"There is no such field: “{_short(long)}”.")
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _wrong(f"One object has the field “{_short(twice)}” twice. Leave one.")
    return found


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise _wrong(f"The number {_short(digits)} is too large.")
    return int(digits)


def _number(digits: str) -> int | float:
    number = float(digits)
    if not math.isfinite(number):
        raise _wrong(f"The number {_short(digits)} is too large.")
    # 5.0 is a whole number, in JSON and in its schemas.
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _no_number(name: str) -> float:
    raise _wrong(f"{name} is no JSON. Write a number, or null.")


def _short(text: str) -> str:
    shown = text.encode("utf-8", "replace").decode()
    return shown if len(shown) <= 40 else f"{shown[:40]}…"


def _unusable(root: Any) -> Iterator[Problem]:
    """Texts that hold half a character. Raises Invalid where there is no end of depth or parts."""
    waiting: list[tuple[str, Any, int]] = [("", root, 0)]
    seen = 0
    while waiting:
        path, value, depth = waiting.pop()
        seen += 1
        if seen + len(waiting) > MOST_VALUES:
            raise _wrong("This has many more parts than a quiz may have: at most 500 questions.")
        if depth > DEEPEST:
            raise _too_deep()
        if isinstance(value, str) and _HALF.search(value):
            yield Problem(path, "This text holds half a character (a lone surrogate). Remove it.")
        parts: list[tuple[Any, Any]] = []
        if isinstance(value, dict):
            if any(_HALF.search(name) for name in value):
                yield Problem(path or FILE, "A field’s name holds half a character. Remove it.")
            parts = list(value.items())
        elif isinstance(value, list):
            parts = list(enumerate(value[: MOST_VALUES + 1]))
        waiting += [
            (f"{path}.{name}".lstrip("."), part, depth + 1) for name, part in reversed(parts)
        ]


_HALF = re.compile("[\ud800-\udfff]")


def faults(error: ValidationError, *, whole: str = FILE) -> Iterator[Problem]:
    """What has the wrong shape: one problem for each place; `whole`: the place of it all."""
    known = set()
    for details in error.errors(include_url=False)[:MOST_FAULTS]:
        location = details["loc"]
        if location[:1] in {("maxAttempts",), ("timeLimitSeconds",)}:
            location = location[:1]  # without which of the two it might have been
        elif location[-2:-1] == ("answerId",):
            location = location[:-1]
        path = ".".join(str(part) for part in location) or whole
        if path not in known:
            known.add(path)
            yield Problem(path, sentence(dict(details)))


def place_in_words(path: str) -> str:
    """`questions.3.answers.0.text` as `Question 4, answer 1, text`."""
    words, parts = [], path.split(".")
    for name, number in zip(parts, [*parts[1:], ""], strict=True):
        if name in {"questions", "answers"} and number.isdigit():
            words.append(f"{name[:-1]} {int(number) + 1}")
        elif not name.isdigit():
            words.append("the file" if name == FILE else name)
    told = ", ".join(words)
    return told[:1].upper() + told[1:] if path.startswith(("questions.", FILE)) else told
