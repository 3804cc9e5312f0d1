"""The publish page: what it says publishing will do, and that this is what it does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.domain.document import Document
from respondeo.domain.draft import Draft, DraftQuestion
from respondeo.models import Quiz, QuizAttempt, QuizVersion
from respondeo.services import authoring
from tests.client import Client, Page
from tests.conftest import Clock
from tests.factories import add_user, document, editor, published_quiz, question
from tests.web.apps import AppWith, Browser
from tests.web.places import person_with
from tests.web.playing import Player

WHAT = "one sentence that says what the quiz is about."
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def author(app: Flask, committed: Session, committed_clock: Clock) -> Client:
    """Somebody who edits whatever there is, at noon of a day in November."""
    committed_clock.stop(NOON)
    client = Client(app)
    client.sign_in(person_with(committed, "A Moderator", "admin"))
    return client


def drafted(committed: Session, draft: Draft | Document | None = None) -> UUID:
    quiz = authoring.create_quiz(
        committed, add_user(committed, "An Author").id, draft or document(2)
    )
    committed.commit()
    return quiz.id


def changed(committed: Session, quiz_id: UUID, draft: Draft | Document) -> None:
    authoring.save_draft(committed, editor(), quiz_id, draft)
    committed.commit()


def look(client: Client, quiz_id: UUID) -> Page:
    return client.page(f"/quiz/{quiz_id}/publish")


def press(client: Client, page: Page, action: str, **fields: Any) -> Page:
    """Send one of the page's forms as it stands, and follow."""
    revision = page.all("input[name=revision]")[0].attrs["value"]
    return posted(client, page.path, action=action, revision=revision, **fields)


def posted(client: Client, path: str, **fields: Any) -> Page:
    answer = client.post(path, fields)
    return client.page(answer.location) if answer.status_code == 303 else Page(answer)


def date_of(committed: Session, quiz_id: UUID) -> datetime | None:
    committed.rollback()
    return committed.scalar(sa.select(Quiz.published_at).where(Quiz.id == quiz_id))


def versions(committed: Session, quiz_id: UUID) -> int:
    committed.rollback()
    found = sa.select(sa.func.count()).where(QuizVersion.quiz_id == quiz_id)
    return committed.scalar(found) or 0


# -- what it says ----------------------------------------------------------------------------


def test_the_first_publication_says_what_it_does_and_then_shows_the_link(
    author: Client, committed: Session
) -> None:
    quiz_id = drafted(committed)
    page = look(author, quiz_id)
    assert "Publishes version 1 with 2 questions" in page.words()
    assert page.words("#publish-form button") == "Publish version 1"
    page = press(author, page, "now")
    assert "Published. It is open." in page.words()
    assert page.one("#share-link").attrs["value"] == f"http://localhost/quiz/{quiz_id}"
    assert "Nothing has changed since version 1 was published." in page.words()
    assert not page.all("#publish-form, #changes-form, #now-form")
    assert versions(committed, quiz_id) == 1


def test_what_is_missing_is_listed_with_links_to_the_fields_and_there_is_no_button(
    author: Client, committed: Session
) -> None:
    unfinished = DraftQuestion(text="")
    quiz_id = drafted(committed, Draft(title="Rivers", questions=(unfinished,)))
    page = look(author, quiz_id)
    links = {link.to_text().strip(): link.attrs["href"] for link in page.all(".faults a")}
    edit = f"/quiz/{quiz_id}/edit"
    assert links == {
        f"Write a description: {WHAT}": f"{edit}#description",
        "Question 1: Write the question.": f"{edit}#q-{unfinished.uid}-text",
        "Question 1: Write at least two answers.": f"{edit}#q-{unfinished.uid}-answers",
    }
    assert not page.all("#publish-form")
    refused = press_without_form(author, quiz_id, "now")
    assert refused.status == 422
    assert versions(committed, quiz_id) == 0
    assert date_of(committed, quiz_id) is None


def press_without_form(client: Client, quiz_id: UUID, action: str) -> Page:
    return posted(client, f"/quiz/{quiz_id}/publish", action=action, revision=1)


