"""Saving drafts: nothing is overwritten that the author has not seen."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.domain.draft import Draft, DraftQuestion, draft_of, inserted
from respondeo.domain.errors import Invalid, NewerRevision, NotAllowed, NotFound, SignInRequired
from respondeo.models import QuizDraft
from respondeo.services import authoring
from tests.conftest import Clock
from tests.factories import add_user, document, editor, guest, player, published_quiz
from tests.services.parallel import at_once, in_transaction, until_waiting
from tests.services.plays import play


def titled(title: str) -> Draft:
    return draft_of(document(2)).model_copy(update={"title": title})


def test_a_save_on_an_older_revision_is_refused_and_changes_nothing(session: Session) -> None:
    quiz = published_quiz(session)
    me = editor(add_user(session))
    authoring.save_draft(session, me, quiz.id, titled("Theirs"), revision=1)
    with pytest.raises(NewerRevision):
        authoring.save_draft(session, me, quiz.id, titled("Mine"), revision=1)
    draft = session.get_one(QuizDraft, quiz.id)
    assert (draft.document["title"], draft.revision) == ("Theirs", 2)


def test_a_save_whose_answer_was_lost_changes_nothing_when_it_is_sent_again(
    session: Session,
) -> None:
    quiz = published_quiz(session)
    me = editor(add_user(session))
    new = DraftQuestion(uid=uuid4(), text="New?")
    for seen in (1, None):
        draft = authoring.change_draft(
            session, me, quiz.id, lambda draft: inserted(draft, new, 1), revision=seen
        )
        assert draft.revision == 2


def test_who_happens_to_type_what_somebody_saved_has_not_seen_the_rest(session: Session) -> None:
    quiz = published_quiz(session)
    me = editor(add_user(session))
    authoring.save_draft(session, me, quiz.id, titled("Theirs"), revision=1)
    with pytest.raises(NewerRevision):
        authoring.save_draft(session, me, quiz.id, titled("Theirs"), revision=1)


def test_saving_what_is_there_is_no_save(session: Session, clock: Clock) -> None:
    author = add_user(session)
    quiz = authoring.create_quiz(session, author.id, titled("A title"))
    before = session.get_one(QuizDraft, quiz.id).updated_at
    clock.advance(seconds=5)
    draft = authoring.change_draft(session, editor(), quiz.id, lambda draft: draft, revision=1)
    assert (draft.revision, draft.updated_at, draft.updated_by) == (1, before, author.id)


def test_a_draft_may_be_incomplete_and_a_version_may_not(session: Session) -> None:
    author = add_user(session)
    quiz = authoring.create_quiz(session, author.id, Draft(title="Half done"))
    with pytest.raises(Invalid) as refused:
        authoring.publish(session, editor(author), quiz.id)
    assert [problem.path for problem in refused.value.problems] == ["description", "questions"]
    assert quiz.published_at is None
    assert quiz.current_version_id is None


def test_publishing_what_the_author_has_not_seen_is_refused(session: Session) -> None:
    quiz = published_quiz(session)
    authoring.save_draft(session, editor(), quiz.id, titled("Somebody else's"))
    with pytest.raises(NewerRevision):
        authoring.publish(session, editor(), quiz.id, revision=1)
    assert authoring.publish(session, editor(), quiz.id, revision=2).title == "Somebody else's"


def test_publishing_now_replaces_the_date_and_publishing_changes_keeps_it(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session)
    first = quiz.published_at
    clock.advance(seconds=60)
    authoring.publish(session, editor(), quiz.id)
    assert quiz.published_at == first
    authoring.publish(session, editor(), quiz.id, at=authoring.When.NOW)
    assert quiz.published_at == clock.now()


def test_the_editor_is_told_what_is_published_and_how_often_it_was_played(
    session: Session,
) -> None:
    doc = document(2)
    quiz = published_quiz(session, doc)
    for _ in range(2):
        play(session, player(add_user(session)), quiz)
    somebody = add_user(session, "Grace")
    authoring.save_draft(session, editor(somebody), quiz.id, titled("Anew"), revision=1)
    seen = authoring.editing(session, editor(), quiz.id)
    assert (seen.version, seen.played, seen.revision, seen.saved_by) == (1, 2, 2, "Grace")
    assert seen.published == doc
    assert seen.draft.title == "Anew"
    authoring.publish(session, editor(), quiz.id)
    again = authoring.editing(session, editor(), quiz.id)
    assert (again.version, again.played) == (2, 0)


def test_a_duplicate_is_a_draft_of_ones_own(session: Session) -> None:
    quiz = published_quiz(session, document(2, title="x" * 70))
    me = add_user(session)
    copy = authoring.duplicate_quiz(session, editor(me), quiz.id)
    draft = authoring.editing(session, editor(me), copy.id)
    assert (copy.author_id, copy.published_at, draft.version) == (me.id, None, None)
    assert draft.draft.title == f"Copy of {'x' * 62}"
    original = authoring.editing(session, editor(me), quiz.id).draft
    assert draft.draft.questions == original.questions


def test_who_may_not_edit_changes_nothing(session: Session) -> None:
    quiz = published_quiz(session)
    for viewer, refusal in ((player(add_user(session)), NotAllowed), (guest(), SignInRequired)):
        with pytest.raises(refusal):
            authoring.change_draft(
                session, viewer, quiz.id, lambda _: titled("Forged"), revision=None
            )
        with pytest.raises(refusal):
            authoring.duplicate_quiz(session, viewer, quiz.id)
        with pytest.raises(refusal):
            authoring.editing(session, viewer, quiz.id)
    authoring.unpublish(session, editor(), quiz.id)
    with pytest.raises(NotFound):
        authoring.editing(session, player(add_user(session)), quiz.id)
    assert session.get_one(QuizDraft, quiz.id).document["title"] == "A quiz"


def test_a_draft_has_a_size_that_a_database_can_bear(session: Session) -> None:
    quiz = published_quiz(session)
    huge = tuple(DraftQuestion(text="x" * 20_000) for _ in range(101))
    with pytest.raises(Invalid, match="2 MB"):
        authoring.save_draft(
            session, editor(), quiz.id, titled("T").model_copy(update={"questions": huge})
        )


@pytest.mark.parametrize(
    "act",
    [
        lambda session, me, quiz_id: authoring.save_draft(session, me, quiz_id, titled("Mine")),
        authoring.editing,
    ],
    ids=["saving", "reading"],
)
def test_a_quiz_that_is_deleted_at_that_moment_is_not_found(
    wide: Flask, committed: Session, act: Callable[[Session, Viewer, UUID], object]
) -> None:
    author = add_user(committed)
    quiz_id = authoring.create_quiz(committed, author.id, titled("Going")).id
    committed.commit()
    me = editor(author)
    authoring.delete_quiz(committed, me, quiz_id)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(
            in_transaction,
            wide,
            lambda session: act(session, me, quiz_id),
        )
        until_waiting(committed, 1)
        committed.commit()
        with pytest.raises(NotFound):
            done.result()


def test_deleting_a_quiz_waits_for_a_save_and_the_save_for_nobody(
    wide: Flask, committed: Session
) -> None:
    author = add_user(committed)
    quiz_id = authoring.create_quiz(committed, author.id, titled("Going")).id
    committed.commit()
    me = editor(author)
    authoring.save_draft(committed, me, quiz_id, titled("Mine"))
    with ThreadPoolExecutor(1) as pool:
        gone = pool.submit(
            in_transaction, wide, lambda session: authoring.delete_quiz(session, me, quiz_id)
        )
        with Session(committed.get_bind()) as watching:
            until_waiting(watching, 1)
        committed.commit()
        gone.result()
    assert committed.get(QuizDraft, quiz_id, populate_existing=True) is None


def test_of_ten_saves_at_once_on_one_revision_one_is_kept_and_nine_are_told(
    wide: Flask, committed: Session
) -> None:
    quiz = published_quiz(committed)
    me, quiz_id = editor(add_user(committed)), quiz.id
    committed.commit()

    def saving(title: str) -> Callable[[Session], int]:
        return lambda session: (
            authoring.save_draft(session, me, quiz_id, titled(title), revision=1).revision
        )

    came = at_once(wide, [saving(f"Title {number}") for number in range(10)])
    committed.expire_all()
    draft = committed.get_one(QuizDraft, quiz_id)
    assert came.count(2) == 1
    assert sum(isinstance(one, NewerRevision) for one in came) == 9
    assert (draft.revision, draft.document["title"]) == (2, f"Title {came.index(2)}")
