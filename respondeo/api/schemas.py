"""What the API takes and gives. Requests are checked by these, and the document is made of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from respondeo.domain.document import (
    MOST_ANSWERS,
    MOST_QUESTIONS,
    AnswerText,
    Description,
    Difficulty,
    Explanation,
    Feedback,
    ImageAlt,
    ImageUrl,
    Language,
    QuestionText,
    Reveal,
    Title,
)

T = TypeVar("T")

EARLIEST, LATEST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def _moment(value: Any) -> Any:
    """A time as RFC 3339 writes it; pydantic would also take numbers and bare dates."""
    if not isinstance(value, str):
        return value
    try:
        if not _MOMENT.fullmatch(value):
            raise ValueError
        return _storable(datetime.fromisoformat(value.upper()))
    except ValueError:
        raise ValueError("Write a time like 2026-09-01T08:00:00Z.") from None


def _storable(moment: datetime) -> datetime:
    """Times that nobody lives to see are taken as the nearest that every system can tell."""
    if moment.year < EARLIEST.year:
        return EARLIEST
    return moment.astimezone(UTC) if moment.year < LATEST.year else LATEST


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_utc, return_type=str)]
SentMoment = Annotated[datetime, BeforeValidator(_moment)]
Ignored = Annotated[Any, WithJsonSchema({"description": "As GET gives it; ignored."})]


def _whole(value: Any) -> Any:
    """A whole number of any size, as a query has it."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,4000}", value):
        return max(-(10**9), min(int(value), 10**9))
    raise ValueError("Write a whole number.")


class Told(BaseModel):
    """What the API gives."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, from_attributes=True, frozen=True
    )


class Sent(BaseModel):
    """What the API takes: nothing but these fields."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


# -- errors ----------------------------------------------------------------------------------------


class Fault(Told):
    """One fault of a request: where it is, and what to do."""

    path: str = Field(examples=["questions.0.answers"])
    message: str = Field(examples=["Mark at least one answer as right."])


class Error(Told):
    """Why there is no answer."""

    error: str = Field(examples=["There is no such quiz, or it is not published."])
    details: list[Fault] | None = Field(
        None, description="Each fault of a body or query that is not valid."
    )
    reference: str | None = Field(
        None, description="Where the fault is the server's: what its operator finds it by."
    )


# -- lists -----------------------------------------------------------------------------------------


