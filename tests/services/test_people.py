"""What others see of a person: choosing it, and boards that follow at once, also in parallel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.domain.errors import Invalid, NotAllowed, NotFound
from respondeo.models import Account, LoginSession, PlayerStanding, QuizBoard, User
from respondeo.services import identity, leaderboards, media, people, standings, taking, users
from tests.conftest import Clock
from tests.factories import add_user, player, published_quiz
from tests.services.boards import assert_boards_are_right
from tests.services.parallel import answering, at_once, in_transaction, until_waiting
from tests.services.plays import current, option, play, start
from tests.web.pictures import picture


def shown(session: Session, user: User) -> tuple[str, str | None]:
    """What others see of somebody."""
    told = people.profile(session, user.id)
    return told.public_name, told.public_image


def choose(session: Session, user: User, shown_as: str, display_name: str = "") -> None:
    people.change_shown(session, user.id, shown_as=shown_as, display_name=display_name)


def test_others_see_the_name_that_was_chosen(session: Session) -> None:
    ada = add_user(session, "Ada Lovelace")
    ada.image = "https://school.example/ada.png"
    assert shown(session, ada) == ("Ada Lovelace", ada.image)
    choose(session, ada, "display_name", "  Night   Owl ")
    assert shown(session, ada) == ("Night Owl", ada.image)
    choose(session, ada, "hidden")
    assert shown(session, ada) == ("Player", None)
    choose(session, ada, "name", "not read")
    assert shown(session, ada) == ("Ada Lovelace", ada.image)
    assert people.profile(session, ada.id).display_name == "Night Owl"


def test_two_people_may_choose_the_same_name(session: Session) -> None:
    ada, bob = add_user(session, "Ada"), add_user(session, "Bob")
    for user in (ada, bob):
        choose(session, user, "display_name", "Ada")
    assert shown(session, ada)[0] == shown(session, bob)[0] == "Ada"


@pytest.mark.parametrize("forged", ["", "NAME", "display_name\0", "admin", "x" * 10_000])
def test_a_choice_that_there_is_not_is_refused(session: Session, forged: str) -> None:
    ada = add_user(session)
    with pytest.raises(Invalid) as refused:
        choose(session, ada, forged, "Owl")
    assert [problem.path for problem in refused.value.problems] == ["shown_as"]
    assert ada.display_name is None


def test_a_name_that_was_refused_changes_nothing(session: Session) -> None:
    ada = add_user(session, "Ada")
    choose(session, ada, "display_name", "Owl")
    with pytest.raises(Invalid):
        choose(session, ada, "display_name", "player")
    assert shown(session, ada)[0] == "Owl"


@pytest.mark.parametrize(
    ("providers", "may"),
    [([], False), (["local"], True), (["school"], False), (["local", "school"], False)],
)
def test_the_real_name_is_changed_here_only_where_it_is_kept_here(
    session: Session, providers: list[str], may: bool
) -> None:
    ada = add_user(session, "Ada")
    session.add_all(
        Account(user_id=ada.id, provider_id=name, account_id=f"{ada.id}") for name in providers
    )
    session.flush()
    assert people.profile(session, ada.id).may_rename is may
    if may:
        people.change_name(session, ada.id, " Ada  King ")
        assert shown(session, ada)[0] == "Ada King"
        with pytest.raises(Invalid):
            people.change_name(session, ada.id, "x" * 101)
    else:
        with pytest.raises(NotAllowed):
            people.change_name(session, ada.id, "Ada King")


def test_the_providers_picture_is_used_only_where_there_is_one(session: Session) -> None:
    ada = add_user(session)
    with pytest.raises(Invalid):
        people.use_provider_image(session, ada.id)
    ada.provider_image = "https://school.example/ada.png"
    people.use_provider_image(session, ada.id)
    assert shown(session, ada)[1] == ada.provider_image
    people.use_initials(session, ada.id)
    assert shown(session, ada)[1] is None


def test_what_is_asked_of_somebody_who_is_gone_finds_nobody(session: Session) -> None:
    gone = add_user(session).id
    users.delete_user(session, gone)
    for ask in (
        lambda: people.profile(session, gone),
        lambda: people.change_shown(session, gone, shown_as="name", display_name=""),
        lambda: people.use_initials(session, gone),
        lambda: people.sign_out_everywhere(session, gone),
        lambda: people.enable(session, gone),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_disabled_person_is_out_until_enabled_and_their_results_stay(session: Session) -> None:
    admin, ada = add_user(session, "Admin"), add_user(session, "Ada")
    play(session, player(ada), published_quiz(session))
    token = identity.sign_in(session, ada.id, ip_address=None, user_agent=None)
    session.flush()
    people.disable(session, ada.id, by=admin.id)
    session.flush()
    assert identity.person_of(session, token) is None
    since = ada.disabled_at
    people.disable(session, ada.id, by=admin.id)
    assert ada.disabled_at == since
    people.enable(session, ada.id)
    session.flush()
    assert identity.person_of(session, token) is None, "the old session came back"
    assert session.get(PlayerStanding, ada.id) is not None
    with pytest.raises(Invalid):
        people.disable(session, admin.id, by=admin.id)
    assert admin.disabled_at is None


def test_signing_out_everywhere_ends_the_sessions_of_one_person(session: Session) -> None:
    ada, bob = add_user(session), add_user(session)
    for user in (ada, ada, bob):
        identity.sign_in(session, user.id, ip_address=None, user_agent=None)
    session.flush()
    people.sign_out_everywhere(session, ada.id)
    assert session.scalars(sa.select(LoginSession.user_id)).all() == [bob.id]


# -- in parallel -----------------------------------------------------------------------------


def test_names_and_pictures_change_while_attempts_complete_and_nobody_waits_in_a_circle(
    wide: Flask, committed: Session
) -> None:
    quizzes = [published_quiz(committed, questions=1) for _ in range(3)]
    everybody = [add_user(committed, f"P{number}") for number in range(5)]
    jobs: list[Callable[[Session], object]] = []
    for user in everybody:
        viewer = player(user)
        play(committed, viewer, quizzes[0])
        for quiz in quizzes:
            attempt = start(committed, viewer, quiz)
            here = current(committed, attempt)
            jobs.append(answering(viewer, attempt, here, option(committed, here, right=True)))
    colors = ("red", "green")
    uploads = [media.encoded(picture(color=color), fit=media.PERSON) for color in colors]

    def renaming(user_id: UUID, name: str) -> Callable[[Session], object]:
        return lambda session: people.change_shown(
            session, user_id, shown_as="display_name", display_name=name
        )

    def picturing(user_id: UUID, turn: int) -> Callable[[Session], object]:
        return lambda session: people.use_upload(session, user_id, uploads[turn % 2])

    for number, user in enumerate(everybody):
        jobs.insert(number * 4, renaming(user.id, f"Owl {number}"))
        jobs += [picturing(user.id, number), picturing(user.id, number + 1)]
    gone = everybody[-1].id
    jobs += [standings.rebuild, taking.complete_overdue]
    jobs.append(lambda session: users.delete_user(session, gone))
    ids = [user.id for user in everybody[:-1]]
    committed.commit()
    came = at_once(wide, jobs)
    errors = [error for error in came if isinstance(error, Exception)]
    assert {type(error) for error in errors} <= {NotFound}, errors
    assert_boards_are_right(committed)
    names = {people.profile(committed, user_id).public_name for user_id in ids}
    assert names == {f"Owl {number}" for number in range(4)}


@pytest.mark.parametrize("first", ["the result", "the name"])
def test_a_board_never_keeps_a_tag_under_which_it_shows_the_former_name(
    wide: Flask, committed: Session, first: str
) -> None:
    ada = add_user(committed, "Ada")
    quiz, viewer = published_quiz(committed, questions=1), player(ada)
    attempt = start(committed, viewer, quiz)
    here = current(committed, attempt)
    result = answering(viewer, attempt, here, option(committed, here, right=True))
    quiz_id, ada_id = quiz.id, ada.id
    committed.commit()

    def name(session: Session) -> None:
        people.change_shown(session, ada_id, shown_as="hidden", display_name="")

    now, later = (result, name) if first == "the result" else (name, result)
    with ThreadPoolExecutor() as pool:
        now(committed)
        other = pool.submit(in_transaction, wide, later)
        until_waiting(committed, 1)
        committed.commit()
        between = in_transaction(wide, lambda s: seen(s, quiz_id)) if other.done() else None
        other.result()
    after = seen(committed, quiz_id)
    assert after[1] == ["Player"]
    assert between is None or between[1] == after[1] or between[0] != after[0]
    revision = committed.scalar(sa.select(QuizBoard.revision).where(QuizBoard.quiz_id == quiz_id))
    assert revision == (2 if first == "the result" else 1)
    assert_boards_are_right(committed)


def seen(session: Session, quiz_id: UUID) -> tuple[str, list[str]]:
    """The tag of a quiz's board, and the names on it."""
    session.expire_all()
    board = leaderboards.quiz_board(session, quiz_id, user_id=None)
    return board.tag, [row.name for row in board.rows]


