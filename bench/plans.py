"""Hot queries at scale: they use their indexes, and read no more when the tables grow.

The statements are not copied: the services are called, what they send is noted, and the database
is asked for the plan of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from bench.listening import hearing
from bench.scale import Scale, Somebody, fill, somebody
from respondeo.db import db, session
from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, GUEST, USER, Viewer
from respondeo.prepared import Ahead, Asked, Reader, driver_of
from respondeo.services import (
    api_keys,
    attempts,
    attempts_file,
    catalogue,
    content,
    identity,
    leaderboards,
    overall,
    question_figures,
    quiz_facts,
    quiz_pages,
    results,
    running,
    starting,
    statistics,
    submitting,
    taking,
)
from respondeo.services.catalogue import Filters

LARGE = frozenset(
    {"user", "session", "quiz_attempt", "attempt_answer", "quiz_standing", "player_standing"}
)
"""The tables that grow with the players: reading most of one is a fault."""

EXPLAIN = "ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON"
EXPLAINED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")

MORE = 4
FEW_PAGES = 20
"""What a query may read more in larger tables: indexes get deeper, other plans cheaper."""


LONGEST = 400
"""How much of a faulty query is printed."""

GUEST_VIEWER = Viewer(GUEST, DEFAULT_ROLE_PERMISSIONS[GUEST], guest_token=b"a new guest")


@dataclass(frozen=True, slots=True)
class Case:
    """Something people do often. `grows`: why it may read more as the tables grow.

    uses: what its plans must say: the indexes without which it would be slow.
    scans: large tables of which it may read a part that is bounded, in no order.
    """

    name: str
    does: Callable[[Session, Viewer, Somebody], object]
    grows: str | None = None
    uses: tuple[str, ...] = ()
    scans: frozenset[str] = frozenset()

    @property
    def file_name(self) -> str:
        """Of the text that its plans are kept in."""
        return re.sub(r"[^a-z]+", "-", self.name.lower())


def newcomer(viewer: Viewer, who: Somebody) -> Viewer:
    """Somebody who has played nothing."""
    return Viewer(viewer.role, viewer.permissions, who.author)


def answer_all(session: Session, viewer: Viewer, who: Somebody) -> None:
    """Answer what is left of the open attempt: the last answer changes the boards."""
    attempt = taking.own_attempt(session, viewer, who.quiz, who.open_attempt)
    questions = content.questions_for_players(session, attempt.quiz_version_id)
    for row in running.answers_of(session, attempt.id):
        answer = questions[row.question_id].answers[0].id
        taking.commit_answer(session, viewer, who.quiz, attempt.id, row.question_id, answer)
        taking.show_next(session, viewer, who.quiz, attempt.id)
    assert attempt.completed_at is not None


def submit_whole(session: Session, viewer: Viewer, who: Somebody) -> None:
    """An attempt that was played elsewhere."""
    given = [submitting.Given(who.question, who.answer, 0)]
    submitting.submit_attempt(session, viewer, who.quiz, given, total_time_ms=5000, timed_out=False)


def show_result(session: Session, viewer: Viewer, who: Somebody) -> None:
    """A completed attempt of the player's own."""
    shown = results.attempt_to_show(session, viewer, who.over_quiz, who.over_attempt)
    results.result(session, viewer, shown)


def show_statistics(session: Session, who: Somebody) -> None:
    """The key figures and the charts of a quiz."""
    played = statistics.played_versions(session, who.quiz, who.author)
    statistics.figures(session, statistics.counted(who.quiz, who.author), played)


def show_questions(session: Session, who: Somebody) -> None:
    """What was answered to each question of a quiz."""
    which = statistics.counted(who.quiz, who.author)
    question_figures.question_figures(session, who.quiz, which)


def read_file(session: Session, who: Somebody) -> None:
    """The first of the parts in which all attempts at a quiz are sent."""
    file = attempts_file.file_of(session, who.quiz, who.author)
    assert attempts_file.next_lines(session, file)


def ask_with(session: Session, who: Somebody, asked: Sequence[Asked]) -> None:
    """Who is asking, with what they ask first."""
    reader = Reader(lambda: driver_of(session), lambda: session, Ahead(tuple(asked)))
    identity.person_of(reader, who.token)


