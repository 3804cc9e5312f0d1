"""The tags of board pages: they change when what is shown does, and not otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import PlayerStanding, QuizBoard, QuizStanding
from respondeo.services import authoring, leaderboards, media, people, standings
from respondeo.services.leaderboards import Board
from tests.factories import editor, guest, player
from tests.services.plays import start
from tests.services.world import BoardOf, World, boards_of
from tests.web.pictures import picture


def look(world: World, name: str, shown_as: str, display_name: str = "") -> None:
    people.change_shown(
        world.session, world.user(name).id, shown_as=shown_as, display_name=display_name
    )


def pictured(world: World, name: str) -> None:
    upload = media.encoded(picture(), fit=media.PERSON)
    people.use_upload(world.session, world.user(name).id, upload)


# What happens, and whether the quiz's board and the global board look different afterwards.
EVENTS: dict[str, tuple[Callable[[World], object], bool, bool]] = {
    "a newcomer": (lambda w: w.plays("new", w.here, 0, 9), True, True),
    "a better result": (lambda w: w.plays("b", w.here, 3, 1), True, True),
    "a worse result": (lambda w: w.plays("a", w.here, 0, 9), False, False),
    "an equal result": (lambda w: w.plays("a", w.here, 2, 2), False, False),
    "an editor's result": (
        lambda w: w.plays("e", w.here, 3, 1, who=editor(w.user("e"))), False, False,
    ),
    "a guest's result": (lambda w: w.plays("guest", w.here, 3, 1, who=guest()), False, False),
    "a start": (lambda w: start(w.session, player(w.user("b")), w.here), False, False),
    "a result elsewhere": (lambda w: w.plays("a", w.there, 2, 1), False, True),
    "somebody on the board goes": (lambda w: w.delete("b"), True, True),
    "somebody not on the board goes": (lambda w: w.delete("reader"), False, False),
    "another quiz goes": (
        lambda w: authoring.delete_quiz(w.session, editor(), w.there.id), False, True,
    ),
    "a name of their own": (lambda w: look(w, "a", "display_name", "Owl"), True, True),
    "somebody hides": (lambda w: look(w, "a", "hidden"), True, True),
    "the choice there was": (lambda w: look(w, "a", "name"), False, False),
    "somebody not on the board hides": (lambda w: look(w, "reader", "hidden"), False, False),
    "a picture": (lambda w: pictured(w, "a"), True, True),
    "no picture, as before": (
        lambda w: people.use_initials(w.session, w.user("a").id), False, False,
    ),
    "a picture of somebody not on the board": (lambda w: pictured(w, "reader"), False, False),
    "a rebuild": (lambda w: standings.rebuild(w.session), False, False),
    "a rebuild of wrong times": (lambda w: standings.rebuild(w.session), True, False),
    "a rebuild of a wrong count": (lambda w: standings.rebuild(w.session), True, False),
    "a rebuild of wrong sums": (lambda w: standings.rebuild(w.session), False, True),
}  # fmt: skip
WRONG: dict[str, sa.Update] = {
    "a rebuild of wrong times": sa.update(QuizStanding).values(total_time_ms=1),
    "a rebuild of a wrong count": sa.update(QuizBoard).values(players=9),
    "a rebuild of wrong sums": sa.update(PlayerStanding).values(total_correct=9),
}


@pytest.mark.parametrize("event", EVENTS)
def test_a_tag_changes_when_what_is_shown_does_and_not_otherwise(
    session: Session, world: World, event: str
) -> None:
    for place, name in enumerate("ab"):
        world.plays(name, world.here, 2, 2 + place)
        world.plays(name, world.there, 1, 5)
    if event in WRONG:
        session.execute(WRONG[event])
    readers = [None, world.user("a").id, world.user("reader").id]
    happen, *differs = EVENTS[event]

    def looks(board_of: BoardOf) -> list[Board]:
        session.expire_all()
        return [board_of(user, page) for user in readers for page in (1, 2)]

    before = [looks(board_of) for board_of in boards_of(session, world.here, size=1)]
    happen(world)
    after = [looks(board_of) for board_of in boards_of(session, world.here, size=1)]
    for old, new, different in zip(before, after, differs, strict=True):
        changed = [untagged(o) != untagged(n) for o, n in zip(old, new, strict=True)]
        tagged = [o.tag != n.tag for o, n in zip(old, new, strict=True)]
        assert any(changed) is any(tagged) is different
        assert all(new_tag for new_tag, change in zip(tagged, changed, strict=True) if change)


def untagged(board: Board) -> Board:
    return replace(board, tag="")


def test_the_cheap_tag_is_the_tag_of_the_board(session: Session, world: World) -> None:
    for place in range(leaderboards.PAGE_SIZE + 1):
        world.plays(str(place), world.here, 3, place)
    quiz_id, me = world.here.id, world.user("0").id
    tags = [leaderboards.quiz_board_tag(session, quiz_id, page, me) for page in (1, 2, 99)]
    boards = [
        leaderboards.quiz_board(session, quiz_id, user_id=me, page=page) for page in (1, 2, 99)
    ]
    assert tags == [board.tag for board in boards]
    assert tags[0] != tags[1] == tags[2]
    assert leaderboards.quiz_board_tag(session, quiz_id, 1, None) != tags[0]
