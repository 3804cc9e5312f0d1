"""Examples: for each operation of the document, and for each error."""

from __future__ import annotations

from typing import Any

QUIZ_ID, AUTHOR_ID = "0198c2a4-5b7e-7c11-9f4e-3d2b8a6f1c05", "0198c2a4-1d3f-7a90-8b52-6e7f40c1d9aa"
QUESTION_ID, ANSWER_ID = (
    "5d1f6c3e-8a42-4b7d-9c10-2f6e8b4a7d31",
    "b7a2e9d4-3c58-4f61-8e0b-9d5c1a6f2e73",
)
OTHER_ID = "e40c8b15-6f2d-4a93-b7c8-1d9e5f3a2b60"
ATTEMPT_ID = "0198c2b0-7e21-7f44-a3d6-5c8b9e0f1a27"
WHEN = "2026-09-01T08:00:00Z"

_author = {"id": AUTHOR_ID, "name": "Ada", "displayName": "Ada", "image": None}
_told = {
    "id": QUIZ_ID,
    "title": "Rivers of Europe",
    "description": "Ten rivers, from source to sea.",
    "heroImageUrl": None,
    "authorId": AUTHOR_ID,
    "language": "en",
    "difficulty": "easy",
    "maxAttempts": 3,
    "timeLimitSeconds": 300,
    "randomizeQuestions": True,
    "randomizeAnswers": True,
    "feedback": "each",
    "reveal": "safe",
    "draft": False,
    "publishedAt": WHEN,
    "createdAt": WHEN,
    "updatedAt": WHEN,
    "version": 1,
    "questionCount": 1,
    "author": _author,
}
_sent = {
    "title": "Rivers of Europe",
    "description": "Ten rivers, from source to sea.",
    "language": "en",
    "difficulty": "easy",
    "maxAttempts": 3,
    "timeLimitSeconds": 300,
    "questions": [
        {
            "text": "Which river flows through Vienna?",
            "explanation": "The Danube rises in the Black Forest.",
            "answers": [
                {"text": "The Danube", "isCorrect": True},
                {"text": "The Rhine", "isCorrect": False},
            ],
        }
    ],
}
_edited = {
    **_told,
    "revision": 1,
    "questions": [
        {
            "id": QUESTION_ID,
            "text": "Which river flows through Vienna?",
            "imageUrl": None,
            "imageAlt": None,
            "explanation": "The Danube rises in the Black Forest.",
            "order": 0,
            "answers": [
                {"id": ANSWER_ID, "text": "The Danube", "isCorrect": True},
                {"id": OTHER_ID, "text": "The Rhine", "isCorrect": False},
            ],
        }
    ],
}
_open = {
    "id": ATTEMPT_ID,
    "quizId": QUIZ_ID,
    "userId": AUTHOR_ID,
    "status": "question",
    "correctCount": 0,
    "totalQuestions": 1,
    "totalTimeMs": None,
    "remainingMs": 300_000,
    "timedOut": False,
    "startedAt": WHEN,
    "completedAt": None,
    "ranked": True,
}
_over = {
    **_open,
    "status": "over",
    "correctCount": 1,
    "totalTimeMs": 4200,
    "remainingMs": None,
    "completedAt": "2026-09-01T08:00:04Z",
}
_question = {
    "id": QUESTION_ID,
    "text": "Which river flows through Vienna?",
    "imageUrl": None,
    "imageAlt": None,
    "position": 1,
    "total": 1,
    "answers": [{"id": ANSWER_ID, "text": "The Danube"}, {"id": OTHER_ID, "text": "The Rhine"}],
}
_given = {
    "questionId": QUESTION_ID,
    "answerId": ANSWER_ID,
    "isCorrect": True,
    "correctAnswerIds": None,
    "explanation": None,
}
_step = {"attempt": _open, "question": _question}


def _list(item: Any) -> dict[str, Any]:
    return {"items": [item], "totalCount": 1, "totalPages": 1, "currentPage": 1, "hasMore": False}


EXAMPLES: dict[tuple[str, str | int], Any] = {
    ("list_quizzes", 200): _list(_told),
    ("create_quiz", "body"): _sent,
    ("create_quiz", 201): _edited,
    ("get_quiz", 200): _told,
    ("replace_quiz", "body"): {**_sent, "title": "Rivers of the world", "revision": 1},
    ("replace_quiz", 200): {**_edited, "title": "Rivers of the world", "version": 2, "revision": 2},
    ("list_attempts", 200): _list({**_over, "user": _author}),
    ("submit_attempt", "body"): {
        "answers": [{"questionId": QUESTION_ID, "answerId": ANSWER_ID, "displayOrder": 0}],
        "totalTimeMs": 4200,
        "timedOut": False,
    },
    ("submit_attempt", 201): {**_over, "ranked": False},
    ("start_attempt", 201): _step,
    ("start_attempt", 200): _step,
    ("answer_question", "body"): {"questionId": QUESTION_ID, "answerId": ANSWER_ID},
    ("answer_question", 200): {"attempt": _over, "answer": _given, "question": None},
    ("next_question", 200): _step,
    ("get_attempt", 200): {"attempt": _over, "question": None, "answers": [_given]},
    ("quiz_leaderboard", 200): _list(
        {
            "rank": 1,
            "id": ATTEMPT_ID,
            "attemptId": ATTEMPT_ID,
            "quizId": QUIZ_ID,
            "userId": AUTHOR_ID,
            "correctCount": 1,
            "totalQuestions": 1,
            "totalTimeMs": 4200,
            "timedOut": False,
            "completedAt": "2026-09-01T08:00:04Z",
            "user": _author,
        }
    ),
    ("leaderboard", 200): _list(
        {
            "rank": 1,
            "userId": AUTHOR_ID,
            "totalCorrect": 1,
            "totalTimeMs": 4200,
            "quizzesPlayed": 1,
            "user": _author,
        }
    ),
    ("get_session", 200): {
        "user": {
            "id": AUTHOR_ID,
            "name": "Ada Example",
            "email": "ada@people.example",
            "image": None,
            "role": "creator",
            "groups": ["creators"],
        },
        "session": {"id": ATTEMPT_ID, "expiresAt": "2026-09-08T08:00:00Z"},
    },
}
