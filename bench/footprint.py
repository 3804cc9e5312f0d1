"""What attempts take: bytes of tables and indexes, bytes of the log for each, time of a vacuum."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bench.growth import Crowd, last_answer

TABLES = ("quiz_attempt", "attempt_answer", "quiz_standing", "player_standing")
WHOLE_ATTEMPTS = 100

SIZES = """
    SELECT relname, reltuples::bigint AS rows, pg_table_size(oid) AS bytes FROM pg_class
    WHERE relname = ANY (:tables)
"""
INDEXES = """
    SELECT indrelid::regclass::text AS on_table, indexrelid::regclass::text AS name,
        pg_relation_size(indexrelid) AS bytes
    FROM pg_index WHERE indrelid = ANY ((:tables)::regclass[]) ORDER BY bytes DESC
"""


def footprint(s: Session, crowd: Crowd, attempts: int) -> dict[str, Any]:
    """Of a database that has just been filled; what is measured adds two hundred attempts."""
    named = {"tables": list(TABLES)}
    tables = {row.relname: row.bytes for row in s.execute(sa.text(SIZES), named)}
    indexes = {row.name: row.bytes for row in s.execute(sa.text(INDEXES), named)}
    whole = s.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one()
    s.commit()
    return {
        "attempts": attempts,
        "database_bytes": whole,
        "table_bytes": tables,
        "index_bytes": indexes,
        "bytes_per_attempt": (sum(tables.values()) + sum(indexes.values())) / attempts,
        "log_bytes_per_attempt_after_a_checkpoint": _logged(s, crowd),
        "log_bytes_per_attempt": _logged_without_pages(s, crowd),
        "vacuum_s": {table: _vacuum(s, table) for table in TABLES},
    }


def _logged(s: Session, crowd: Crowd) -> float:
    """Bytes of the log that an attempt writes, from its start to its last answer."""
    with _outside_transactions(s) as run:
        run("CHECKPOINT")
    before = _log_end(s)
    for _ in range(WHOLE_ATTEMPTS):
        last_answer(s, crowd)()
        s.commit()
    return (_log_end(s) - before) / WHOLE_ATTEMPTS


def _logged_without_pages(s: Session, crowd: Crowd) -> float:
    """The same without the pages that are logged whole where they first change."""
    with _outside_transactions(s) as run:
        run("ALTER SYSTEM SET full_page_writes = off")
        run("SELECT pg_reload_conf()")
    try:
        return _logged(s, crowd)
    finally:
        with _outside_transactions(s) as run:
            run("ALTER SYSTEM RESET full_page_writes")
            run("SELECT pg_reload_conf()")


def _log_end(s: Session) -> int:
    end = s.execute(sa.text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")).scalar_one()
    s.commit()
    return int(end)


def _vacuum(s: Session, table: str) -> float:
    """Seconds to look through a table and all its indexes."""
    with _outside_transactions(s) as run:
        run("SET statement_timeout = 0")
        started = perf_counter()
        run(f"VACUUM (INDEX_CLEANUP ON) {table}")
        took = perf_counter() - started
        run("RESET statement_timeout")
    return took


@contextmanager
def _outside_transactions(s: Session) -> Iterator[Any]:
    s.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    yield lambda statement: s.execute(sa.text(statement))
    s.commit()