def test_every_difference_is_shown_before_and_after(author: Client, committed: Session) -> None:
    kept, reworded, removed, added = (question(n) for n in (1, 2, 3, 4))
    doc = document(title="Rivers", max_attempts=None, time_limit_seconds=90)
    doc = doc.model_copy(update={"questions": (kept, reworded, removed)})
    quiz = published_quiz(committed, doc)
    committed.commit()
    Player(author, quiz.id).play_through("AAA")
    new = doc.model_copy(
        update={
            "title": "Streams",
            "max_attempts": 3,
            "questions": (reworded.model_copy(update={"text": "In other words?"}), kept, added),
        }
    )
    changed(committed, quiz.id, new)
    page = look(author, quiz.id)
    said = page.words()
    assert "Publishing makes this version 2. Version 1 was played 1 time:" in said
    assert "Attempts that are going on keep the version that they were started on" in said
    assert [dt.to_text().strip() for dt in page.all(".pairs dt")] == ["Title", "Attempts"]
    assert [one.to_text().strip() for one in page.all(".pairs del")] == [
        "Before: Rivers", "Before: Unlimited",
    ]  # fmt: skip
    assert [one.to_text().strip() for one in page.all(".pairs ins")] == [
        "After: Streams", "After: 3",
    ]  # fmt: skip
    assert "The order of the questions changes." in said
    heads = [" ".join(one.to_text().split()) for one in page.all(".change-head")]
    assert heads == ["Reworded Question 1", "New Question 3", "Removed Was question 3"]
    assert "Question 2?" in page.words(".both > div:first-child")
    assert "In other words?" in page.words(".both > div:last-child")
    assert "Question 1?" not in said


def test_publish_changes_makes_the_version_and_keeps_the_date(
    author: Client, committed: Session
) -> None:
    quiz_id = published_quiz(committed).id
    committed.commit()
    before = date_of(committed, quiz_id)
    changed(committed, quiz_id, document(1))
    page = press(author, look(author, quiz_id), "changes")
    assert "Whoever starts now plays the new version." in page.words()
    assert versions(committed, quiz_id) == 2
    assert date_of(committed, quiz_id) == before


def test_an_unpublished_quiz_is_published_again_without_a_new_version(
    author: Client, committed: Session
) -> None:
    quiz_id = published_quiz(committed).id
    committed.commit()
    page = press(author, look(author, quiz_id), "unpublish")
    assert "Nobody sees it" in page.words()
    assert date_of(committed, quiz_id) is None
    assert page.words("#publish-form button") == "Publish version 1 again"
    press(author, page, "now")
    assert (versions(committed, quiz_id), date_of(committed, quiz_id) is None) == (1, False)


# -- when ------------------------------------------------------------------------------------


def test_a_schedule_is_in_the_authors_zone_and_stored_in_utc(
    author: Client, committed: Session
) -> None:
    quiz_id = drafted(committed)
    page = press(
        author, look(author, quiz_id), "schedule",
        date="2026-12-24", time="18:00", zone="America/New_York",
    )  # fmt: skip
    assert date_of(committed, quiz_id) == datetime(2026, 12, 24, 23, tzinfo=UTC)
    assert "opens 24 Dec 2026, 23:00 UTC" in page.words()
    assert page.one("#share-link")
    page = press(author, page, "date", date="2026-12-25", time="18:00", zone="UTC")
    assert date_of(committed, quiz_id) == datetime(2026, 12, 25, 18, tzinfo=UTC)
    press(author, page, "now")
    assert date_of(committed, quiz_id) == NOON
    assert versions(committed, quiz_id) == 1


