"""Publishing: immutable versions, and attempts that keep the one they were started on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.domain.document import Answer as AnswerDocument
from respondeo.domain.document import Document
from respondeo.domain.document import Question as QuestionDocument
from respondeo.domain.errors import NotAllowed, NotFound
from respondeo.models import Question, Quiz, QuizDraft, QuizVersion, QuizVersionQuestion
from respondeo.services import authoring
from tests.conftest import Clock
from tests.factories import add_user, document, editor, guest, player, published_quiz, question
from tests.services.plays import (
    answer,
    finish,
    play,
    result_of,
    rows_of,
    standing_now,
    start,
    texts,
)


def republish(session: Session, quiz: Quiz, changed: Document) -> QuizVersion:
    """Save the draft and publish it."""
    authoring.save_draft(session, editor(), quiz.id, changed)
    version = authoring.publish(session, editor(), quiz.id)
    session.flush()
    return version


def with_questions(old: Document, questions: Sequence[QuestionDocument]) -> Document:
    return old.model_copy(update={"questions": tuple(questions)})


def rows(session: Session, version: QuizVersion) -> list[tuple[UUID, UUID]]:
    """Row id and uid of a version's questions in the author's order."""
    found = session.execute(
        sa.select(Question.id, Question.uid)
        .join(QuizVersionQuestion, QuizVersionQuestion.question_id == Question.id)
        .where(QuizVersionQuestion.quiz_version_id == version.id)
        .order_by(QuizVersionQuestion.position)
    )
    return [(row.id, row.uid) for row in found]


def current(session: Session, quiz: Quiz) -> QuizVersion:
    return session.get_one(QuizVersion, quiz.current_version_id)


# -- what makes a version, and what makes rows ----------------------------------------------------


def test_an_unchanged_document_makes_no_version(session: Session) -> None:
    doc = document(3)
    quiz = published_quiz(session, doc)
    first = current(session, quiz)
    exported = Document.model_validate_json(doc.model_dump_json(by_alias=True))
    assert republish(session, quiz, exported) is first
    assert session.scalars(sa.select(QuizVersion.number)).all() == [1]
    assert len(session.scalars(sa.select(Question.id)).all()) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another"}, {"description": "Another."}, {"language": "sv"},
        {"hero_image_url": "https://pictures.example/x"}, {"difficulty": "hard"},
        {"max_attempts": 2}, {"time_limit_seconds": 5}, {"randomize_questions": True},
        {"randomize_answers": True}, {"feedback": "end"}, {"reveal": "always"},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_a_changed_detail_makes_a_version_with_the_same_questions(
    session: Session, changes: dict[str, object]
) -> None:
    doc = document(2)
    quiz = published_quiz(session, doc)
    first = current(session, quiz)
    second = republish(session, quiz, Document.model_validate(doc.model_dump() | changes))
    assert (second.number, quiz.current_version_id) == (2, second.id)
    assert rows(session, second) == rows(session, first)
    for name, value in changes.items():
        assert getattr(second, name) == value


ANOTHER = AnswerDocument(text="Another", is_correct=False)
WORDS, RIGHT = {"text": "In other words"}, {"is_correct": True}


Q = question(2)
CHANGES: dict[str, dict[str, object]] = {
    "text": {"text": "Reworded?"},
    "explanation": {"explanation": None},
    "image": {"image_url": "/media/x"},
    "an answer more": {"answers": (*Q.answers, ANOTHER)},
    "an answer less": {"answers": Q.answers[:3]},
    "order of answers": {"answers": Q.answers[::-1]},
    "text of an answer": {"answers": (*Q.answers[:3], Q.answers[3].model_copy(update=WORDS))},
    "right answers": {"answers": (*Q.answers[:3], Q.answers[3].model_copy(update=RIGHT))},
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_a_changed_question_has_new_rows_under_the_same_uid_and_the_others_keep_theirs(
    session: Session, changed: dict[str, object]
) -> None:
    first, last = question(1), question(3)
    doc = with_questions(document(), [first, Q, last])
    quiz = published_quiz(session, doc)
    before = rows(session, current(session, quiz))
    changed_question = Q.model_copy(update=changed)
    version = republish(session, quiz, with_questions(doc, [first, changed_question, last]))
    after = rows(session, version)
    assert [uid for _, uid in after] == [uid for _, uid in before]
    kept = [old == new for old, new in zip(before, after, strict=True)]
    assert kept == [True, False, True]
    assert version.number == 2


def test_a_changed_place_is_a_version_but_no_change_of_rows(session: Session) -> None:
    doc = document(3)
    quiz = published_quiz(session, doc)
    before = rows(session, current(session, quiz))
    version = republish(session, quiz, with_questions(doc, doc.questions[::-1]))
    assert rows(session, version) == before[::-1]
    assert len(session.scalars(sa.select(Question.id)).all()) == 3


def test_removed_questions_are_left_out_and_added_ones_are_new(session: Session) -> None:
    doc = document(3)
    quiz = published_quiz(session, doc)
    before = rows(session, current(session, quiz))
    added = question(9)
    version = republish(session, quiz, with_questions(doc, [doc.questions[2], added]))
    after = rows(session, version)
    assert after[0] == before[2]
    assert after[1][1] == added.uid
    assert version.question_count == len(after) == 2


def test_what_comes_back_after_it_was_removed_is_under_its_uid_again(session: Session) -> None:
    doc = document(2)
    quiz = published_quiz(session, doc)
    republish(session, quiz, with_questions(doc, doc.questions[:1]))
    version = republish(session, quiz, doc)
    assert version.number == 3
    assert [uid for _, uid in rows(session, version)] == [q.uid for q in doc.questions]


# -- while it is played ---------------------------------------------------------------------------


def test_publishing_changes_neither_an_open_attempt_nor_an_earlier_review(
    session: Session, clock: Clock
) -> None:
    doc = document(3, time_limit_seconds=60)
    quiz = published_quiz(session, doc)
    done, playing = player(add_user(session)), player(add_user(session))
    over = play(session, done, quiz, [True, False, True])
    review = result_of(session, done, over)
    attempt = start(session, playing, quiz)
    answer(session, playing, attempt)
    before = (texts(session, attempt), standing_now(session, attempt), attempt.deadline_at)

    other = [question(n, right=1, text=f"New {n}?", answers=2) for n in (7, 8)]
    details = document(title="Another", time_limit_seconds=5, feedback="end")
    republish(session, quiz, with_questions(details, other))

    now = (texts(session, attempt), standing_now(session, attempt), attempt.deadline_at)
    assert now == before
    clock.advance(seconds=30)
    finish(session, playing, attempt)
    assert (attempt.correct_count, attempt.total_questions, attempt.timed_out) == (3, 3, False)
    shown = result_of(session, playing, attempt)
    assert shown.quiz_title == "A quiz"
    assert shown.review is not None
    assert [q.text for q in shown.review] == [f"Question {n}?" for n in (1, 2, 3)]
    again = result_of(session, done, over)
    assert again.review == review.review
    assert (again.correct, again.total, again.quiz_title) == (2, 3, "A quiz")
    fresh = start(session, player(add_user(session)), quiz)
    assert texts(session, fresh) == ["New 7?", "New 8?"]
    assert (fresh.time_limit_ms, fresh.feedback) == (5_000, "end")


def test_an_attempt_is_graded_on_the_key_it_was_started_with(session: Session) -> None:
    doc = document(1)
    quiz = published_quiz(session, doc)
    viewer = player(add_user(session))
    attempt = start(session, viewer, quiz)
    first = doc.questions[0]
    swapped = tuple(a.model_copy(update={"is_correct": not a.is_correct}) for a in first.answers)
    republish(session, quiz, with_questions(doc, [first.model_copy(update={"answers": swapped})]))
    assert answer(session, viewer, attempt, right=True).is_correct
    assert rows_of(session, attempt)[0].is_correct


def test_a_saved_draft_is_seen_by_no_player_before_it_is_published(session: Session) -> None:
    quiz = published_quiz(session, document(2))
    authoring.save_draft(session, editor(), quiz.id, document(1, title="Half-typed"))
    attempt = start(session, player(add_user(session)), quiz)
    assert attempt.total_questions == 2
    assert standing_now(session, attempt).quiz_title == "A quiz"


# -- publication ----------------------------------------------------------------------------------


def test_publishing_changes_keeps_the_date_and_publish_now_replaces_it(
    session: Session, clock: Clock
) -> None:
    author = add_user(session)
    quiz = authoring.create_quiz(session, author.id, document(1))
    date = clock.now() + timedelta(days=3)
    scheduled = authoring.publish(session, editor(), quiz.id, at=date)
    assert (scheduled.number, quiz.published_at) == (1, date)
    assert republish(session, quiz, document(2)).number == 2
    assert quiz.published_at == date
    authoring.publish(session, editor(), quiz.id, at=clock.now())
    assert quiz.published_at == clock.now()
    clock.advance(days=1)
    republish(session, quiz, document(3))
    assert quiz.published_at == clock.now() - timedelta(days=1)


def test_the_first_publication_and_one_after_unpublishing_are_now(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session)
    assert quiz.published_at == clock.now()
    authoring.unpublish(session, editor(), quiz.id)
    clock.advance(days=1)
    authoring.publish(session, editor(), quiz.id)
    assert quiz.published_at == clock.now()
    assert session.scalars(sa.select(QuizVersion.number)).all() == [1]


def test_saving_counts_the_revision_of_the_draft(session: Session) -> None:
    quiz = published_quiz(session)
    somebody = editor(add_user(session))
    for revision in (2, 3):
        draft = authoring.save_draft(session, somebody, quiz.id, document(1))
        assert (draft.revision, draft.updated_by) == (revision, somebody.user_id)
    assert session.get_one(QuizDraft, quiz.id).document["title"] == "A quiz"


# -- who may --------------------------------------------------------------------------------------

ACTIONS = ("save", "publish", "unpublish", "delete")


def act(session: Session, viewer: Viewer, quiz_id: UUID, action: str) -> None:
    if action == "save":
        authoring.save_draft(session, viewer, quiz_id, document(1))
    elif action == "publish":
        authoring.publish(session, viewer, quiz_id)
    elif action == "unpublish":
        authoring.unpublish(session, viewer, quiz_id)
    else:
        authoring.delete_quiz(session, viewer, quiz_id)


ALLOWED = {
    "guest": set[str](),
    "player": set[str](),
    "other author": set[str](),
    "author": {"save", "publish", "unpublish", "delete"},
    "moderator": {"save", "publish", "unpublish", "delete"},
    "editor of all": {"save"},
    "publisher": {"publish", "unpublish"},
    "remover": {"delete"},
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("who", ALLOWED)
@pytest.mark.parametrize("public", [True, False], ids=["published", "draft"])
def test_who_may_change_a_quiz_and_for_whom_an_unpublished_one_does_not_exist(
    session: Session, who: str, action: str, *, public: bool
) -> None:
    quiz = published_quiz(session)
    if not public:
        authoring.unpublish(session, editor(), quiz.id)
    own = frozenset({"quiz:view", "quiz:edit-own", "quiz:delete-own"})
    somebody = add_user(session).id
    viewer = {
        "guest": guest(),
        "player": player(add_user(session)),
        "other author": Viewer("creator", own, somebody),
        "author": Viewer("creator", own, quiz.author_id),
        "moderator": editor(),
        "editor of all": Viewer("user", frozenset({"quiz:edit-any"}), somebody),
        "publisher": Viewer("user", frozenset({"quiz:publish"}), somebody),
        "remover": Viewer("user", frozenset({"quiz:delete-any"}), somebody),
    }[who]
    if not public and who not in {"author", "moderator", "editor of all"}:
        with pytest.raises(NotFound):
            act(session, viewer, quiz.id, action)
    elif action not in ALLOWED[who]:
        with pytest.raises(NotAllowed):
            act(session, viewer, quiz.id, action)
    else:
        act(session, viewer, quiz.id, action)


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_changes_what_is_not_there(session: Session, action: str) -> None:
    quiz_id = published_quiz(session).id
    authoring.delete_quiz(session, editor(), quiz_id)
    with pytest.raises(NotFound):
        act(session, editor(), quiz_id, action)
