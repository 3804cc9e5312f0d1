"""Runs migrations on the application's database: one at a time, never waiting long for a lock."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import text

from respondeo import models  # noqa: F401  (makes every table known)
from respondeo.db import Base, migration_engine

ADVISORY_LOCK = 0x5265_7370_6F6E_6465  # "Responde" as bytes: no other program asks for this one
LOCK_TIMEOUT = "4s"


def run_migrations() -> None:
    """Upgrade or downgrade on a connection of its own, under the advisory lock."""
    with migration_engine(current_app).connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        # Held until the connection closes: whoever else migrates waits for all of ours.
        connection.execute(text(f"SELECT pg_advisory_lock({ADVISORY_LOCK})"))
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_server_default=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations need a database: set DATABASE_URL and leave out --sql.")
run_migrations()
