"""Quizzes: listed, read, made, replaced, deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from respondeo.api import asking
from respondeo.api.bodies import Body, body
from respondeo.api.endpoints import Operation, serves
from respondeo.api.schemas.lists import Listed
from respondeo.api.schemas.parts import User
from respondeo.api.schemas.quizzes import EditorsQuizDetail, KeyedQuestion, ListedQuiz, QuizQuery
from respondeo.api.schemas.sent_quizzes import SentQuestion, SentQuiz
from respondeo.db import reader, session
from respondeo.domain.document import Details
from respondeo.prepared import Source
from respondeo.services import authoring, catalogue, quiz_facts, replacing
from respondeo.services.catalogue import Filters
from respondeo.services.quiz_facts import Facts

TAG = "Quizzes"


class QuizList(Listed[ListedQuiz]):
    """One page of quizzes."""


@serves(
    Operation(
        "list_quizzes",
        "GET",
        "/quizzes",
        "List quizzes",
        "The quizzes that the caller may see, the one published last first.",
        TAG,
        "quizzes:read",
        "quiz:browse",
        {200: (QuizList,)},
        query=QuizQuery,
    ),
    asks=catalogue.to_be_asked,
)
def list_quizzes(query: QuizQuery) -> Body:
    filters = Filters(
        q=query.q.replace("\0", " ").strip(),
        language=query.language or "",
        difficulty=query.difficulty or "",
    )
    page = quiz_facts.page_of_quizzes(
        reader(),
        asking.viewer(),
        filters,
        author_id=query.author_id,
        offset=query.offset,
        limit=query.size,
    )
    found = page.found
    return body(
        page.name and ("quizzes", page.name),
        lambda: QuizList.of(
            [ListedQuiz(**told(quiz)) for quiz in found.quizzes], found.total, query
        ),
    )


@serves(
    Operation(
        "create_quiz",
        "POST",
        "/quizzes",
        "Make a quiz",
        "Published at once, or from `publishedAt` on; with `draft`: true not at all.",
        TAG,
        "quizzes:write",
        "quiz:create",
        {201: (EditorsQuizDetail,)},
        refuses=(409,),
        body=SentQuiz,
    )
)
def create_quiz(body: SentQuiz) -> tuple[Body, int]:
    quiz = replacing.create_whole(session(), asking.viewer(), sent(body))
    return detail(session(), quiz.id), 201


@serves(
    Operation(
        "get_quiz",
        "GET",
        "/quizzes/{quiz_id}",
        "Read a quiz",
        "Who may edit the quiz reads its questions and its `revision` too.",
        TAG,
        "quizzes:read",
        "quiz:view",
        {200: (ListedQuiz, EditorsQuizDetail)},
        refuses=(404,),
    ),
    asks=catalogue.to_be_asked,
)
def get_quiz(quiz_id: UUID) -> Body:
    return detail(reader(), quiz_id)


@serves(
    Operation(
        "replace_quiz",
        "PUT",
        "/quizzes/{quiz_id}",
        "Replace a quiz",
        "For who may edit the quiz. Publishes what is sent as the next version. A question that is"
        " sent with its `id` and unchanged, with all its answers, keeps its ids. What says the same"
        " as the published version makes no version, and leaves a draft that goes further.",
        TAG,
        "quizzes:write",
        None,
        {200: (EditorsQuizDetail,)},
        refuses=(404, 409),
        body=SentQuiz,
    )
)
def replace_quiz(quiz_id: UUID, body: SentQuiz) -> Body:
    replacing.replace_whole(session(), asking.viewer(), quiz_id, sent(body))
    return detail(session(), quiz_id)


@serves(
    Operation(
        "delete_quiz",
        "DELETE",
        "/quizzes/{quiz_id}",
        "Delete a quiz",
        "For who may delete the quiz. Its attempts go with it, and the boards are corrected.",
        TAG,
        "quizzes:write",
        None,
        {204: (None,)},
        refuses=(404,),
    )
)
def delete_quiz(quiz_id: UUID) -> tuple[None, int]:
    authoring.delete_quiz(session(), asking.viewer(), quiz_id)
    return None, 204


def detail(source: Source, quiz_id: UUID) -> Body:
    """The quiz as the caller may read it."""
    viewer = asking.viewer()
    known = quiz_facts.facts(source, viewer, quiz_id)
    quiz = known.found
    if not viewer.may_edit(quiz.author_id):
        return body(known.name and ("quiz", known.name), lambda: ListedQuiz(**told(quiz)))
    edited = quiz_facts.edited(session(), quiz)
    questions = [KeyedQuestion.model_validate(question) for question in edited.questions]
    return Body.of(EditorsQuizDetail(**told(quiz), revision=edited.revision, questions=questions))


def told(quiz: Facts) -> dict[str, Any]:
    """The fields of a quiz, and its author as others see them."""
    fields = {name: getattr(quiz, name) for name in Facts.__dataclass_fields__}
    author = None
    if quiz.author_id is not None and quiz.author_shown is not None:
        author = User(
            id=quiz.author_id,
            name=quiz.author_shown,
            display_name=quiz.author_shown,
            image=quiz.author_image,
        )
    for name in ("author_shown", "author_image", "version_id"):
        del fields[name]
    return {**fields, "draft": quiz.published_at is None, "author": author}


def sent(body: SentQuiz) -> replacing.Sent:
    """What was sent, as the service takes it; fields that were left out stay out."""
    left_out = {"feedback", "reveal"} - body.model_fields_set
    details = {name: getattr(body, name) for name in Details.model_fields if name not in left_out}
    return replacing.Sent(
        details=details,
        questions=tuple(_question(question) for question in body.questions),
        published_at=body.published_at,
        draft=body.draft,
        revision=body.revision,
    )


def _question(sent: SentQuestion) -> replacing.SentQuestion:
    return replacing.SentQuestion(
        id=sent.id,
        text=sent.text,
        image_url=sent.image_url,
        image_alt=sent.image_alt,
        explanation=sent.explanation,
        answers=tuple(
            replacing.SentAnswer(answer.id, answer.text, answer.is_correct)
            for answer in sent.answers
        ),
    )
