"""Databases of their own for the commands of `flask db`, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.db import db
from respondeo.models import Account, ApiKey, Media
from respondeo.services import identity
from tests.conftest import TEMPLATE, run_on_server, settings_for, url_of
from tests.factories import add_user, document, guest, player, published_quiz, question
from tests.services.plays import play, start

LEFT_OUT = {"session", "rate_limit"}
# The rest of a schema: what its tables are made of, and what is done to whom changes them.
STRUCTURE = """
    SELECT 'column', attrelid::regclass::text, format('%s %s %s %s', attname,
        format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid))
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        JOIN pg_class c ON c.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0
        AND NOT attisdropped
    UNION ALL SELECT relkind::text, relname::text, relpersistence::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger', tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger
    WHERE NOT tgisinternal
    UNION ALL SELECT 'function', proname::text, prosrc FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1, 2, 3
"""


TRICKY = "tab\t back\\slash \\. 'one' \"two\"\nnew line; -- COPY $$ عربى 日本語 🦊\r"


def fill(session: Session) -> None:
    """Something in every table."""
    doc = document().model_copy(update={"questions": (question(1, text=TRICKY), question(2))})
    quiz = published_quiz(session, doc)
    for number in range(3):
        play(session, player(add_user(session, f"{number} {TRICKY}")), quiz, [number == 0])
    person = add_user(session)
    start(session, player(person), quiz)
    start(session, guest(), quiz)
    identity.sign_in(session, person.id, ip_address="203.0.113.9", user_agent="tests")
    session.add_all(
        [
            Account(user_id=person.id, provider_id="school", account_id=TRICKY),
            ApiKey(user_id=person.id, name="k", start="rsp_", key_hash=b"\0\\", scopes=["a,b"]),
            Media(
                sha256=b"\0\\x",
                content_type="image/webp",
                width=1,
                height=1,
                data=b"\0\n\\." * 40_000,
            ),
        ]
    )
    session.execute(sa.text("INSERT INTO rate_limit VALUES ('somebody', 3, now())"))
    session.commit()


@contextmanager
def database(*, migrated: bool = False, owner: str | None = None) -> Iterator[Flask]:
    """An application on a new database."""
    name = f"respondeo_{uuid4().hex[:12]}"
    template = f" TEMPLATE {TEMPLATE}" if migrated else ""
    run_on_server(f"CREATE DATABASE {name}{template}{f' OWNER {owner}' if owner else ''}")
    url = url_of(name, turned=False)
    if owner:
        url = sa.make_url(url).set(username=owner).render_as_string(hide_password=False)
    app = create_app(settings_for(url))
    try:
        yield app
    finally:
        with app.app_context():
            db.engine.dispose()
        run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def run(app: Flask, *words: object, said: str = "") -> Result:
    """`flask db …`; `said` is what the person at the terminal types."""
    args = ["db", *map(str, words)]
    # A command takes the application whose context it finds.
    with app.app_context():
        return app.test_cli_runner().invoke(args=args, input=said, catch_exceptions=False)


@dataclass(frozen=True)
class Everything:
    """A whole schema: what it is made of, and every row as PostgreSQL writes it."""

    structure: list[tuple[object, ...]]
    rows: dict[str, list[str]]


def everything() -> Everything:
    """What stands in the database of the running application now."""
    db.session.remove()
    with db.engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        return Everything(
            [tuple(row) for row in connection.execute(sa.text(STRUCTURE))],
            {
                table: list(
                    connection.scalars(sa.text(f'SELECT t::text FROM "{table}" t ORDER BY 1'))  # noqa: S608
                )
                for table in tables
            },
        )