@pytest.mark.parametrize(
    ("date", "time", "zone", "words"),
    [
        ("2026-11-30", "12:00", "UTC", "This moment has passed."),
        ("2026-11-30", "13:00", "Europe/Berlin", "This moment has passed."),
        ("2999-01-01", "12:00", "UTC", "within the next ten years"),
        ("2027-03-28", "02:30", "Europe/Berlin", "No clock in Europe/Berlin shows 02:30"),
        ("", "", "UTC", "Choose a date"),
        ("2026-12-01", "12:00", "\0", "Choose a time zone"),
        ("\0", "\ufffe", "x" * 5000, "Choose a time zone"),
    ],
)
def test_a_time_that_cannot_be_is_refused_beside_its_field_with_what_was_typed(
    author: Client, committed: Session,
    date: str, time: str, zone: str, words: str,
) -> None:  # fmt: skip
    quiz_id = drafted(committed)
    page = press(author, look(author, quiz_id), "schedule", date=date, time=time, zone=zone)
    assert page.status == 422
    assert words in page.words(".date-fields")
    assert len(page.all("[autofocus]")) == 1
    assert page.one("#opens-date").attrs["value"] == date.replace("\0", "")
    assert "checked" in page.one("input[value=schedule]").attrs
    assert date_of(committed, quiz_id) is None


def test_a_time_that_clocks_show_twice_is_the_first_and_says_so(
    author: Client, committed: Session
) -> None:
    quiz_id = drafted(committed)
    page = press(
        author, look(author, quiz_id), "schedule",
        date="2027-10-31", time="02:30", zone="Europe/Berlin",
    )  # fmt: skip
    assert "show this time twice: it opens at the first" in page.words()
    assert date_of(committed, quiz_id) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_the_date_of_a_scheduled_quiz_changes_while_its_draft_is_unfinished(
    author: Client, committed: Session
) -> None:
    quiz_id = drafted(committed)
    page = press(
        author, look(author, quiz_id), "schedule", date="2026-12-24", time="18:00", zone="UTC"
    )
    changed(committed, quiz_id, Draft(title="Half-"))
    page = look(author, quiz_id)
    assert page.all(".faults a")
    assert not page.all("#changes-form, #now-form")
    press(author, page, "date", date="2026-12-26", time="18:00", zone="UTC")
    assert date_of(committed, quiz_id) == datetime(2026, 12, 26, 18, tzinfo=UTC)
    press(author, look(author, quiz_id), "open")
    assert date_of(committed, quiz_id) == NOON
    assert versions(committed, quiz_id) == 1


def test_a_published_quiz_can_be_closed_until_a_date(
    author: Client, browser: Browser, committed: Session
) -> None:
    quiz_id = published_quiz(committed).id
    committed.commit()
    tomorrow = NOON + timedelta(days=1)
    press(
        author, look(author, quiz_id), "date", date=f"{tomorrow:%Y-%m-%d}", time="12:00", zone="UTC"
    )
    assert browser("A Player").get(f"/quiz/{quiz_id}").status_code == 404


@pytest.mark.parametrize("action", ["date", "open"])
def test_what_was_never_published_has_no_date_to_change(
    author: Client, committed: Session, action: str
) -> None:
    quiz_id = drafted(committed)
    sent = {"date": "2029-12-26", "time": "18:00", "zone": "UTC"}
    assert posted(
        author, f"/quiz/{quiz_id}/publish", action=action, revision=1, **sent
    ).status == 403  # fmt: skip
    assert date_of(committed, quiz_id) is None


def test_all_zones_are_there_without_javascript_and_utc_is_chosen(
    author: Client, committed: Session
) -> None:
    page = look(author, drafted(committed))
    zones = [one.attrs["value"] for one in page.all("#opens-zone option")]
    assert {"UTC", "Europe/Berlin", "Pacific/Auckland"} <= set(zones)
    assert page.one("#opens-zone option[selected]").attrs["value"] == "UTC"


# -- two tabs, forged forms ------------------------------------------------------------------


