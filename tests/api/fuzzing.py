"""schemathesis against the whole document: what there is to hit, how it is asked, what it finds."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from sqlalchemy.orm import Session

from respondeo.models import Quiz, User
from respondeo.services import authoring
from tests.api.conftest import Program, Programs
from tests.factories import add_user, document, editor

KINDS = ("published", "scheduled", "unpublished", "draft")


@dataclass
class World:
    """Ids that a caller may name: of quizzes in every state, and of attempts."""

    quizzes: list[str] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)


def furnished(session: Session, program: Programs, caller: User, others: int) -> World:
    """Quizzes in every state, the caller's and others', with attempts in every state at them."""
    world = World()
    author, player = add_user(session, "An Author"), program(name="A Player")
    asking = program(user=caller)
    for owner in (caller, author):
        for kind in KINDS * others:
            quiz = quiz_of(session, owner, kind)
            world.quizzes.append(str(quiz.id))
    for whose in (asking, player):
        for done in ("question", "feedback", "over"):
            quiz = quiz_of(session, author, "published")
            world.quizzes.append(str(quiz.id))
            play(world, whose, str(quiz.id), done)
    return world


def quiz_of(session: Session, author: User, kind: str) -> Quiz:
    quiz = authoring.create_quiz(session, author.id, document(2))
    if kind != "draft":
        authoring.publish(session, editor(author), quiz.id)
    if kind == "scheduled":
        quiz.published_at = datetime.now(UTC) + timedelta(days=1)
    if kind == "unpublished":
        authoring.unpublish(session, editor(author), quiz.id)
    session.commit()
    return quiz


def play(world: World, player: Program, quiz_id: str, until: str) -> None:
    step = player.ask("POST", f"/api/quizzes/{quiz_id}/attempts/start", 201)
    path = f"/api/attempts/{step['attempt']['id']}"
    world.attempts.append(step["attempt"]["id"])
    while True:
        question = step["question"]
        world.questions.append(question["id"])
        world.answers += [one["id"] for one in question["answers"]]
        if step["attempt"]["status"] == until:
            return
        body = {"questionId": question["id"], "answerId": question["answers"][0]["id"]}
        step = player.ask("POST", f"{path}/answers", 200, body)
        if step["attempt"]["status"] == until:
            return
        step = player.ask("POST", f"{path}/next", 200)


@dataclass
class Seen:
    found: dict[str, str] = field(default_factory=dict)
    cases: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    errors: list[str] = field(default_factory=list)


def fuzz(url: str, key: str | None, world: World, examples: int, **changes: Any) -> Seen:
    def named(values: list[str]) -> dict[str, Any]:
        return {"values": values}

    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "continue-on-failure": True,
            "dictionaries": {
                "quizzes": named(world.quizzes),
                "attempts": named(world.attempts),
                "questions": named(world.questions),
                "answers": named(world.answers),
            },
            "parameters": {
                "path.quiz_id": {"dictionary": "quizzes", "probability": 0.8},
                "path.attempt_id": {"dictionary": "attempts", "probability": 0.8},
                "body.questionId": {"dictionary": "questions", "probability": 0.5},
                "body.answerId": {"dictionary": "answers", "probability": 0.5},
            },
            "generation": {"max-examples": examples},
            **({"auth": {"openapi": {"key": {"api_key": key}}}} if key else {}),
            **changes,
        }
    )
    schema = schemathesis.openapi.from_url(f"{url}/docs/openapi.json", config=config)
    seen = Seen()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            for case_id, node in recorder.cases.items():
                seen.cases[event.phase.value] += 1
                interaction = recorder.interactions.get(case_id)
                if interaction and interaction.response:
                    seen.statuses[node.value.operation.label][interaction.response.status_code] += 1
            for case_id, checks in recorder.checks.items():
                for check in checks:
                    if check.failure_info is not None:
                        code = check.failure_info.code_sample
                        f = check.failure_info.failure
                        name = f"{recorder.cases[case_id].value.operation.label} {check.name} {f.title}"
                        seen.found.setdefault(
                            name,
                            f"{event.phase.value}\n{f.message}\n{code}\n{recorder.interactions[case_id].response.text[:400] if recorder.interactions[case_id].response else ''}",
                        )
        elif isinstance(event, (events.NonFatalError, events.FatalError)):
            seen.errors.append(
                str(
                    event.info.format()
                    if isinstance(event, events.NonFatalError)
                    else event.exception
                )
            )
        elif isinstance(event, events.SchemaAnalysisWarnings):
            seen.errors.append(str(event.warnings))
    return seen
