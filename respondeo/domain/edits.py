"""Edits: what an author changed in a draft since they read it, applied as one change.

Any part of a draft may be among them: some details, some questions, the order of all, one step.
Applied twice they change nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

from pydantic import ValidationError

from respondeo.domain.completeness import sentence
from respondeo.domain.document import MOST_QUESTIONS, Part
from respondeo.domain.draft import Draft, DraftQuestion, inserted
from respondeo.domain.errors import Invalid, NewerRevision, Problem

P = TypeVar("P", bound=Part)
Step = Callable[[Draft], Draft]


@dataclass(frozen=True, slots=True)
class Edits:
    """What was sent of a draft.

    details, questions: new values by the names of their fields, questions by uid.
    order: the uids of all questions there shall be; None leaves order and number alone.
    inserts: where questions of `questions` belong that the draft does not have.
    removes: a question that may be gone already.
    step: one change more, after these.
    """

    details: Mapping[str, Any] = field(default_factory=dict)
    questions: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)
    order: tuple[UUID, ...] | None = None
    inserts: Mapping[UUID, int] = field(default_factory=dict)
    removes: UUID | None = None
    step: Step | None = None

    def applied_to(self, draft: Draft) -> Draft:
        """The draft with these edits.

        Raises Invalid with what cannot be kept, told by uids (`questions.<uid>.text`), and
        NewerRevision where a question is edited that somebody else has removed.
        """
        faults: list[Problem] = []
        edited = self._edited(draft, faults)
        if faults:
            raise Invalid(*faults)
        return self.step(edited) if self.step else edited

    def shown_on(self, draft: Draft) -> Draft:
        """The draft with these edits as they were typed, to be shown beside what is wrong."""
        try:
            return self._edited(draft, [])
        except (Invalid, NewerRevision):
            return draft

    def _edited(self, draft: Draft, faults: list[Problem]) -> Draft:
        draft = changed(draft, self.details, "", faults)
        known = {question.uid: question for question in draft.questions}
        new = {
            uid: changed(
                known.get(uid) or DraftQuestion(uid=uid), fields, f"questions.{uid}.", faults
            )
            for uid, fields in self.questions.items()
        }
        missing = [uid for uid in new if uid not in known]
        if self.order is not None:
            return _with_order(draft, known | new, self.order)
        questions = tuple(new.get(question.uid, question) for question in draft.questions)
        draft = draft.model_copy(update={"questions": questions})
        for uid in missing:
            if uid in self.inserts:
                draft = inserted(draft, new[uid], self.inserts[uid])
            elif uid != self.removes:
                raise NewerRevision
        return draft


def changed(part: P, fields: Mapping[str, Any], path: str, faults: list[Problem]) -> P:
    """The part with these fields; what is wrong with them is added to `faults`."""
    try:
        return type(part).model_validate({**dict(part), **fields})
    except ValidationError as error:
        faults += [
            Problem(path + _where(details["loc"], fields), sentence(dict(details)))
            for details in error.errors(include_url=False)
        ]
        return part.model_copy(update=_as_typed(part, fields))


def _as_typed(part: Part, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What can be shown of fields that cannot be kept: their texts."""
    return {
        name: value.replace("\0", "")
        for name, value in fields.items()
        if isinstance(value, str) and not isinstance(getattr(part, name), Enum)
    }


def _where(location: tuple[int | str, ...], fields: Mapping[str, Any]) -> str:
    """The path of a fault; an answer is told by its uid."""
    if len(location) > 1 and location[0] == "answers" and isinstance(location[1], int):
        answer = fields["answers"][location[1]]
        return f"answers.{answer['uid']}.text"
    return str(location[0]) if location else "text"


def _with_order(
    draft: Draft, known: Mapping[UUID, DraftQuestion], order: tuple[UUID, ...]
) -> Draft:
    """The draft with just these questions. Raises Invalid, and NewerRevision where one is gone."""
    if len(order) > MOST_QUESTIONS:
        raise Invalid(Problem("questions", f"A quiz has at most {MOST_QUESTIONS} questions."))
    if len(set(order)) < len(order):
        raise Invalid(Problem("questions", "Two questions have the same uid."))
    if any(uid not in known for uid in order):
        raise NewerRevision
    return draft.model_copy(update={"questions": tuple(known[uid] for uid in order)})