# -- the directory ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ["Ada King", "bob", "Çelik", "Zoe"]),
        ("KING", ["Ada King"]),
        ("owl", ["bob"]),
        ("bob@", ["bob"]),
        ("teach", ["Ada King", "Zoe"]),
        ("player", ["Zoe"]),
        ("%", []),
        ("_", []),
        ("'; DROP", []),
        ("🦉", []),
    ],
)
def test_people_are_found_by_names_email_and_groups(
    session: Session, q: str, found: list[str]
) -> None:
    for name, groups, shown_as in (
        ("Ada King", ["teachers"], "name"),
        ("bob", [], "display_name"),
        ("Zoe", ["head teachers", "x"], "hidden"),
        ("Çelik", [], "name"),
    ):
        user = add_user(session, name, groups=groups)
        user.email = f"{name.split()[0].lower()}@people.example"
        user.display_name, user.shown_as = "Night Owl", shown_as
        if shown_as == "name":
            user.display_name = None
    session.flush()
    listed = people.directory(session, q=q)
    assert [one.name for one in listed.people] == sorted(found, key=order_of(session))
    assert listed.total == len(found)


def order_of(session: Session) -> Callable[[str], int]:
    """The database's order of names, which depends on where it runs."""
    names = session.scalars(sa.select(User.name).order_by(sa.func.lower(User.name))).all()
    return names.index


def test_the_directory_is_cut_into_pages_that_exist(session: Session) -> None:
    for number in range(people.PAGE_SIZE + 1):
        add_user(session, f"Person {number:02}")
    first, last = (people.directory(session, page=page) for page in (-1, 99))
    assert (first.page, first.pages, last.page) == (1, 2, 2)
    assert [len(page.people) for page in (first, last)] == [people.PAGE_SIZE, 1]
    assert last.people[0].name == "Person 30"


def test_the_directory_says_how_people_sign_in_and_when_they_were_last_seen(
    session: Session, clock: Clock
) -> None:
    ada = add_user(session, "Ada")
    session.add_all(
        Account(user_id=ada.id, provider_id=name, account_id="ada") for name in ("school", "local")
    )
    for _ in range(2):
        identity.sign_in(session, ada.id, ip_address=None, user_agent=None)
        clock.advance(days=1)
    session.flush()
    (listed,) = people.directory(session).people
    assert listed.providers == ["local", "school"]
    assert listed.sessions == 2
    assert listed.last_seen_at is not None
    assert (clock.now() - listed.last_seen_at).days == 1
    clock.advance(days=8)
    (listed,) = people.directory(session).people
    assert (listed.sessions, listed.last_seen_at) == (0, None)