def ask_for_list(session: Session, viewer: Viewer, who: Somebody) -> None:
    """The same, where it is known which quizzes the list holds."""
    catalogue.listing(Reader(lambda: driver_of(session), lambda: session), viewer, Filters())
    asked = catalogue.list_to_be_asked(Filters())
    assert len(asked) == 2
    ask_with(session, who, asked)


def ask_for_quiz(session: Session, viewer: Viewer, who: Somebody) -> None:
    """The same of a quiz whose board is known to be small."""
    reader = Reader(lambda: driver_of(session), lambda: session)
    quiz_pages.quiz_page(reader, viewer, who.quiz, size=leaderboards.PAGE_SIZE)
    asked = quiz_pages.page_to_be_asked(who.quiz)
    ask_with(session, who, asked)


RANK = "a rank counts who is better"
BOARD, OVERALL = "ix_quiz_standing_board", "ix_player_standing_board"
OWN_ATTEMPTS = "ix_quiz_attempt_user_id_quiz_id"
BY_ATTEMPT = "pk_attempt_answer"
PLAYERS = frozenset({"player_standing"})

READING = (
    Case(
        "who is asking",
        lambda s, _, who: identity.person_of(s, who.token),
        uses=("uq_session_token_hash",),
    ),
    Case(
        "whose key it is",
        lambda s, _, who: api_keys.holder_of(s, who.key),
        uses=("uq_apikey_key_hash",),
    ),
    Case(
        "who asks for the list",
        ask_for_list,
        uses=("uq_session_token_hash", "ix_quiz_published_at", OWN_ATTEMPTS),
    ),
    Case(
        "who asks for a quiz",
        ask_for_quiz,
        grows=RANK,
        uses=("uq_session_token_hash", "pk_quiz_board", OWN_ATTEMPTS, BOARD),
    ),
    Case(
        "who asks for a board",
        lambda s, _, who: ask_with(s, who, quiz_pages.to_be_asked(who.quiz)),
        uses=("uq_session_token_hash", "pk_quiz_board"),
    ),
    Case(
        "who asks for the global board",
        lambda s, _, who: ask_with(s, who, overall.page_to_be_asked(leaderboards.PAGE_SIZE)),
        uses=("uq_session_token_hash", OVERALL),
        grows="counts up to 10,000 players",
        scans=PLAYERS,
    ),
    Case(
        "list of quizzes",
        lambda s, viewer, _: catalogue.listing(s, viewer, Filters()),
        uses=("ix_quiz_published_at", OWN_ATTEMPTS),
    ),
    Case(
        "the most played first",
        lambda s, viewer, _: catalogue.listing(s, viewer, Filters(sort=catalogue.MOST_PLAYED)),
        uses=("ix_quiz_board_plays",),
    ),
    Case(
        "list for programs",
        lambda s, viewer, _: quiz_facts.page_of_quizzes(
            s, viewer, Filters(), author_id=None, offset=0, limit=50
        ),
        uses=("ix_quiz_published_at",),
    ),
    Case(
        "a quiz's page",
        lambda s, viewer, who: catalogue.quiz_card(s, viewer, who.quiz),
        uses=("pk_quiz", OWN_ATTEMPTS),
    ),
    Case(
        "own attempts",
        lambda s, viewer, who: attempts.own_attempts(s, viewer, who.quiz),
        uses=(OWN_ATTEMPTS,),
    ),
    Case(
        "the open attempt",
        lambda s, viewer, who: taking.last_attempt(s, viewer, who.quiz),
        uses=("uq_quiz_attempt_quiz_id_user_id_number",),
    ),
    Case(
        "a guest's attempt",
        lambda s, _, who: taking.last_attempt(s, GUEST_VIEWER, who.quiz),
        uses=("uq_quiz_attempt_guest_number",),
    ),
    Case(
        "a board's tag",
        lambda s, _, who: leaderboards.quiz_board_tag(s, who.quiz, 1, who.user),
        uses=("pk_quiz_board",),
    ),
    Case(
        "top of a board",
        lambda s, _, who: leaderboards.quiz_board(s, who.quiz, user_id=None),
        uses=(BOARD,),
    ),
    Case(
        "own place on it",
        lambda s, _, who: leaderboards.standing(s, who.quiz, who.upper),
        grows=RANK,
        uses=("pk_quiz_standing", f"Index Only Scan using {BOARD}"),
    ),
    Case(
        "its last page",
        lambda s, _, who: leaderboards.quiz_board(s, who.quiz, user_id=None, page=10**6),
        grows="an offset passes over rows",
        uses=(f"Index Only Scan using {BOARD}",),
    ),
    Case(
        "top of all",
        lambda s, _, __: leaderboards.overall_board(s, user_id=None),
        grows="counts up to 10,000 players",
        uses=(OVERALL,),
        scans=PLAYERS,
    ),
    Case(
        "own place of all",
        lambda s, _, who: leaderboards.overall_board(s, user_id=who.overall_upper),
        grows=RANK,
        uses=("pk_player_standing", f"Index Only Scan using {OVERALL}"),
        scans=PLAYERS,
    ),
    Case("a result", show_result, grows=RANK, uses=("pk_quiz_attempt", BY_ATTEMPT)),
    Case(
        "everybody's attempts",
        lambda s, _, who: attempts.everybodys_attempts(s, who.quiz, 1),
        grows="counts a quiz's attempts",
    ),
    Case("statistics of a quiz", lambda s, _, who: show_statistics(s, who), grows="counts them"),
    Case("its questions", lambda s, _, who: show_questions(s, who), grows="counts the answers"),
    Case("a part of its file", lambda s, _, who: read_file(s, who), grows="puts them in order"),
)

