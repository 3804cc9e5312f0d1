"""What people do often, timed in small and in large tables in turn.

Whatever else the machine does meanwhile slows all sizes alike. Those who ask have played ten
quizzes each at every size: what grows is how many others there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from bench.listening import hearing
from bench.scale import VISITORS
from respondeo.db import session
from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, USER, Viewer
from respondeo.services import (
    api_keys,
    catalogue,
    content,
    identity,
    leaderboards,
    quiz_facts,
    running,
    starting,
    taking,
)
from respondeo.services.catalogue import Filters

MOST_GROWTH = 1.5
"""What something may cost in the largest tables, as a multiple of what it costs in the smallest."""

MOST_FOR_A_RANK_MS = 30
TIMES = 3
"""How often what misses its bound is measured: what disturbs passes, what is slow stays."""

FAR = 10**6
"""A page that no list has: one gets the last."""

FLAT, RANK = "the same", "a rank"
DEEP = "an offset passes over what comes before"
SEARCH = "looks at the words of every quiz"


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who is in a database, and what was measured is about.

    quiz: the popular one. places, overall_places: who stands where, by rank. visitors: in turn.
    """

    quiz: UUID
    token: str
    places: Mapping[int, UUID]
    overall_places: Mapping[int, UUID]
    visitors: Iterator[UUID]

    def visitor(self) -> Viewer:
        """The next of those who have played ten quizzes."""
        return Viewer(USER, DEFAULT_ROLE_PERMISSIONS[USER], next(self.visitors))


Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Task:
    """ready: prepares, untimed, and returns what is timed. bound: what it must keep."""

    name: str
    ready: Callable[[Session, Crowd], Act]
    bound: str = FLAT


def board(size: int, page: int = 1) -> Callable[[Session, Crowd], Act]:
    """A page of the popular quiz's board."""
    return lambda s, crowd: (
        lambda: leaderboards.quiz_board(s, crowd.quiz, user_id=None, page=page, size=size)
    )


def own_rank(place: int) -> Callable[[Session, Crowd], Act]:
    """The row of whoever stands at this place of the popular quiz's board; 0: at the last."""
    return lambda s, crowd: (
        lambda: leaderboards.standing(s, crowd.quiz, crowd.places[place or max(crowd.places)])
    )


def overall(place: int | None, page: int = 1) -> Callable[[Session, Crowd], Act]:
    """The global board as its page reads it, for whoever stands there; 0: at the last place."""

    def ready(s: Session, crowd: Crowd) -> Act:
        places = crowd.overall_places
        user_id = None if place is None else places[place or max(places)]

        def act() -> None:
            taking.complete_overdue(s)
            s.commit()
            leaderboards.overall_board(s, user_id=user_id, page=page)

        return act

    return ready


def listing(**filters: Any) -> Callable[[Session, Crowd], Act]:
    """The list of quizzes for a visitor."""

    def ready(s: Session, crowd: Crowd) -> Act:
        viewer = crowd.visitor()
        return lambda: catalogue.listing(s, viewer, Filters(**filters))

    return ready


def listing_for_programs(s: Session, crowd: Crowd) -> Act:
    """The first page of the list as the API sends it."""
    viewer = crowd.visitor()
    return lambda: quiz_facts.page_of_quizzes(
        s, viewer, Filters(), author_id=None, offset=0, limit=50
    )


def quiz_page(s: Session, crowd: Crowd) -> Act:
    """The head of the popular quiz's page."""
    viewer = crowd.visitor()
    return lambda: catalogue.quiz_card(s, viewer, crowd.quiz)


def start(s: Session, crowd: Crowd) -> Act:
    """Start an attempt at the popular quiz, where the visitor has none that is open."""
    viewer = crowd.visitor()
    opened = taking.last_attempt(s, viewer, crowd.quiz)
    if opened is not None and opened.completed_at is None:
        answer_all_but_last(s, viewer, crowd.quiz, opened.id)()
    return lambda: starting.start_attempt(s, viewer, crowd.quiz)


