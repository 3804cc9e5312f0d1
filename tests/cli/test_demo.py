"""The demo: what `flask demo load` brings, that it is by the rules, and that once is enough."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.db import Base, db
from respondeo.domain.document import Document
from respondeo.models import Quiz, QuizDraft, QuizVersion, User
from tests.conftest import run_on_server, settings_for, url_of
from tests.factories import add_user
from tests.services.boards import assert_boards_are_right

LOAD = ["demo", "load"]


@pytest.fixture(scope="module")
def demo(worker_id: str) -> Iterator[Flask]:
    """An application on a database of its own with the demo loaded."""
    name = f"respondeo_demo_{worker_id}"
    run_on_server(f"CREATE DATABASE {name}")
    app = create_app(settings_for(url_of(name, turned=False)))
    with app.app_context():
        upgrade()
    result = app.test_cli_runner().invoke(args=LOAD)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Loaded ")
    yield app
    with app.app_context():
        db.engine.dispose()
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def session(demo: Flask) -> Iterator[Session]:
    """A session on the demo's database."""
    with demo.app_context():
        yield db.session()
        db.session.remove()


def rows(session: Session, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in session.execute(sa.text(query))]


def digest(session: Session) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and what is in them."""
    found = {}
    for table in Base.metadata.sorted_tables:
        lines = sorted(repr(tuple(row)) for row in session.execute(sa.select(table)))
        found[table.name] = (len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest())
    return found


# -- the content ----------------------------------------------------------------------------------


def test_there_are_quizzes_of_all_sorts_in_several_languages(session: Session) -> None:
    now = session.execute(sa.select(sa.func.now())).scalar_one()
    versions = session.scalars(
        sa.select(QuizVersion)
        .join(Quiz, Quiz.current_version_id == QuizVersion.id)
        .where(Quiz.published_at <= now)
    ).all()
    assert len(versions) >= 12
    assert all(8 <= version.question_count <= 12 for version in versions)
    assert len({version.language for version in versions}) >= 4
    assert {version.feedback for version in versions} == {"each", "end"}
    assert {version.reveal for version in versions} == {"safe", "always"}
    assert {version.difficulty for version in versions} == {"easy", "medium", "hard"}
    assert {version.randomize_questions for version in versions} == {True, False}
    assert {version.randomize_answers for version in versions} == {True, False}
    assert len({version.time_limit_seconds for version in versions}) >= 3
    assert 0 in {version.time_limit_seconds for version in versions}
    assert {version.max_attempts for version in versions} >= {None, 1, 3}
    scheduled = session.scalars(sa.select(Quiz).where(Quiz.published_at > now)).all()
    drafts = session.scalars(sa.select(Quiz).where(Quiz.published_at.is_(None))).all()
    assert (len(scheduled), len(drafts)) == (1, 1)
    assert drafts[0].current_version_id is None


def test_every_quiz_has_explanations_and_is_a_sound_document(session: Session) -> None:
    drafts = session.scalars(sa.select(QuizDraft)).all()
    for draft in drafts:
        document = Document.model_validate(draft.document)
        assert all(question.explanation for question in document.questions), document.title
        texts = [question.text for question in document.questions]
        assert len(set(texts)) == len(texts), document.title
        for question in document.questions:
            answers = [answer.text for answer in question.answers]
            assert len(set(answers)) == len(answers), question.text


def test_there_are_three_hundred_players_and_three_people_to_sign_in_as(session: Session) -> None:
    people = session.scalars(sa.select(User)).all()
    groups = {user.email: user.groups for user in people if user.email in STAFF}
    assert groups == STAFF
    assert len(people) - len(groups) == 300
    assert len({user.name for user in people}) == 303


STAFF: dict[str, list[str]] = {
    "admin@demo.example": ["admin"],
    "creator@demo.example": ["creators"],
    "player@demo.example": [],
}


def test_the_past_is_a_believable_spread(session: Session) -> None:
    (share_timed_out, share_perfect, share_zero, attempts), = rows(
        session,
        """
        SELECT avg(timed_out::integer)::float,
            avg((correct_count = total_questions)::integer)::float,
            avg((correct_count = 0)::integer)::float, count(*)
        FROM quiz_attempt
        """,
    )  # fmt: skip
    assert isinstance(attempts, int)
    assert attempts > 500
    assert 0 < float(str(share_timed_out)) < 0.5
    assert 0 < float(str(share_perfect)) < 0.5
    assert float(str(share_zero)) < 0.05
    (quizzes, least), = rows(
        session,
        "SELECT count(*), min(players) FROM quiz_board JOIN quiz ON quiz.id = quiz_id"
        " WHERE published_at <= now()",
    )  # fmt: skip
    assert isinstance(least, int)
    assert least >= 10, quizzes


# -- the rules ------------------------------------------------------------------------------------

# What no attempt that was really played could be; each query finds the offenders.
IMPOSSIBLE = {
    "open attempts": "SELECT id FROM quiz_attempt WHERE completed_at IS NULL",
    "numbers with gaps": "SELECT user_id FROM quiz_attempt GROUP BY quiz_id, user_id"
    " HAVING max(number) <> count(*) OR min(number) <> 1",
    "more than the maximum": "SELECT a.id FROM quiz_attempt a JOIN quiz_version v"
    " ON v.id = quiz_version_id WHERE a.number > v.max_attempts",
    "not by the version": "SELECT a.id FROM quiz_attempt a JOIN quiz_version v"
    " ON v.id = quiz_version_id JOIN quiz q ON q.id = a.quiz_id WHERE v.quiz_id <> a.quiz_id"
    " OR q.current_version_id <> v.id OR a.feedback <> v.feedback"
    " OR a.total_questions <> v.question_count"
    " OR coalesce(a.time_limit_ms, 0) <> v.time_limit_seconds * 1000",
    "before the quiz was public": "SELECT a.id FROM quiz_attempt a JOIN quiz q ON q.id = quiz_id"
    " WHERE a.started_at < q.published_at OR q.published_at IS NULL",
    "not over yet": "SELECT id FROM quiz_attempt WHERE completed_at > now()"
    " OR started_at > completed_at",
    "one before the last was over": "SELECT b.id FROM quiz_attempt a JOIN quiz_attempt b"
    " ON b.quiz_id = a.quiz_id AND b.user_id = a.user_id AND b.number = a.number + 1"
    " WHERE b.started_at < a.completed_at",
    "wrong disclosure": "SELECT a.id FROM quiz_attempt a JOIN quiz_version v"
    " ON v.id = quiz_version_id WHERE a.discloses <> (v.reveal = 'always'"
    " OR v.max_attempts IS NULL OR a.number >= v.max_attempts)",
    "wrong ranking": "SELECT a.id FROM quiz_attempt a WHERE a.ranked = EXISTS"
    " (SELECT FROM quiz_attempt b WHERE b.quiz_id = a.quiz_id AND b.user_id = a.user_id"
    " AND b.number < a.number AND b.discloses)",
    "editors who rank": 'SELECT a.id FROM quiz_attempt a JOIN "user" u ON u.id = a.user_id'
    " WHERE a.ranked AND u.groups <> '{}'",
    "more time than the limit": "SELECT id FROM quiz_attempt WHERE total_time_ms > time_limit_ms"
    " OR spent_ms > time_limit_ms",
    "out of time without the limit as total": "SELECT id FROM quiz_attempt WHERE timed_out"
    " AND total_time_ms IS DISTINCT FROM time_limit_ms",
    "in time but not finished": "SELECT a.id FROM quiz_attempt a WHERE NOT timed_out AND EXISTS"
    " (SELECT FROM attempt_answer s WHERE s.attempt_id = a.id AND s.answered_at IS NULL)",
    "wrong sum of times": "SELECT a.id FROM quiz_attempt a JOIN attempt_answer s"
    " ON s.attempt_id = a.id GROUP BY a.id HAVING a.spent_ms <> coalesce(sum(s.time_ms), 0)",
    "wrong score": "SELECT a.id FROM quiz_attempt a JOIN attempt_answer s ON s.attempt_id = a.id"
    " LEFT JOIN answer o ON o.id = s.answer_id GROUP BY a.id"
    " HAVING a.correct_count <> count(*) FILTER (WHERE o.is_correct)",
    "wrong verdict": "SELECT s.attempt_id FROM attempt_answer s JOIN answer o ON o.id = s.answer_id"
    " WHERE s.is_correct <> o.is_correct",
    "not all questions": "SELECT a.id FROM quiz_attempt a LEFT JOIN attempt_answer s"
    " ON s.attempt_id = a.id GROUP BY a.id HAVING count(s) <> a.total_questions"
    " OR min(s.display_order) <> 0 OR max(s.display_order) <> a.total_questions - 1",
    "questions of another version": "SELECT s.attempt_id FROM attempt_answer s"
    " JOIN quiz_attempt a ON a.id = s.attempt_id LEFT JOIN quiz_version_question q"
    " ON q.quiz_version_id = a.quiz_version_id AND q.question_id = s.question_id"
    " WHERE q.question_id IS NULL",
    "shuffled though not told to": "SELECT a.id FROM attempt_answer s"
    " JOIN quiz_attempt a ON a.id = s.attempt_id JOIN quiz_version v ON v.id = a.quiz_version_id"
    " JOIN quiz_version_question q ON q.quiz_version_id = v.id AND q.question_id = s.question_id"
    " WHERE NOT v.randomize_questions AND q.position <> s.display_order",
    "answers not in order though not shuffled": "SELECT a.id FROM attempt_answer s"
    " JOIN quiz_attempt a ON a.id = s.attempt_id JOIN quiz_version v ON v.id = a.quiz_version_id"
    " WHERE NOT v.randomize_answers AND s.answer_order <> (SELECT array_agg(position"
    " ORDER BY position) FROM answer WHERE question_id = s.question_id)",
    "answered before shown": "SELECT attempt_id FROM attempt_answer WHERE answered_at < shown_at"
    " OR (answered_at IS NOT NULL AND shown_at IS NULL)",
    "shown before the one before was answered": "SELECT s.attempt_id FROM attempt_answer s"
    " JOIN attempt_answer p ON p.attempt_id = s.attempt_id"
    " AND p.display_order = s.display_order - 1"
    " WHERE s.shown_at IS NOT NULL AND (p.answered_at IS NULL OR p.answered_at > s.shown_at)",
    "answered after the grace": "SELECT s.attempt_id FROM attempt_answer s JOIN quiz_attempt a"
    " ON a.id = s.attempt_id WHERE s.answered_at > a.completed_at + interval '2 seconds'",
}


@pytest.mark.parametrize("query", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_no_attempt_of_the_past_breaks_a_rule(session: Session, query: str) -> None:
    assert rows(session, query) == []


def test_the_boards_say_what_the_answers_say(session: Session) -> None:
    assert_boards_are_right(session)


# -- again ----------------------------------------------------------------------------------------


def test_loading_again_and_rebuilding_change_nothing(demo: Flask, session: Session) -> None:
    before = digest(session)
    session.rollback()
    again = demo.test_cli_runner().invoke(args=LOAD)
    assert (again.exit_code, again.output) == (0, "")
    rebuilt = demo.test_cli_runner().invoke(args=["leaderboards", "rebuild"])
    assert rebuilt.output == "Rebuilt: nothing had to change.\n"
    assert digest(session) == before


def test_the_demo_is_not_for_production(app: Flask, database: str) -> None:
    production = create_app(settings_for(database, app_env="production"))
    result = production.test_cli_runner().invoke(args=LOAD)
    assert result.exit_code != 0
    assert "not for production" in result.output
    with production.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(User)) == 0
        db.session.remove()
        db.engine.dispose()


def test_the_demo_stays_out_of_a_database_with_people_of_its_own(
    app: Flask, committed: Session
) -> None:
    add_user(committed)
    committed.commit()
    result = app.test_cli_runner().invoke(args=LOAD)
    assert result.exit_code == 1
    assert "Unset DATABASE_URL" in result.output
    assert committed.scalars(sa.select(User.name)).all() == ["A Player"]
