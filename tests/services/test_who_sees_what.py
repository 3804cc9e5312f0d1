"""The one rule of visibility where it is SQL: list, search, counts, languages, page, start."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, ROLES, Viewer, may_see
from respondeo.domain.errors import NotAllowed, NotFound
from respondeo.models import Quiz, User
from respondeo.services import authoring, catalogue, starting
from respondeo.services.catalogue import Filters
from tests.conftest import Clock
from tests.factories import add_user, document, editor

STATES = ("draft", "scheduled", "published", "unpublished again")
OWNERS = ("mine", "somebody's", "nobody's")


@pytest.fixture
def me(session: Session) -> User:
    return add_user(session, "Me")


@pytest.fixture
def quizzes(session: Session, clock: Clock, me: User) -> dict[tuple[str, str], Quiz]:
    """One quiz of each owner in each state; each says in its title which."""
    somebody = add_user(session, "Somebody")
    return {
        (owner, state): _quiz(session, me if owner == "mine" else somebody, owner, state)
        for owner, state in product(OWNERS, STATES)
    }


def _quiz(session: Session, author: User, owner: str, state: str) -> Quiz:
    quiz = authoring.create_quiz(session, author.id, document(title=f"{owner}, {state}"))
    if state != "draft":
        authoring.publish(session, editor(author), quiz.id)
    if state == "scheduled":
        quiz.published_at = database_time(session) + timedelta(days=1)
    elif state == "unpublished again":
        quiz.published_at = None
    if owner == "nobody's":
        quiz.author_id = None
    session.flush()
    return quiz


def viewer(role: str, me: User) -> Viewer:
    return Viewer(role, DEFAULT_ROLE_PERMISSIONS[role], None if role == "guest" else me.id)


def seen(session: Session, who: Viewer, quizzes: dict[tuple[str, str], Quiz]) -> set[UUID]:
    """What the rule says, written as a function."""
    now = database_time(session)
    return {q.id for q in quizzes.values() if may_see(who, q.author_id, q.published_at, now)}


@pytest.mark.parametrize("role", ROLES)
def test_the_list_the_search_the_count_and_the_languages_hold_what_the_rule_says(
    session: Session, quizzes: dict[tuple[str, str], Quiz], me: User, role: str
) -> None:
    who = viewer(role, me)
    visible = seen(session, who, quizzes)
    assert len(visible) == {"admin": 12, "moderator": 12, "creator": 6, "user": 3, "guest": 3}[role]
    for filters in (Filters(), Filters(sort="played"), Filters(q=", "), Filters(language="en")):
        found = catalogue.listing(session, who, filters)
        assert {card.id for card in found.cards} == visible
        assert found.total == len(visible)
        assert found.languages == (("en", len(visible)),)
    for (owner, state), quiz in quizzes.items():
        found = catalogue.listing(session, who, Filters(q=f"{owner}, {state}"))
        exact = [card.id for card in found.cards if card.title == f"{owner}, {state}"]
        assert exact == ([quiz.id] if quiz.id in visible else [])


@pytest.mark.parametrize("role", ROLES)
def test_the_page_of_a_quiz_is_there_for_whom_the_rule_says_and_only_a_public_one_starts(
    session: Session, quizzes: dict[tuple[str, str], Quiz], me: User, role: str
) -> None:
    who = viewer(role, me)
    visible = seen(session, who, quizzes)
    for (_, state), quiz in quizzes.items():
        if quiz.id not in visible:
            for read in (catalogue.quiz_card, catalogue.demand_visible, starting.start_attempt):
                with pytest.raises(NotFound):
                    read(session, who, quiz.id)
            continue
        assert catalogue.quiz_card(session, who, quiz.id).id == quiz.id
        catalogue.demand_visible(session, who, quiz.id)
        if state == "published" and role != "guest":
            assert starting.start_attempt(session, who, quiz.id).quiz_id == quiz.id
        elif state != "published":
            with pytest.raises(NotAllowed, match="not published"):
                starting.start_attempt(session, who, quiz.id)
