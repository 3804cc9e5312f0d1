"""How many statements a page costs: few, and no more for a long list than for a short one."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import QuizAttempt
from respondeo.services import content, running, starting, taking
from tests.client import Client
from tests.factories import add_user, player, published_quiz
from tests.web.apps import Browser, Recorder
from tests.web.playing import Player


def cost(recorder: Recorder, client: Client, path: str, *, htmx: bool = False) -> int:
    """How many statements a GET runs once everything that is cached is cached."""
    client.get(path, htmx=htmx)
    with recorder() as said:
        response = client.get(path, htmx=htmx)
    assert response.status_code == 200
    return len(said)


def play(session: Session, client: Client, quiz_id: UUID) -> None:
    Player(client, quiz_id).play_through("A")


def test_home_costs_the_same_with_30_quizzes_and_own_attempts_as_with_one(
    browser: Browser, recorder: Recorder, committed: Session
) -> None:
    client = browser("A Player")
    play(committed, client, _one_question(committed))
    one = cost(recorder, client, "/")
    for number in range(29):
        quiz_id = _one_question(committed)
        if number % 2:
            play(committed, client, quiz_id)
        else:
            Player(client, quiz_id).start()
    assert cost(recorder, client, "/") == one == 1
    assert cost(recorder, browser(), "/") == 1


def _one_question(session: Session) -> UUID:
    quiz = published_quiz(session, questions=1, time_limit_seconds=600)
    session.commit()
    return quiz.id


def test_a_quiz_page_costs_the_same_with_30_players_as_with_one(
    browser: Browser, recorder: Recorder, committed: Session
) -> None:
    quiz_id = _one_question(committed)
    client = browser("A Player")
    play(committed, client, quiz_id)
    paths = (f"/quiz/{quiz_id}", f"/quiz/{quiz_id}/results", "/leaderboard")
    before = {path: cost(recorder, client, path) for path in paths}
    for number in range(29):
        person = player(add_user(committed, f"Player {number}"))
        attempt = starting.start_attempt(committed, person, quiz_id)
        row = running.answers_of(committed, attempt.id)[0]
        chosen = content.questions_for_players(committed, attempt.quiz_version_id)
        taking.commit_answer(
            committed,
            person,
            quiz_id,
            attempt.id,
            row.question_id,
            chosen[row.question_id].answers[0].id,
        )
    committed.commit()
    # Who is asking, the state of things and what is one's own are one statement; also one's own
    # row, where it is not among those shown.
    late = browser("A Late One")
    Player(late, quiz_id).play_through("B")
    for path in paths:
        assert (before[path], cost(recorder, client, path), cost(recorder, late, path)) == (1, 1, 1)
    assert "you</span>" in late.get(paths[0]).text


def test_a_board_that_did_not_change_costs_next_to_nothing(
    browser: Browser, recorder: Recorder, committed: Session
) -> None:
    quiz_id = _one_question(committed)
    client = browser("A Player")
    play(committed, client, quiz_id)
    path = f"/quiz/{quiz_id}/results?page=1"
    tag = client.get(path).headers["HX-PTag"]
    with recorder() as said:
        assert client.get(path, htmx=True, **{"HX-PTag": tag}).status_code == 304
    assert len(said) == 1


def test_a_play_page_and_an_answer_cost_the_same_whatever_the_number_of_questions(
    browser: Browser, recorder: Recorder, committed: Session
) -> None:
    seen = []
    for questions in (2, 30):
        quiz = published_quiz(committed, questions=questions)
        committed.commit()
        first = Player(browser("A Player"), quiz.id)
        first.answer(first.start(), "A")  # fills the caches
        one = Player(browser("A Player"), quiz.id)
        with recorder() as starting:
            one.client.post(one.play, number=1)
        with recorder() as looking:
            one.client.get(one.play)
        page = one.look()
        with recorder() as answering:
            shown = one.send_answer(page, "A", htmx=True)
        assert shown.status_code == 200
        page = one.look()
        with recorder() as moving:
            assert one.send_next(page, htmx=True).status_code == 200
        seen.append(tuple(map(len, (starting, looking, answering, moving))))
    assert seen[0] == seen[1]
    starting_, looking_, answering_, moving_ = seen[0]
    assert starting_ <= 4
    assert looking_ <= 2
    assert answering_ <= 4
    assert moving_ <= 4


def test_a_result_costs_the_same_whatever_the_number_of_questions(
    browser: Browser, recorder: Recorder, committed: Session
) -> None:
    seen = []
    for questions in (2, 30):
        quiz = published_quiz(committed, questions=questions)
        committed.commit()
        client = browser("A Player")
        Player(client, quiz.id).play_through("A" * questions)
        attempt_id = committed.scalars(
            sa.select(QuizAttempt.id).where(QuizAttempt.quiz_id == quiz.id)
        ).one()
        seen.append(cost(recorder, client, f"/quiz/{quiz.id}/results/{attempt_id}"))
    assert seen[0] == seen[1]
    assert seen[0] <= 9


def test_pages_that_need_no_database_ask_none(browser: Browser, recorder: Recorder) -> None:
    client = browser()
    for path in ("/healthz", "/static/css/app.css", f"/covers/{UUID(int=1)}.svg", "/sign-in"):
        with recorder() as said:
            assert client.get(path).status_code == 200
        assert said == [], path
