"""Fifty people play while the database goes twice and workers die: nothing that was acknowledged
is missing, and nobody is left behind."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from respondeo.embedded import EmbeddedPostgres
from tests.races.conftest import World
from tests.races.crowd import Keen, Told
from tests.races.serving import until
from tests.races.test_what_breaks import kill, stop

pytestmark = pytest.mark.xdist_group("races")

PLAYERS, QUESTIONS = 50, 4
STORED = (
    "SELECT attempt_id::text, question_id::text, answer_id::text FROM attempt_answer"
    " JOIN quiz_attempt ON quiz_attempt.id = attempt_id WHERE quiz_id = :quiz"
)
RESULTS = (
    "SELECT quiz_attempt.id::text, quiz_attempt.correct_count::text,"
    " count(*) FILTER (WHERE is_correct) AS right_ones,"
    " quiz_attempt.id = quiz_standing.attempt_id AS stands"
    " FROM quiz_attempt JOIN attempt_answer ON attempt_id = quiz_attempt.id"
    " JOIN quiz_standing ON quiz_standing.quiz_id = quiz_attempt.quiz_id"
    " AND quiz_standing.user_id = quiz_attempt.user_id"
    " WHERE quiz_attempt.quiz_id = :quiz AND quiz_attempt.completed_at IS NOT NULL"
    " GROUP BY quiz_attempt.id, quiz_standing.attempt_id"
)


def test_fifty_players_lose_nothing_when_the_database_restarts_twice_and_workers_die(
    own_world: World, postgres: EmbeddedPostgres
) -> None:
    quiz = own_world.quiz(questions=QUESTIONS, feedback="end")
    told = Told()
    crowd = [Keen(own_world.player(quiz), number, told) for number in range(PLAYERS)]
    for keen in crowd:
        keen.start()
    for share, end in ((0.2, stop), (0.6, kill)):
        after(told, share)
        own_world.server.kill_worker()
        after(told, share + 0.2)
        end(postgres)
        postgres.start()
    for keen in crowd:
        keen.join()
    assert told.wrong == [], log_of(own_world)
    assert told.refusals + told.broken > 0, "nobody noticed: the faults came too late"
    assert len(told.answers) == PLAYERS * QUESTIONS
    with own_world.engine.connect() as connection:
        stored = {
            (row[0], row[1]): row[2] for row in connection.execute(sa.text(STORED), {"quiz": quiz})
        }
        results = connection.execute(sa.text(RESULTS), {"quiz": quiz}).all()
    assert stored == told.answers
    assert {row[0]: row[1] for row in results} == told.scores
    assert all(row.right_ones == int(row[1]) and row.stands for row in results)


def after(told: Told, share: float) -> None:
    """Wait until so much of all answers was acknowledged."""
    wanted = share * PLAYERS * QUESTIONS
    until(lambda: len(told.answers) >= wanted or None, f"{wanted} answers", seconds=60)


def log_of(world: World) -> str:
    """What the server noted that is not the database's absence itself."""
    lines = world.server.log.read_text().splitlines()
    return "\n".join(line for line in lines if "database trouble" not in line)