# These come last: what they write is undone, but the pages they wrote are read once more.
WRITING = (
    Case(
        "start",
        lambda s, viewer, who: starting.start_attempt(s, newcomer(viewer, who), who.quiz),
        grows="forgets up to 10 guests' attempts",
        uses=("uq_quiz_attempt_quiz_id_user_id_number", "ix_quiz_attempt_guest_started_at"),
    ),
    Case(
        "start as a guest",
        lambda s, _, who: starting.start_attempt(s, GUEST_VIEWER, who.quiz),
        grows="forgets up to 10 guests' attempts",
        uses=("uq_quiz_attempt_guest_number", "ix_quiz_attempt_guest_started_at"),
    ),
    Case(
        "submitted whole",
        lambda s, viewer, who: submit_whole(s, newcomer(viewer, who), who),
        uses=("uq_quiz_attempt_quiz_id_user_id_number", "pk_quiz_board"),
    ),
    Case(
        "an answer",
        lambda s, viewer, who: taking.commit_answer(
            s, viewer, who.quiz, who.open_attempt, who.question, who.answer
        ),
        uses=(BY_ATTEMPT, "pk_quiz_attempt"),
    ),
    Case(
        "all answers",
        answer_all,
        uses=(
            BY_ATTEMPT,
            "pk_quiz_standing",
            "ix_quiz_standing_user_id",
            "pk_player_standing",
            "pk_quiz_board",
        ),
    ),
    Case(
        "overdue at a quiz",
        lambda s, _, who: taking.complete_overdue(s, who.quiz),
        uses=("deadline_at on quiz_attempt",),
    ),
    Case(
        "overdue of a player",
        lambda s, viewer, _: taking.complete_overdue(s, user_id=viewer.user_id),
        uses=("ix_quiz_attempt_open_deadline_at",),
    ),
    Case(
        "overdue anywhere",
        lambda s, _, __: taking.complete_overdue(s),
        uses=("ix_quiz_attempt_open_deadline_at",),
    ),
)
CASES = READING + WRITING

COUNTING = frozenset(
    {"everybody's attempts", "statistics of a quiz", "its questions", "a part of its file"}
)
"""What editors have counted for them: not often, and never a few rows only."""

HOT = tuple(case for case in CASES if case.name not in COUNTING)


