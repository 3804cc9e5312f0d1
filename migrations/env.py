"""Runs migrations on the application's database; how, stands in respondeo/migrating.py."""

from __future__ import annotations

from alembic import context
from flask import current_app

from respondeo import (
    migrating,
    models,  # noqa: F401  (makes every table known)
)
from respondeo.db import Base


def run_migrations() -> None:
    """Upgrade or downgrade on a connection of its own, under the advisory lock."""
    with migrating.alone(current_app, **context.config.attributes) as connection:
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
