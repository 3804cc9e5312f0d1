"""Scopes: what a key for programs was chosen for, of all that its owner may do."""

from __future__ import annotations

SCOPES = ("quizzes:read", "quizzes:write", "attempts:read", "attempts:write")
"""All scopes, in the order in which they are shown."""

MEANINGS = {
    "quizzes:read": "Read quizzes and leaderboards",
    "quizzes:write": "Make, change and delete quizzes",
    "attempts:read": "Read attempts",
    "attempts:write": "Play: start attempts and answer",
}
"""What each scope lets a program do."""