class Window(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    page: Annotated[int, BeforeValidator(_whole)] = Field(
        1, description="From 1; less is taken as 1."
    )
    limit: Annotated[int, BeforeValidator(_whole)] = Field(
        30, description="Items on a page; taken as 1 to 100."
    )

    @property
    def number(self) -> int:
        """The page, from 1."""
        return max(1, self.page)

    @property
    def size(self) -> int:
        """How many items, 1 to 100."""
        return min(max(1, self.limit), 100)

    @property
    def offset(self) -> int:
        """How many items come before."""
        return (self.number - 1) * self.size


class Listed(Told, Generic[T]):
    """One page of a list."""

    items: list[T]
    total_count: int
    total_pages: int
    current_page: int
    has_more: bool

    @classmethod
    def of(cls, items: list[T], total: int, window: Window) -> Self:
        """The page that the window cuts out of `total` items."""
        pages = -(-total // window.size)
        return cls(
            items=items,
            total_count=total,
            total_pages=pages,
            current_page=window.number,
            has_more=window.number < pages,
        )


# -- people ----------------------------------------------------------------------------------------


class User(Told):
    """A person as others see them; in a quiz's attempts its editors read the real name."""

    id: UUID
    name: str
    display_name: str | None
    image: str | None


# -- quizzes ---------------------------------------------------------------------------------------


class Quiz(Told):
    """A quiz as it is published, or its draft where it never was."""

    id: UUID
    title: str
    description: str
    hero_image_url: str | None
    author_id: UUID | None
    language: Language
    difficulty: Difficulty
    max_attempts: int | None = Field(description="null: unlimited.")
    time_limit_seconds: int = Field(description="0: none.")
    randomize_questions: bool
    randomize_answers: bool
    feedback: Feedback
    reveal: Reveal
    draft: bool = Field(description="Whether it is out of sight.")
    published_at: Moment | None = Field(description="From when it is open.")
    created_at: Moment
    updated_at: Moment
    version: int | None = Field(description="null: never published.")
    question_count: int


class ListedQuiz(Quiz):
    """A quiz in a list."""

    author: User | None


class KeyedAnswer(Told):
    """An answer with its key."""

    id: UUID
    text: str
    is_correct: bool


class KeyedQuestion(Told):
    """A question with its key, for those who may edit the quiz."""

    id: UUID
    text: str
    image_url: str | None
    image_alt: str | None
    explanation: str | None
    order: int = Field(description="Its place, from 0.")
    answers: list[KeyedAnswer]


class EditorsQuizDetail(ListedQuiz):
    """A quiz as those read it who may edit it. It can be sent back as it is."""

    revision: int = Field(description="The draft’s; PUT refuses an older one.")
    questions: list[KeyedQuestion]


class SentAnswer(Sent):
    """An answer of a quiz that is sent."""

    id: UUID | None = None
    text: AnswerText
    is_correct: bool = False


def _one_is_right(answers: list[SentAnswer]) -> list[SentAnswer]:
    if not any(answer.is_correct for answer in answers):
        raise ValueError("Mark at least one answer as right.")
    return answers


class SentQuestion(Sent):
    """A question of a quiz that is sent; at least one answer is right."""

    id: UUID | None = None
    text: QuestionText
    image_url: ImageUrl | None = None
    image_alt: ImageAlt | None = None
    explanation: Explanation | None = None
    order: Ignored = None
    answers: Annotated[
        list[SentAnswer],
        Field(
            min_length=2,
            max_length=MOST_ANSWERS,
            json_schema_extra={
                "contains": {
                    "type": "object",
                    "properties": {"isCorrect": {"const": True}},
                    "required": ["isCorrect"],
                }
            },
        ),
        AfterValidator(_one_is_right),
    ]


class SentQuiz(Sent):
    """A whole quiz. What only GET gives may be sent along, and is ignored."""

    title: Title
    description: Description
    hero_image_url: ImageUrl | None = None
    language: Language = Language.EN
    difficulty: Difficulty = Difficulty.MEDIUM
    max_attempts: int | None = Field(1, ge=1, le=1000, description="null: unlimited.")
    time_limit_seconds: int = Field(0, ge=0, le=86_400, description="0: none.")
    randomize_questions: bool = True
    randomize_answers: bool = True
    feedback: Feedback = Field(Feedback.EACH, description="PUT without it leaves it.")
    reveal: Reveal = Field(Reveal.SAFE, description="PUT without it leaves it.")
    questions: list[SentQuestion] = Field(min_length=1, max_length=MOST_QUESTIONS)
    published_at: SentMoment | None = Field(None, description="From when it is open.")
    draft: bool | None = Field(
        None,
        description="true: out of sight, not together with publishedAt. false: published now"
        " where it was not. PUT without both leaves the publication.",
    )
    revision: int | None = Field(
        None, ge=1, le=2_147_483_647, description="The draft that was read; POST ignores it."
    )
    id: Ignored = None
    author: Ignored = None
    author_id: Ignored = None
    created_at: Ignored = None
    updated_at: Ignored = None
    version: Ignored = None
    question_count: Ignored = None

    @model_validator(mode="after")
    def _either_hidden_or_open(self) -> Self:
        if self.draft and self.published_at is not None:
            raise ValueError("Send draft: true or a publishedAt, not both.")
        return self


class QuizQuery(Window):
    """Which quizzes are wanted."""

    q: str = Field("", max_length=200, description="In title, description and author’s name.")
    language: Language | None = None
    difficulty: Difficulty | None = None
    author_id: UUID | None = None


# -- attempts --------------------------------------------------------------------------------------


class Attempt(Told):
    """One player's run through one version of a quiz. Times in milliseconds."""

    id: UUID
    quiz_id: UUID
    user_id: UUID | None
    status: str = Field(json_schema_extra={"enum": ["question", "feedback", "over"]})
    correct_count: int | None = Field(description="null while no score is told.")
    total_questions: int
    total_time_ms: int | None = Field(description="null until it is over.")
    remaining_ms: int | None = Field(description="null without a limit, and when it is over.")
    timed_out: bool
    started_at: Moment
    completed_at: Moment | None
    ranked: bool


class ListedAttempt(Attempt):
    """An attempt in a list."""

    user: User | None = Field(description="null: a guest.")


class PlayedAnswer(Told):
    """An answer as a player sees it."""

    id: UUID
    text: str


class PlayedQuestion(Told):
    """A question whose clock runs, in the attempt's own order."""

    id: UUID
    text: str
    image_url: str | None
    image_alt: str | None
    position: int = Field(description="From 1.")
    total: int
    answers: list[PlayedAnswer]


class GivenAnswer(Told):
    """An answer that was given, with what may be revealed of it; null: not now."""

    question_id: UUID
    answer_id: UUID
    is_correct: bool | None
    correct_answer_ids: list[UUID] | None
    explanation: str | None


class Step(Told):
    """Where an attempt stands. `question`: the current one, where its clock runs."""

    attempt: Attempt
    question: PlayedQuestion | None


class AnswerStep(Step):
    """Where an attempt stands after an answer. `question`: the next, where its clock started."""

    answer: GivenAnswer


class AttemptDetail(Step):
    """An attempt with the answers given so far."""

    answers: list[GivenAnswer]


class SentChoice(Sent):
    """An answer to the current question."""

    question_id: UUID
    answer_id: UUID


class SentGiven(Sent):
    """One answer of an attempt that comes whole."""

    question_id: UUID
    answer_id: UUID | Annotated[str, Field(max_length=0)] | None = None
    display_order: int | None = Field(None, ge=0, le=9999)


class SentAttempt(Sent):
    """An attempt that was played elsewhere."""

    answers: list[SentGiven] = Field(max_length=MOST_QUESTIONS)
    total_time_ms: int = Field(ge=0, le=604_800_000)
    timed_out: bool = False


class AttemptQuery(Window):
    """Which attempts are wanted."""

    user_id: UUID | None = None


# -- boards ----------------------------------------------------------------------------------------


class BoardEntry(Told):
    """A player's place on a quiz's board."""

    rank: int
    id: UUID
    attempt_id: UUID
    quiz_id: UUID
    user_id: UUID
    correct_count: int
    total_questions: int
    total_time_ms: int
    timed_out: bool
    completed_at: Moment
    user: User


class OverallEntry(Told):
    """A player's place on the global board."""

    rank: int
    user_id: UUID
    total_correct: int
    total_time_ms: int
    quizzes_played: int
    user: User


# -- the session -----------------------------------------------------------------------------------


class Me(Told):
    """The caller."""

    id: UUID
    name: str
    email: str
    image: str | None
    role: str
    groups: list[str]


class SessionTold(Told):
    """A browser's session."""

    id: UUID
    expires_at: Moment


class SignedIn(Told):
    """Who is calling. `session` is null for a key."""

    user: Me
    session: SessionTold | None
