"""What players answered to each question of a quiz, over its versions.

Figures join by the uids of questions and answers. Where the wording changed, each wording has its
own, so that nobody reads the answers to one question as answers to another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from respondeo.domain import statistics
from respondeo.domain.wordings import Published, WordedAnswer, Wording, changed_in, wordings
from respondeo.models import (
    Answer,
    AttemptAnswer,
    Question,
    Quiz,
    QuizAttempt,
    QuizVersion,
    QuizVersionQuestion,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A question of the quiz: its rows over the versions, and its place, None where it is gone."""

    uid: UUID
    place: int | None
    rows: tuple[Published, ...]

    @property
    def newest(self) -> Published:
        return max(self.rows, key=lambda row: row.first)


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """How many chose an answer, and which part that is of those who saw the question."""

    text: str
    is_right: bool
    chosen: int
    percent: int


@dataclass(frozen=True, slots=True)
class WordingFigures:
    """What players did with a question in these words. `median_ms`: of those who answered."""

    text: str
    image_url: str | None
    image_alt: str | None
    versions: tuple[int, int]
    answers: tuple[AnswerFigures, ...]
    reached: int
    right: int
    answered: int
    median_ms: int | None

    @property
    def unanswered(self) -> int:
        """How many saw it and ran out of time."""
        return self.reached - self.answered

    @property
    def percent_unanswered(self) -> int:
        return statistics.percent(self.unanswered, self.reached)

    @property
    def percent_right(self) -> int:
        """Of those who saw it: who did not answer got it wrong."""
        return statistics.percent(self.right, self.reached)