@pytest.mark.parametrize("action", ["now", "changes", "schedule"])
def test_a_draft_that_changed_since_one_looked_is_shown_and_not_published(
    author: Client, committed: Session, action: str
) -> None:
    quiz_id = drafted(committed)
    page = look(author, quiz_id)
    changed(committed, quiz_id, document(3, title="Another"))
    later = {"date": "2029-12-24", "time": "18:00", "zone": "UTC"}
    stale = press(author, page, action, **later)
    assert stale.status == 409
    assert "The draft has changed since you opened this page" in stale.words()
    assert stale.one("[role=alert] a").attrs["href"] == f"/quiz/{quiz_id}/publish"
    assert "Publishes version 1 with 3 questions" in stale.words()
    assert versions(committed, quiz_id) == 0
    assert press(author, stale, action, **later).status == 200
    assert versions(committed, quiz_id) == 1


def test_publishing_twice_makes_one_version(author: Client, committed: Session) -> None:
    quiz_id = drafted(committed)
    page = look(author, quiz_id)
    for _ in range(2):
        assert press(author, page, "now").status == 200
    assert versions(committed, quiz_id) == 1


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "now"},
        {"action": "now", "revision": "x"},
        {"action": "now", "revision": "9" * 40},
        {"action": "now", "revision": "²"},
        {"action": "now", "revision": "\0"},
        {"action": "explode", "revision": "1"},
        {"action": "date", "revision": "1"},
    ],
    ids=repr,
)
def test_a_form_of_nobodys_publishes_nothing(
    author: Client, committed: Session, form: dict[str, str]
) -> None:
    quiz_id = drafted(committed)
    assert posted(author, f"/quiz/{quiz_id}/publish", **form).status == 422
    assert date_of(committed, quiz_id) is None


def test_who_may_edit_but_not_publish_is_told_so(app_with: AppWith, committed: Session) -> None:
    app = app_with(rbac_role_user_permissions="quiz:browse,quiz:view,quiz:edit-any")
    client = Client(app)
    client.sign_in(person_with(committed, "An Editor"))
    quiz_id = drafted(committed)
    page = look(client, quiz_id)
    assert "lets you edit this quiz, but not publish it" in page.words()
    assert not page.all("main form")
    assert posted(client, page.path, action="now", revision=1).status == 403
    assert date_of(committed, quiz_id) is None


def test_texts_are_shown_literally(author: Client, committed: Session) -> None:
    evil = "<b>\"&'</b>"
    quiz_id = drafted(committed, document(1, title=evil, description=evil))
    page = look(author, quiz_id)
    assert evil in page.words(".up")
    assert re.search("&lt;b&gt;", page.text)


# -- on the second ---------------------------------------------------------------------------


def test_a_scheduled_quiz_opens_at_its_second_everywhere_and_nothing_runs_for_it(
    author: Client, browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    quiz_id = drafted(committed, document(1, title="Zugspitze", language="ko"))
    press(
        author, look(author, quiz_id), "schedule",
        date="2026-12-01", time="09:00:30", zone="Asia/Seoul",
    )  # fmt: skip
    player = browser("A Player")
    guest = browser()
    for ahead, there in ((-1, False), (0, True)):
        committed_clock.stop(datetime(2026, 12, 1, 0, 0, 30, tzinfo=UTC) + timedelta(seconds=ahead))
        committed.commit()
        for client in (player, guest):
            for path in ("/", "/?q=Zugspitze", "/?language=ko"):
                assert ("Zugspitze" in client.page(path).words()) is there
                found = "1 quiz" in client.page(path).words("#quiz-results")
                assert found is there
            assert bool(client.page("/").all("#chip-ko")) is there
            for path in (f"/quiz/{quiz_id}", f"/quiz/{quiz_id}/results"):
                assert client.get(path).status_code == (200 if there else 404)
            status = client.post(f"/quiz/{quiz_id}/play", number=1).status_code
            assert status == (303 if there else 404)
        committed.rollback()
        started = committed.scalar(sa.select(sa.func.count(QuizAttempt.id)))
        assert started == (2 if there else 0)
    state = "#quiz-" + str(quiz_id) + " .own-marks"
    assert "Published" in author.page("/quiz/mine?whose=all").words(state)
    Player(player, quiz_id).play_through("A")
    assert "A Player" in guest.page(f"/quiz/{quiz_id}/results").words("#board")
    assert "A Player" in guest.page("/leaderboard").words("#board")
