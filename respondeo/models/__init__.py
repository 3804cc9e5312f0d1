"""The tables. Importing this package makes all of them known to the metadata."""

from respondeo.models.attempt import AttemptAnswer, QuizAttempt
from respondeo.models.limit import RateLimit
from respondeo.models.media import Media
from respondeo.models.quiz import (
    Answer,
    Catalogue,
    Question,
    Quiz,
    QuizBoard,
    QuizDraft,
    QuizVersion,
    QuizVersionQuestion,
)
from respondeo.models.standing import PlayerStanding, QuizStanding
from respondeo.models.user import Account, ApiKey, LoginSession, User

__all__ = [
    "Account",
    "Answer",
    "ApiKey",
    "AttemptAnswer",
    "Catalogue",
    "LoginSession",
    "Media",
    "PlayerStanding",
    "Question",
    "Quiz",
    "QuizAttempt",
    "QuizBoard",
    "QuizDraft",
    "QuizStanding",
    "QuizVersion",
    "QuizVersionQuestion",
    "RateLimit",
    "User",
]