@dataclass(frozen=True, slots=True)
class QuestionFigures:
    """A question in its present wording, and in earlier ones that somebody saw.

    place: from 0 in the present version; None where the question is no longer in it.
    changed_in: the version that brought the present wording, None where there was no other.
    """

    place: int | None
    now: WordingFigures
    earlier: tuple[WordingFigures, ...]
    changed_in: int | None

    @property
    def answered_before(self) -> int:
        return sum(wording.answered for wording in self.earlier)

    @property
    def all_reached(self) -> int:
        return self.now.reached + sum(wording.reached for wording in self.earlier)

    @property
    def all_right(self) -> int:
        return self.now.right + sum(wording.right for wording in self.earlier)

    @property
    def all_percent_right(self) -> int:
        return statistics.percent(self.all_right, self.all_reached)


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the database counted for one wording."""

    reached: int = 0
    right: int = 0
    answered: int = 0
    median_ms: float | None = None


NOTHING = _Counts()


def question_figures(
    session: Session,
    quiz_id: UUID,
    which: sa.ColumnElement[bool],
    version_id: UUID | None = None,
) -> tuple[QuestionFigures, ...]:
    """The questions in the present version's order, then those that are no longer in it.

    which: the attempts that count; version_id: only as this version has the questions.
    """
    questions = listed_questions(session, quiz_id, version_id)
    said = [wordings(question.rows) for question in questions]
    counts = _counts(session, which, [wording for several in said for wording in several])
    chosen = _chosen(session, which)

    def told(wording: Wording) -> WordingFigures:
        return _figures(wording, counts.get(wording.newest.id, NOTHING), chosen)

    found = [
        QuestionFigures(
            question.place,
            told(several[0]),
            tuple(one for one in map(told, several[1:]) if one.reached),
            changed_in(question.rows),
        )
        for question, several in zip(questions, said, strict=True)
    ]
    return tuple(one for one in found if one.place is not None or one.all_reached)


def listed_questions(
    session: Session, quiz_id: UUID, version_id: UUID | None = None
) -> tuple[Listed, ...]:
    """All questions that the quiz ever had, or those of one version, in order; gone ones last."""
    shown = version_id or session.scalar(
        sa.select(Quiz.current_version_id).where(Quiz.id == quiz_id)
    )
    rows: dict[UUID, list[Published]] = defaultdict(list)
    places: dict[UUID, int] = {}
    for row, place in _published(session, quiz_id, shown):
        if place is not None:
            places[row.uid] = place
        if place is not None or version_id is None:
            rows[row.uid].append(row)
    questions = [Listed(uid, places.get(uid), tuple(same)) for uid, same in rows.items()]
    return tuple(sorted(questions, key=_in_order))


def _in_order(question: Listed) -> tuple[bool, int, int]:
    """By place; of those that are gone, the ones that went last first."""
    gone = question.place is None
    return gone, question.place or 0, -max(row.last for row in question.rows) if gone else 0


def _published(
    session: Session, quiz_id: UUID, shown: UUID | None
) -> Iterable[tuple[Published, int | None]]:
    """Every published row of a question, with its place in the version that is shown."""
    position = QuizVersionQuestion.position
    used = (
        sa.select(
            QuizVersionQuestion.question_id,
            sa.func.min(QuizVersion.number).label("first"),
            sa.func.max(QuizVersion.number).label("last"),
            sa.func.min(position).filter(QuizVersion.id == shown).label("place"),
            sa.func.min(position).label("some_place"),
        )
        .join(QuizVersion, QuizVersion.id == QuizVersionQuestion.quiz_version_id)
        .where(QuizVersion.quiz_id == quiz_id)
        .group_by(QuizVersionQuestion.question_id)
        .subquery()
    )
    answers = _answers(session, quiz_id)
    said = (Question.id, Question.uid, Question.text, Question.image_url, Question.image_alt)
    rows = session.execute(
        sa.select(*said, used.c.first, used.c.last, used.c.place)
        .join(used, used.c.question_id == Question.id)
        .where(Question.quiz_id == quiz_id)
        .order_by(used.c.last.desc(), used.c.some_place)
    )
    for row_id, uid, text, image_url, image_alt, first, last, place in rows:
        told = (row_id, uid, text, image_url, image_alt, answers[row_id], first, last)
        yield Published(*told), place


def _answers(session: Session, quiz_id: UUID) -> Mapping[UUID, tuple[WordedAnswer, ...]]:
    found: dict[UUID, tuple[WordedAnswer, ...]] = defaultdict(tuple)
    rows = session.execute(
        sa.select(Answer.question_id, Answer.id, Answer.uid, Answer.text, Answer.is_correct)
        .join(Question, Question.id == Answer.question_id)
        .where(Question.quiz_id == quiz_id)
        .order_by(Answer.position)
    )
    for question_id, answer_id, uid, text, is_correct in rows:
        found[question_id] += (WordedAnswer(answer_id, uid, text, is_correct),)
    return found


def _given() -> sa.FromClause:
    """The answers of an attempt: for each attempt by the index, never all answers of all quizzes.

    The planner thinks of the latter where it guesses too few rows; OFFSET keeps it from that.
    """
    of_attempt = AttemptAnswer.attempt_id == QuizAttempt.id
    return sa.select(AttemptAnswer).where(of_attempt).offset(0).lateral("given")


def _counts(
    session: Session, which: sa.ColumnElement[bool], said: Sequence[Wording]
) -> Mapping[UUID, _Counts]:
    """How each wording fared, by the id of its newest row."""
    pairs = [(row.id, wording.newest.id) for wording in said for row in wording.rows]
    ids = ARRAY(sa.Uuid())
    worded = (
        sa.func.unnest(
            sa.bindparam("rows", [row for row, _ in pairs], ids),
            sa.bindparam("wordings", [wording for _, wording in pairs], ids),
        )
        .table_valued(sa.column("question_id", sa.Uuid()), sa.column("wording", sa.Uuid()))
        .render_derived()
    )
    given = _given()
    rows = session.execute(
        sa.select(
            worded.c.wording,
            sa.func.count(given.c.shown_at),
            sa.func.count().filter(given.c.is_correct.is_(True)),
            sa.func.count(given.c.answer_id),
            sa.func.percentile_cont(0.5).within_group(given.c.time_ms),
        )
        .select_from(QuizAttempt)
        .join(given, sa.true())
        .join(worded, worded.c.question_id == given.c.question_id)
        .where(which)
        .group_by(worded.c.wording)
    )
    return {wording: _Counts(*counts) for wording, *counts in rows}


def _chosen(session: Session, which: sa.ColumnElement[bool]) -> Mapping[UUID, int]:
    """How often each answer was chosen."""
    given = _given()
    rows = session.execute(
        sa.select(given.c.answer_id, sa.func.count())
        .select_from(QuizAttempt)
        .join(given, sa.true())
        .where(which, given.c.answer_id.is_not(None))
        .group_by(given.c.answer_id)
    )
    return {answer_id: count for answer_id, count in rows if answer_id is not None}


def _figures(wording: Wording, counts: _Counts, chosen: Mapping[UUID, int]) -> WordingFigures:
    newest = wording.newest
    by_uid: dict[UUID, int] = defaultdict(int)
    for row in wording.rows:
        for answer in row.answers:
            by_uid[answer.uid] += chosen.get(answer.id, 0)
    return WordingFigures(
        text=newest.text,
        image_url=newest.image_url,
        image_alt=newest.image_alt,
        versions=wording.versions,
        answers=tuple(
            AnswerFigures(
                answer.text,
                answer.is_correct,
                by_uid[answer.uid],
                statistics.percent(by_uid[answer.uid], counts.reached),
            )
            for answer in newest.answers
        ),
        reached=counts.reached,
        right=counts.right,
        answered=counts.answered,
        median_ms=None if counts.median_ms is None else round(counts.median_ms),
    )
