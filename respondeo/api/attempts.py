"""Attempts: played step by step, submitted whole, listed, read."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from respondeo.api import asking
from respondeo.api.endpoints import Operation, serves
from respondeo.api.schemas.attempts import (
    AnswerStep,
    Attempt,
    AttemptDetail,
    AttemptQuery,
    GivenAnswer,
    ListedAttempt,
    PlayedQuestion,
    SentAttempt,
    SentChoice,
    Step,
)
from respondeo.api.schemas.lists import Listed
from respondeo.api.schemas.parts import User
from respondeo.db import session
from respondeo.domain.errors import AttemptOver, NotFound, NotThisQuestion
from respondeo.services import starting, submitting, taking, telling
from respondeo.services.running import Running
from respondeo.services.submitting import Given
from respondeo.services.telling import ToldAttempt

TAG = "Attempts"


class AttemptList(Listed[ListedAttempt]):
    """One page of attempts."""


@serves(
    Operation(
        "list_attempts",
        "GET",
        "/quizzes/{quiz_id}/attempts",
        "List attempts at a quiz",
        "One’s own, the newest first; everybody’s for who may edit the quiz.",
        TAG,
        "attempts:read",
        "quiz:view",
        {200: (AttemptList,)},
        refuses=(404,),
        query=AttemptQuery,
    )
)
def list_attempts(quiz_id: UUID, query: AttemptQuery) -> AttemptList:
    rows, total = telling.attempts_at(
        session(), asking.viewer(), quiz_id, query.user_id, offset=query.offset, limit=query.size
    )
    return AttemptList.of([_listed(row) for row in rows], total, query)


def _listed(row: telling.ListedAttempt) -> ListedAttempt:
    user = None
    if row.told.user_id is not None and row.name is not None:
        user = User(
            id=row.told.user_id, name=row.name, display_name=row.public_name, image=row.image
        )
    return ListedAttempt(**asdict(row.told), user=user)


@serves(
    Operation(
        "submit_attempt",
        "POST",
        "/quizzes/{quiz_id}/attempts",
        "Record a whole attempt",
        "For importers. Graded here; its time is the client’s word, so it stays off the boards.",
        TAG,
        "attempts:write",
        "quiz:play",
        {201: (Attempt,)},
        refuses=(404, 409),
        body=SentAttempt,
    )
)
def submit_attempt(quiz_id: UUID, body: SentAttempt) -> tuple[Attempt, int]:
    given = [
        Given(
            one.question_id,
            one.answer_id if isinstance(one.answer_id, UUID) else None,
            place if one.display_order is None else one.display_order,
        )
        for place, one in enumerate(body.answers)
    ]
    attempt = submitting.submit_attempt(
        session(),
        asking.viewer(),
        quiz_id,
        given,
        total_time_ms=body.total_time_ms,
        timed_out=body.timed_out,
    )
    return _told(telling.told(attempt, attempt.started_at)), 201  # it is over, so time is no matter


@serves(
    Operation(
        "start_attempt",
        "POST",
        "/quizzes/{quiz_id}/attempts/start",
        "Start an attempt",
        "201 with the new one; 200 with the one that is open. The clock of its question runs.",
        TAG,
        "attempts:write",
        "quiz:play",
        {201: (Step,), 200: (Step,)},
        refuses=(404, 409),
    )
)
def start_attempt(quiz_id: UUID) -> tuple[Step, int]:
    viewer = asking.viewer()
    started, is_new = starting.start_or_resume(session(), viewer, quiz_id)
    stands = taking.stands(session(), viewer, quiz_id, started.id)
    if stands is None:
        raise NotFound
    return _step(_standing(stands)), 201 if is_new else 200


@serves(
    Operation(
        "answer_question",
        "POST",
        "/attempts/{attempt_id}/answers",
        "Answer the current question",
        "An answered question keeps what it has, and is told again, also when the attempt is over.",
        TAG,
        "attempts:write",
        None,
        {200: (AnswerStep,)},
        refuses=(404, 409),
        body=SentChoice,
    )
)
def answer_question(attempt_id: UUID, body: SentChoice) -> AnswerStep:
    viewer = asking.viewer()
    quiz_id = taking.own_quiz_id(session(), viewer, attempt_id)
    try:
        _, stands = taking.commit_answer(
            session(), viewer, quiz_id, attempt_id, body.question_id, body.answer_id
        )
    except (AttemptOver, NotThisQuestion):
        session().commit()  # it may have just been completed
        raise
    standing = _standing(stands)
    answer = next(one for one in standing.answers if one.question_id == body.question_id)
    step = _step(standing)
    return AnswerStep(
        attempt=step.attempt, question=step.question, answer=GivenAnswer.model_validate(answer)
    )


@serves(
    Operation(
        "next_question",
        "POST",
        "/attempts/{attempt_id}/next",
        "Go on to the next question",
        "Starts its clock. Harmless where the attempt is not at a feedback.",
        TAG,
        "attempts:write",
        None,
        {200: (Step,)},
        refuses=(404,),
    )
)
def next_question(attempt_id: UUID) -> Step:
    viewer = asking.viewer()
    quiz_id = taking.own_quiz_id(session(), viewer, attempt_id)
    return _step(_standing(taking.show_next(session(), viewer, quiz_id, attempt_id)))


@serves(
    Operation(
        "get_attempt",
        "GET",
        "/attempts/{attempt_id}",
        "Read an attempt",
        "One’s own, or one at a quiz that the caller may edit.",
        TAG,
        "attempts:read",
        None,
        {200: (AttemptDetail,)},
        refuses=(404,),
    )
)
def get_attempt(attempt_id: UUID) -> AttemptDetail:
    stands = telling.readable(session(), asking.viewer(), attempt_id)
    step = _step(stands)
    return AttemptDetail(
        attempt=step.attempt,
        question=step.question,
        answers=[GivenAnswer.model_validate(answer) for answer in stands.answers],
    )


def _told(told: ToldAttempt) -> Attempt:
    return Attempt.model_validate(told)


def _standing(stands: Running) -> telling.Standing:
    return telling.standing(session(), stands.attempt, stands.answers, stands.now)


def _step(stands: telling.Standing) -> Step:
    question = None
    if stands.question is not None:
        question = PlayedQuestion.model_validate(stands.question)
    return Step(attempt=_told(stands.attempt), question=question)
