"""The demo people on the sign-in page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One button on the sign-in page of the demo."""

    key: str
    name: str
    email: str
    what: str


DEMO_PEOPLE = (
    DemoPerson("player", "Demo Player", "player@demo.example", "Plays quizzes, stands on boards."),
    DemoPerson("creator", "Demo Creator", "creator@demo.example", "Writes and publishes quizzes."),
    DemoPerson("admin", "Demo Admin", "admin@demo.example", "May do everything."),
)