def last_answer(s: Session, crowd: Crowd) -> Act:
    """Give the last answer: it completes the attempt and changes the boards."""
    viewer = crowd.visitor()
    attempt = starting.start_attempt(s, viewer, crowd.quiz)
    s.commit()
    return answer_all_but_last(s, viewer, crowd.quiz, attempt.id)


def answer_all_but_last(s: Session, viewer: Viewer, quiz_id: UUID, attempt_id: UUID) -> Act:
    """Give what answers are missing, but for the last, which the returned act gives."""
    attempt = taking.own_attempt(s, viewer, quiz_id, attempt_id)
    questions = content.questions_for_players(s, attempt.quiz_version_id)
    missing = [
        row.question_id for row in running.answers_of(s, attempt.id) if row.answer_id is None
    ]

    def give(question_id: UUID) -> None:
        answer_id = questions[question_id].answers[0].id
        taking.commit_answer(s, viewer, quiz_id, attempt_id, question_id, answer_id)

    for question_id in missing[:-1]:
        give(question_id)
        taking.show_next(s, viewer, quiz_id, attempt_id)
        s.commit()
    return lambda: give(missing[-1])


TASKS = (
    Task("who is asking", lambda s, crowd: lambda: identity.person_of(s, crowd.token)),
    Task(
        "whose key it is",
        lambda s, crowd: lambda: api_keys.holder_of(s, crowd.token.replace("token", "key")),
    ),
    Task("a quiz's page", quiz_page),
    Task("top of its board", board(10)),
    Task("page 1 of its board", board(30)),
    Task("its last page", board(30, FAR), DEEP),
    Task("own rank at place 1", own_rank(1)),
    Task("own rank at place 1,000", own_rank(1000)),
    Task("own rank at the last place", own_rank(0), RANK),
    Task("the global board", overall(None)),
    Task("with own rank at place 1,000", overall(1000)),
    Task("with own rank at the last", overall(0), RANK),
    Task("its last page that is shown", overall(None, FAR), DEEP),
    Task("start an attempt", start),
    Task("the last answer", last_answer),
    Task("list of quizzes", listing()),
    Task("the most played first", listing(sort=catalogue.MOST_PLAYED)),
    Task("in one language", listing(language="fr")),
    Task("the list as JSON", listing_for_programs),
    Task("its last page, of the list", listing(page=FAR), DEEP),
    Task("search: one is found", listing(q="number 77 asks"), SEARCH),
    Task("search: one in fifty", listing(q="subject7 "), SEARCH),
)


@dataclass(frozen=True, slots=True)
class Slice:
    """Medians of some calls one after the other: ms of a call, and of them for the database."""

    ms: float
    database_ms: float


@dataclass(slots=True)
class Timed:
    """One task in tables of one size."""

    slices: list[Slice] = field(default_factory=list)

    @property
    def quietest(self) -> Slice:
        """The slice in which the machine had least else to do."""
        return min(self.slices, key=lambda one: one.ms)

    def growth_from(self, small: Timed) -> float:
        """How many times as long as in small tables: the median of the ratios of neighbours."""
        pairs = zip(self.slices, small.slices, strict=True)
        return median(large.ms / little.ms for large, little in pairs)


@dataclass(frozen=True, slots=True)
class Grown:
    """One task at all sizes, the smallest first."""

    task: Task
    timed: Sequence[Timed]

    @property
    def growth(self) -> float:
        """What it costs in the largest tables, as a multiple of the smallest."""
        return self.timed[-1].growth_from(self.timed[0])

    @property
    def fault(self) -> str | None:
        """Which bound it misses, if any."""
        if self.task.bound == FLAT and self.growth > MOST_GROWTH:
            return f"more than {MOST_GROWTH} times as much"
        if self.task.bound == RANK and self.timed[-1].quietest.ms > MOST_FOR_A_RANK_MS:
            return f"more than {MOST_FOR_A_RANK_MS} ms"
        return None


def measure(
    apps: Sequence[Flask],
    progress: Callable[[str], None],
    *,
    rounds: int,
    seconds: float,
    only: str,
) -> list[Grown]:
    """Time the tasks that have `only` in their names, in slices of so many seconds."""
    crowds = []
    for app in apps:
        with app.app_context():
            crowds.append(crowd_of(session()))
            session().rollback()

    def grown(task: Task) -> Grown:
        return _grown(task, apps, crowds, rounds, seconds, progress)

    found = [grown(task) for task in TASKS if only in task.name]
    for _ in range(TIMES - 1):
        found = [grown(one.task) if one.fault else one for one in found]
    return found