@dataclass(slots=True)
class Read:
    """What one case read: pages of 8 KB, most of which tables, by which indexes.

    rows: how many there are in each table.
    """

    rows: Mapping[str, float]
    statements: int = 0
    pages: int = 0
    scanned: set[str] = field(default_factory=set)
    indexes: set[str] = field(default_factory=set)
    heaviest: str = ""
    most: int = -1

    def add(self, statement: str, plan: dict[str, Any]) -> None:
        """Add what the plan of one statement says."""
        pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        self.statements += 1
        self.pages += pages
        if pages > self.most:
            self.most, self.heaviest = pages, " ".join(statement.split())
        for node in _nodes(plan):
            if node["Node Type"] == "Seq Scan" and _rows_read(node) > self._half(node):
                self.scanned.add(node["Relation Name"])
            self.indexes |= {node["Index Name"]} if "Index Name" in node else set()

    def _half(self, node: dict[str, Any]) -> float:
        return self.rows.get(node["Relation Name"], 0) / 2


def _rows_read(node: dict[str, Any]) -> float:
    each: float = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    loops: float = node["Actual Loops"]
    return each * loops


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


@dataclass(frozen=True, slots=True)
class Found:
    """One case in small and in large tables."""

    case: Case
    small: Read
    large: Read

    @property
    def fault(self) -> str | None:
        """What is wrong, if anything is."""
        scanned = sorted(self.large.scanned & LARGE)
        if scanned:
            return f"reads most of {', '.join(scanned)}"
        bound = max(self.small.pages * MORE, self.small.pages + FEW_PAGES)
        if self.case.grows is None and self.large.pages > bound:
            return "reads more as the tables grow"
        return None


def check(app: Flask, small: int, large: int, progress: Callable[[str], None]) -> list[Found]:
    """Read the plans of all cases with few attempts in the tables, and with many."""
    with app.app_context():
        reads = []
        for attempts_made in (small, large):
            progress(f"making {attempts_made:,} attempts")
            fill(session(), Scale(attempts_made))
            who = somebody(session())
            progress(f"reading plans at {attempts_made:,} attempts")
            rows = _rows(session())
            reads.append([_read(case, who, rows) for case in CASES])
            session().rollback()
        db.engine.dispose()
    return [Found(*both) for both in zip(CASES, *reads, strict=True)]


def _rows(session: Session) -> dict[str, float]:
    sizes = session.execute(sa.text("SELECT relname, reltuples FROM pg_class WHERE relkind = 'r'"))
    return dict(sizes.tuples().all())


def _read(case: Case, who: Somebody, rows: Mapping[str, float]) -> Read:
    """Do it once to warm caches up, then once more, reading the plan of each statement."""
    viewer = Viewer(USER, DEFAULT_ROLE_PERMISSIONS[USER], who.user)
    case.does(session(), viewer, who)
    session().rollback()
    read = Read(rows)
    with explained(EXPLAIN, lambda said, lines: read.add(said, lines[0][0]["Plan"])):
        case.does(session(), viewer, who)
    session().rollback()
    return read


@contextmanager
def explained(options: str, tell: Callable[[str, Any], None]) -> Iterator[None]:
    """Explain each statement just before it is sent, undoing what explaining it changed.

    tell: gets each statement and the lines of its plan (with FORMAT JSON one, which is read).
    """

    def explain(
        cursor: psycopg.Cursor[Any], query: Any, params: Any, send: Callable[[], Any]
    ) -> Any:
        if isinstance(query, str) and query.lstrip().startswith(EXPLAINED):
            other = type(cursor)(cursor.connection)
            with cursor.connection.transaction(force_rollback=True):
                other.execute(f"EXPLAIN ({options}) {query}".encode(), params)
                lines = [row[0] for row in other.fetchall()]
            tell(query, lines)
        return send()

    with hearing(explain):
        yield


def table(found: Sequence[Found], small: int, large: int) -> str:
    """The check as lines of text."""
    lines = [f"{'':<22}{'queries':>8} {small:>9,} {large:>9,}  pages of 8 KB read"]
    for one in found:
        told = one.fault.upper() if one.fault else one.case.grows or ""
        lines.append(
            f"{one.case.name:<22}{one.large.statements:>8} {one.small.pages:>9,}"
            f" {one.large.pages:>9,}  {told}".rstrip()
        )
        if one.fault:
            lines.append(f"    {one.large.heaviest[:LONGEST]}")
    return "\n".join(lines)
