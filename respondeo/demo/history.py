"""What the demo's players played before today: simulated, but by the rules of `domain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from respondeo.db import new_id
from respondeo.demo.people import Player
from respondeo.domain import access, timing
from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, USER, Viewer
from respondeo.domain.document import Difficulty, Feedback, QuestionKind, Reveal
from respondeo.domain.grading import GRADERS

HARDNESS = {Difficulty.EASY: -0.12, Difficulty.MEDIUM: 0.0, Difficulty.HARD: 0.14}


@dataclass(frozen=True, slots=True)
class PlayedAnswer:
    """One row of `attempt_answer`."""

    question_id: UUID
    display_order: int
    answer_order: list[int]
    shown_at: datetime | None
    answer_id: UUID | None = None
    is_correct: bool | None = None
    answered_at: datetime | None = None
    time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PlayedAttempt:
    """One row of `quiz_attempt`, completed, with its answers."""

    id: UUID
    user_id: UUID
    number: int
    ranked: bool
    discloses: bool
    started_at: datetime
    completed_at: datetime
    timed_out: bool
    spent_ms: int
    total_time_ms: int
    answers: tuple[PlayedAnswer, ...]

    @property
    def correct_count(self) -> int:
        return sum(bool(answer.is_correct) for answer in self.answers)


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """What the simulation needs of a question; answers in the author's order."""

    id: UUID
    kind: QuestionKind
    answer_ids: Sequence[UUID]
    right_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class DemoQuiz:
    """What the simulation needs of a published quiz."""

    id: UUID
    version_id: UUID
    published_at: datetime
    popularity: float
    difficulty: Difficulty
    max_attempts: int | None
    limit_ms: int | None
    randomize_questions: bool
    randomize_answers: bool
    feedback: Feedback
    reveal: Reveal
    questions: Sequence[DemoQuestion]


def attempts(rng: Random, quiz: DemoQuiz, player: Player, now: datetime) -> Iterator[PlayedAttempt]:
    """All that a player did at a quiz until `now`: often nothing, sometimes a few attempts."""
    if rng.random() > quiz.popularity * (0.35 + player.keenness):
        return
    wished = 1 + min(4, int(rng.expovariate(1.1)))
    started = quiz.published_at + (now - quiz.published_at) * rng.betavariate(1.1, 1.6)
    disclosed_before = False
    for number in range(1, min(wished, quiz.max_attempts or wished) + 1):
        attempt = one_attempt(
            rng, quiz, player, started, number=number, disclosed_before=disclosed_before
        )
        if attempt.completed_at >= now - timedelta(minutes=5):
            return
        yield attempt
        disclosed_before |= attempt.discloses
        started = attempt.completed_at + timedelta(minutes=rng.lognormvariate(4.5, 1.8))


def one_attempt(
    rng: Random,
    quiz: DemoQuiz,
    player: Player,
    started: datetime,
    *,
    number: int = 1,
    disclosed_before: bool = False,
) -> PlayedAttempt:
    """One attempt from its start to its end, by the rules for one who is no editor."""
    viewer = Viewer(USER, DEFAULT_ROLE_PERMISSIONS[USER], player.id)
    always = quiz.reveal == Reveal.ALWAYS
    answers, clock, deadline, now = _played(rng, quiz, player, started, number)
    ended = timing.outcome(quiz.limit_ms, clock.spent_ms, deadline, now)
    return PlayedAttempt(
        id=new_id(),
        user_id=player.id,
        number=number,
        ranked=access.attempt_ranks(viewer, None, disclosed_before=disclosed_before),
        discloses=access.attempt_discloses(
            viewer, always=always, number=number, max_attempts=quiz.max_attempts
        ),
        started_at=started,
        completed_at=ended.completed_at,
        timed_out=ended.timed_out,
        spent_ms=clock.spent_ms,
        total_time_ms=ended.total_ms,
        answers=tuple(answers),
    )


def _played(
    rng: Random, quiz: DemoQuiz, player: Player, now: datetime, number: int
) -> tuple[list[PlayedAnswer], timing.Clock, datetime, datetime]:
    """The answers, the clock after the last one, the deadline, and when it was over."""
    questions = list(quiz.questions)
    if quiz.randomize_questions:
        rng.shuffle(questions)
    clock = timing.Clock(quiz.limit_ms, 0, shown_at=now, feedback_at=None)
    answers = [_laid_out(rng, quiz, question, place) for place, question in enumerate(questions)]
    deadline = clock.deadline(now)
    for place, question in enumerate(questions):
        if place and quiz.feedback == Feedback.EACH:  # they read the feedback, then go on
            now += timedelta(seconds=rng.lognormvariate(1.4, 0.6))
        clock = clock if place == 0 else clock.next_shown(now)
        answers[place] = replace(answers[place], shown_at=now)
        deadline = clock.deadline(now)
        now += timedelta(milliseconds=_thinking_ms(rng, quiz, player, number))
        if timing.overdue(deadline, now):
            break
        answers[place] = _answered(rng, quiz, player, number, question, answers[place], clock, now)
        clock = clock.answered(now)
        if timing.limit_reached(deadline, now):
            break
    return answers, clock, deadline, now


def _laid_out(rng: Random, quiz: DemoQuiz, question: DemoQuestion, place: int) -> PlayedAnswer:
    order = list(range(len(question.answer_ids)))
    if quiz.randomize_answers:
        rng.shuffle(order)
    return PlayedAnswer(question.id, place, order, shown_at=None)


def _thinking_ms(rng: Random, quiz: DemoQuiz, player: Player, number: int) -> float:
    """Hard questions take longer, second attempts less."""
    effort = 1 + 2 * HARDNESS[quiz.difficulty]
    return 900 + player.pace_ms * effort * rng.lognormvariate(0, 0.5) * 0.85 ** (number - 1)


def _answered(
    rng: Random,
    quiz: DemoQuiz,
    player: Player,
    number: int,
    question: DemoQuestion,
    row: PlayedAnswer,
    clock: timing.Clock,
    now: datetime,
) -> PlayedAnswer:
    knows = player.skill - HARDNESS[quiz.difficulty] + 0.07 * (number - 1)
    if rng.random() < knows:
        chosen = rng.choice(sorted(question.right_ids))
    else:
        chosen = rng.choice(question.answer_ids)
    return replace(
        row,
        answer_id=chosen,
        is_correct=GRADERS[question.kind].is_correct(chosen, question.right_ids),
        answered_at=now,
        time_ms=clock.question_ms(now),
    )