def _grown(
    task: Task,
    apps: Sequence[Flask],
    crowds: Sequence[Crowd],
    rounds: int,
    seconds: float,
    progress: Callable[[str], None],
) -> Grown:
    timed = [Timed() for _ in apps]
    for turn in range(rounds + 1):
        for one, app, crowd in zip(timed, apps, crowds, strict=True):
            progress(f"{task.name}: round {turn} of {rounds}")
            with app.app_context():
                took = list(_slice(task, crowd, seconds))
            if turn > 0:  # the first warms caches up
                calls, waits = zip(*took, strict=True)
                one.slices.append(Slice(median(calls), median(waits)))
    return Grown(task, timed)


LEAST_CALLS = 3


def _slice(task: Task, crowd: Crowd, seconds: float) -> Iterator[tuple[float, float]]:
    """ms of each call, and of them for the database."""
    s, waited = session(), 0.0

    def wait(_cursor: object, _query: object, _params: object, send: Callable[[], Any]) -> Any:
        nonlocal waited
        asked = perf_counter()
        try:
            return send()
        finally:
            waited += perf_counter() - asked

    until, calls = perf_counter() + seconds, 0
    while calls < LEAST_CALLS or perf_counter() < until:
        act = task.ready(s, crowd)
        s.commit()
        with hearing(wait):
            waited, started = 0.0, perf_counter()
            act()
            s.commit()
            took = perf_counter() - started
        s.close()
        calls += 1
        yield 1000 * took, 1000 * waited


# -- who is there --------------------------------------------------------------------------------

POPULAR = "SELECT quiz_id FROM quiz_board ORDER BY players DESC LIMIT 1"
PLACES = f"""
    SELECT rank, user_id FROM (
        SELECT user_id, rank() OVER (ORDER BY correct_count DESC, total_time_ms) AS rank
        FROM quiz_standing WHERE quiz_id = ({POPULAR})
    ) placed
"""  # noqa: S608 - constants
OVERALL_PLACES = """
    SELECT rank, user_id FROM (
        SELECT user_id, rank() OVER (ORDER BY total_correct DESC, total_time_ms) AS rank
        FROM player_standing
    ) placed
"""


def crowd_of(s: Session) -> Crowd:
    """Who is in this database; the visitors were made last."""
    newest = sa.text("""
        SELECT id, name FROM "user" WHERE name LIKE 'Player %' ORDER BY id DESC LIMIT :some
    """)
    visitors = s.execute(newest, {"some": VISITORS}).all()
    return Crowd(
        quiz=s.scalars(sa.text(POPULAR)).one(),
        token=visitors[0].name.replace("Player ", "token"),
        places=_near(dict(s.execute(sa.text(PLACES)).tuples().all())),
        overall_places=_near(dict(s.execute(sa.text(OVERALL_PLACES)).tuples().all())),
        visitors=cycle([visitor.id for visitor in visitors]),
    )


def _near(places: Mapping[int, UUID]) -> Mapping[int, UUID]:
    """Where several share a place, the one after it is empty: who stands nearest above."""
    for wanted in (1, 1000):
        at = max(rank for rank in places if rank <= wanted)
        places = {**places, wanted: places[at]}
    return places


CHECKED = 50


def ranks_are_exact(s: Session, crowd: Crowd) -> bool:
    """Whether the ranks that players are told are those that counting all of them gives."""
    counted: dict[int, UUID] = dict(s.execute(sa.text(PLACES)).tuples().all())
    ranks = {user_id: rank for rank, user_id in counted.items()}
    wanted = [1, *sorted(counted)[:: max(1, len(counted) // CHECKED)], max(counted)]
    for rank in wanted:
        row = leaderboards.standing(s, crowd.quiz, counted[rank])
        if row is None or row.rank != ranks[counted[rank]]:
            return False
    s.rollback()
    return True
