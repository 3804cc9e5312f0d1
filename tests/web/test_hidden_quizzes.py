"""A quiz that is not published is as good as none: every answer is that to an id nobody has."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.db import database_time
from respondeo.models import Quiz, QuizStanding
from respondeo.services import authoring
from tests.client import Client
from tests.factories import add_user, document
from tests.web.apps import AppWith
from tests.web.places import Place, person_with, places, played, played_quiz
from tests.web.playing import Player

TITLE = "Zugspitze or Zuckerhut"
HIDDEN = ("draft", "scheduled", "unpublished again")
NOT_EDITORS = ("guest", "user", "creator", "publisher")

# Every state of what a quiz's own address may be asked with.
FORMS: tuple[dict[str, str], ...] = (
    {},
    {"number": "1"},
    {"number": "none"},
    {"attempt": str(uuid4()), "question": str(uuid4()), "answer": str(uuid4())},
    {"attempt": "none"},
)


@pytest.fixture
def everything_open(app_with: AppWith) -> Flask:
    return app_with(
        rbac_role_creator_groups="teachers",
        rbac_role_moderator_groups="publishers",
        rbac_role_moderator_permissions="quiz:browse,quiz:view,quiz:play,leaderboard:view,"
        "quiz:publish,quiz:delete-any",
    )


def somebody(app: Flask, committed: Session, role: str) -> Client:
    """A browser of somebody who may edit no quiz of others; a publisher may publish unseen."""
    client = Client(app)
    if role != "guest":
        groups = {"creator": ["teachers"], "publisher": ["publishers"]}.get(role, [])
        client.sign_in(person_with(committed, "Somebody", *groups))
    return client


def hidden_quiz(committed: Session, state: str) -> dict[str, UUID]:
    """A quiz in this state; where it was public once, somebody has played it."""
    author, player = add_user(committed, "An Author"), add_user(committed, "A Player")
    if state == "draft":
        quiz_id = authoring.create_quiz(
            committed, author.id, document(title=TITLE, language="ko")
        ).id
        committed.commit()
        return {"quiz_id": quiz_id, "attempt_id": uuid4(), "seed": quiz_id}
    quiz_id, attempt_id = played_quiz(committed, author, player, title=TITLE, language="ko")
    tomorrow = database_time(committed) + timedelta(days=1)
    committed.get_one(Quiz, quiz_id).published_at = tomorrow if state == "scheduled" else None
    committed.commit()
    return {"quiz_id": quiz_id, "attempt_id": attempt_id, "seed": quiz_id}


def told(response: TestResponse, ids: dict[str, UUID]) -> tuple[int, str]:
    """Everything that a response says, without the ids that were asked for and its own."""
    del response.headers["X-Request-ID"]
    said = f"{response.headers}{response.get_data(as_text=True)}"
    for name, value in ids.items():
        said = said.replace(str(value), name)
    return response.status_code, said


@pytest.mark.parametrize("state", HIDDEN)
@pytest.mark.parametrize("role", NOT_EDITORS)
def test_a_hidden_quiz_answers_letter_for_letter_as_one_that_does_not_exist(
    everything_open: Flask, committed: Session, state: str, role: str
) -> None:
    there = hidden_quiz(committed, state)
    missing = {name: uuid4() for name in there}
    client = somebody(everything_open, committed, role)
    about_quizzes = zip(
        places(everything_open, **there), places(everything_open, **missing), strict=True
    )
    compared = []
    for real, none in about_quizzes:
        if str(there["quiz_id"]) not in real.path or real.endpoint == "pages.cover":
            continue
        for how in ({}, {"HX-Request": "true"}, {"HX-Request": "true", "HX-PTag": "0" * 16}):
            for query in ("", "?page=2", "?attempt={attempt_id}"):
                found = [
                    told(ask(client, place, query.format(**ids), how), ids)
                    for place, ids in ((real, there), (none, missing))
                ]
                assert found[0] == found[1], (real, how, query)
                assert TITLE not in found[0][1]
                compared.append((real.endpoint, found[0][0]))
        if real.method == "POST":
            for form in FORMS:
                answers = [
                    told(client.post(place.path, form), ids)
                    for place, ids in ((real, there), (none, missing))
                ]
                assert answers[0] == answers[1], (real, form)
    statuses = dict(compared)
    for endpoint in ("taking.quiz", "taking.play", "taking.start", "taking.result"):
        assert statuses[endpoint] == 404
    assert statuses["leaderboards.quiz"] == 404
    assert set(statuses.values()) <= {404, 403, 422, 303, 204}


def ask(client: Client, place: Place, query: str, headers: dict[str, str]) -> TestResponse:
    if place.method == "GET":
        return client.open(place.path + query, headers=headers)
    return client.post(place.path + query, headers=headers)


@pytest.mark.parametrize("state", HIDDEN)
@pytest.mark.parametrize("role", NOT_EDITORS)
def test_a_hidden_quiz_is_in_no_list_no_search_no_count_and_no_filter(
    everything_open: Flask, committed: Session, state: str, role: str
) -> None:
    ids = hidden_quiz(committed, state)
    played_quiz(committed, add_user(committed), add_user(committed), title="A public one")
    committed.commit()
    client = somebody(everything_open, committed, role)
    for address in ("/", "/?q=Zuckerhut", "/?language=ko", "/?sort=played", "/leaderboard"):
        for page in (client.page(address), client.fragment(address)):
            assert str(ids["quiz_id"]) not in page.text
            assert "Zugspitze" not in page.text
            assert not page.all("#chip-ko")
    assert client.page("/").words(".results-line p.muted") == "1 quiz"


def test_a_cover_is_drawn_for_any_id_so_that_it_tells_nothing(
    everything_open: Flask, committed: Session
) -> None:
    ids = hidden_quiz(committed, "draft")
    client = Client(everything_open)
    for seed in (ids["quiz_id"], uuid4()):
        response = client.get(f"/covers/{seed}.svg")
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def unpublish(committed: Session, quiz_id: UUID) -> None:
    committed.get_one(Quiz, quiz_id).published_at = None
    committed.commit()


@pytest.mark.parametrize("guest", [False, True], ids=["person", "guest"])
def test_who_has_an_attempt_when_a_quiz_is_unpublished_finishes_it_and_sees_its_result(
    everything_open: Flask, committed: Session, guest: bool
) -> None:
    author, other = add_user(committed, "An Author"), add_user(committed, "Another")
    quiz_id, _ = played_quiz(committed, author, other, questions=2, title=TITLE)
    committed.commit()
    client = somebody(everything_open, committed, "guest" if guest else "user")
    player = Player(client, quiz_id)
    page = player.start()
    unpublish(committed, quiz_id)

    for path in (player.quiz, f"{player.quiz}/results"):
        assert client.get(path).status_code == 404
    page = player.answer(player.look(), "A")
    if not guest:
        page = player.next(page)
    page = player.answer(page, "A")
    result = client.page(player.play)
    assert result.path.startswith(f"{player.quiz}/results/")
    assert "2/2" in result.words()
    assert not result.all("form[action$='/play']"), "nobody starts a quiz that is not published"
    for path in (player.quiz, f"{player.quiz}/results"):
        assert client.get(path).status_code == 404
    assert client.post(player.play, number=2).status_code == 404
    stranger = somebody(everything_open, committed, "user")
    assert stranger.get(result.path).status_code == 404
    assert stranger.get(player.play).status_code == 404


def test_points_stay_when_a_quiz_is_unpublished(everything_open: Flask, committed: Session) -> None:
    author, player = add_user(committed, "An Author"), add_user(committed, "Pia Punkt")
    quiz_id, _ = played_quiz(committed, author, player, title=TITLE)
    committed.commit()
    unpublish(committed, quiz_id)
    assert committed.scalar(sa.select(sa.func.count()).select_from(QuizStanding)) == 1
    page = Client(everything_open).page("/leaderboard")
    assert "Pia Punkt" in page.words()
    assert TITLE not in page.text


@pytest.mark.parametrize("state", HIDDEN)
def test_its_author_and_who_edits_all_quizzes_see_it_and_nobody_starts_it(
    app_with: AppWith, committed: Session, state: str
) -> None:
    app = app_with(rbac_role_creator_groups="teachers", rbac_role_moderator_groups="heads")
    ids = hidden_quiz(committed, state)
    author = committed.get_one(Quiz, ids["quiz_id"]).author_id
    assert author is not None
    committed.execute(
        sa.text("UPDATE \"user\" SET groups = '{teachers}' WHERE id = :id"), {"id": author}
    )
    committed.commit()
    for editor in (author, person_with(committed, "A Head", "heads")):
        client = Client(app)
        client.sign_in(editor)
        page = client.page(f"/quiz/{ids['quiz_id']}")
        assert TITLE in page.title()
        assert not page.all("#start-button")
        assert TITLE in client.page("/").words()
        refused = client.post(f"/quiz/{ids['quiz_id']}/play", number=1)
        assert refused.status_code == 403
        assert "not published yet" in refused.get_data(as_text=True)


def test_an_attempt_of_one_quiz_is_not_found_under_another(
    everything_open: Flask, committed: Session
) -> None:
    author, player = add_user(committed, "An Author"), add_user(committed, "A Player")
    hidden, _ = played_quiz(committed, author, player, questions=2)
    public, public_attempt = played_quiz(committed, author, player)
    unpublish(committed, hidden)
    stranger = add_user(committed, "A Stranger")
    played(committed, stranger, public)
    committed.commit()
    client = Client(everything_open)
    client.sign_in(stranger.id)
    assert client.get(f"/quiz/{public}/results/{public_attempt}").status_code == 200
    assert client.get(f"/quiz/{hidden}/results/{public_attempt}").status_code == 404
