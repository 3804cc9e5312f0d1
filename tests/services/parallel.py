"""Doing things at the same time, each in its own thread, application context and transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar
from uuid import UUID

import psycopg
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.db import db
from respondeo.domain.access import Viewer
from respondeo.models import QuizAttempt
from respondeo.services import taking
from tests.conftest import server_url, settings_for
from tests.factories import add_user, player

T = TypeVar("T")
CONNECTIONS = 46  # and four more for bursts: fifty threads wait for none
ONE_AT_A_TIME = 4711  # advisory lock: the server has 100 connections for all test workers


@contextmanager
def many_connections(url: str) -> Iterator[Flask]:
    """An application whose pool is full of open connections."""
    with psycopg.connect(server_url(), autocommit=True) as turn:
        turn.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        app = create_app(settings_for(url, web_threads=CONNECTIONS))
        with app.app_context():
            for connection in [db.engine.connect() for _ in range(CONNECTIONS)]:
                connection.close()
            yield app
            db.engine.dispose()


def in_transaction(app: Flask, job: Callable[[Session], T]) -> T:
    """Do one thing and commit it, as a request would."""
    with app.app_context():
        try:
            done = job(db.session())
            db.session.commit()
            return done
        finally:
            db.session.remove()


def at_once(app: Flask, jobs: Sequence[Callable[[Session], T]]) -> list[T | Exception]:
    """Do all at the same moment; what each returned or raised, in order."""
    barrier = Barrier(len(jobs))

    def come_of(job: Callable[[Session], T]) -> T | Exception:
        barrier.wait(timeout=30)
        try:
            return in_transaction(app, job)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(come_of, jobs))


def until_waiting(session: Session, count: int) -> None:
    """Wait until so many other transactions at this database wait for a lock."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.01)"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(1000):
        session.execute(sa.text("SELECT pg_stat_clear_snapshot()"))
        if session.execute(waiting).scalar_one() == count:
            return
    raise AssertionError(f"never were {count} transactions waiting")


def people(session: Session, count: int) -> list[Viewer]:
    """New players."""
    return [player(add_user(session)) for _ in range(count)]


def answering(
    viewer: Viewer, attempt: QuizAttempt, question_id: UUID, chosen: UUID
) -> Callable[[Session], UUID | None]:
    """Commits the answer, and tells which one is stored."""
    quiz_id, attempt_id = attempt.quiz_id, attempt.id
    return lambda session: (
        taking.commit_answer(session, viewer, quiz_id, attempt_id, question_id, chosen)[0].answer_id
    )
