"""What the demo's players played before today: simulated, but by the rules of `domain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from respondeo.db import new_id
from respondeo.demo.people import Player
from respondeo.domain import timing
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
        last_allowed = quiz.max_attempts is None or number >= quiz.max_attempts
        attempt = _attempt(
            rng,
            quiz,
            player,
            number,
            started,
            ranked=not disclosed_before,
            discloses=quiz.reveal == Reveal.ALWAYS or last_allowed,
        )
        if attempt.completed_at >= now - timedelta(minutes=5):
            return
        yield attempt
        disclosed_before |= attempt.discloses
        started = attempt.completed_at + timedelta(minutes=rng.lognormvariate(4.5, 1.8))


def first_attempt(rng: Random, quiz: DemoQuiz, player: Player, at: datetime) -> PlayedAttempt:
    """One attempt begun at a given moment."""
    discloses = quiz.reveal == Reveal.ALWAYS or quiz.max_attempts in {None, 1}
    return _attempt(rng, quiz, player, 1, at, ranked=True, discloses=discloses)


def _attempt(
    rng: Random,
    quiz: DemoQuiz,
    player: Player,
    number: int,
    started: datetime,
    *,
    ranked: bool,
    discloses: bool,
) -> PlayedAttempt:
    questions = list(quiz.questions)
    if quiz.randomize_questions:
        rng.shuffle(questions)
    clock = timing.Clock(quiz.limit_ms, 0, shown_at=started, feedback_at=None)
    now, timed_out = started, False
    answers = [_laid_out(rng, quiz, question, place) for place, question in enumerate(questions)]
    for place, question in enumerate(questions):
        if place and quiz.feedback == Feedback.EACH:  # they read the feedback, then go on
            now += timedelta(seconds=rng.lognormvariate(1.4, 0.6))
        clock = clock if place == 0 else clock.next_shown(now)
        answers[place] = replace(answers[place], shown_at=now)
        deadline = clock.deadline(now)
        now += timedelta(milliseconds=_thinking_ms(rng, quiz, player, number))
        if timing.overdue(deadline, now):
            now, timed_out = deadline, quiz.limit_ms is not None
            break
        answers[place] = _answered(rng, quiz, player, number, question, answers[place], clock, now)
        clock = clock.answered(now)
        if timing.limit_reached(deadline, now):
            now, timed_out = deadline, True
            break
    return PlayedAttempt(
        id=new_id(),
        user_id=player.id,
        number=number,
        ranked=ranked,
        discloses=discloses,
        started_at=started,
        completed_at=now,
        timed_out=timed_out,
        spent_ms=clock.spent_ms,
        total_time_ms=quiz.limit_ms if timed_out and quiz.limit_ms else clock.spent_ms,
        answers=tuple(answers),
    )


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
