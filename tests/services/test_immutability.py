"""What was published never changes: the database refuses, whatever code tries."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import Base
from respondeo.models import Quiz
from respondeo.services import authoring
from tests.factories import add_user, editor, player, published_quiz
from tests.services.plays import play, start

PUBLISHED = {
    "question": "text = 'Another?'",
    "answer": "is_correct = NOT is_correct",
    "quiz_version": "title = 'Another'",
    "quiz_version_question": "position = position + 100",
}
OF_A_QUIZ = {
    "quiz", "quiz_draft", "quiz_board", "quiz_version", "question", "answer",
    "quiz_version_question", "quiz_attempt", "attempt_answer", "quiz_standing", "player_standing",
}  # fmt: skip


@pytest.mark.parametrize("table", PUBLISHED)
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_the_database_refuses_to_change_what_was_published(
    session: Session, table: str, verb: str
) -> None:
    published_quiz(session)
    statement = (
        f"UPDATE {table} SET {PUBLISHED[table]}"  # noqa: S608 - constants
        if verb == "UPDATE"
        else f"DELETE FROM {table}"  # noqa: S608 - constants
    )
    before = contents(session, table)
    with pytest.raises(sa.exc.IntegrityError, match="published versions never change"):  # noqa: SIM117
        with session.begin_nested():
            session.execute(sa.text(statement))
    assert before
    assert contents(session, table) == before


def contents(session: Session, table: str) -> list[tuple[object, ...]]:
    rows = session.execute(sa.select(Base.metadata.tables[table]))
    return sorted((tuple(row) for row in rows), key=repr)


def test_deleting_a_quiz_takes_everything_of_it_away(session: Session) -> None:
    quiz, kept = published_quiz(session), published_quiz(session)
    viewer = player(add_user(session))
    play(session, viewer, quiz)
    start(session, viewer, quiz)
    of_both = {table: len(contents(session, table)) for table in OF_A_QUIZ}
    assert all(of_both.values())
    authoring.delete_quiz(session, editor(), quiz.id)
    assert session.scalars(sa.select(Quiz.id)).all() == [kept.id]
    left = {table: len(contents(session, table)) for table in OF_A_QUIZ}
    half = {"quiz", "quiz_draft", "quiz_board", *PUBLISHED}
    assert left == {table: of_both[table] // 2 if table in half else 0 for table in OF_A_QUIZ}


def test_the_plain_statement_takes_as_much_away_as_the_service(session: Session) -> None:
    quiz = published_quiz(session)
    play(session, player(add_user(session)), quiz)
    session.execute(sa.text("DELETE FROM quiz"))
    left = {table for table in OF_A_QUIZ if contents(session, table)}
    assert left == {"player_standing"}  # sums over several quizzes: a rebuild corrects them
