"""Hot queries keep to their indexes: their plans are kept as text beside this file.

The services are called, what they send is heard, and PostgreSQL is asked for the plan of each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from bench.plans import HOT, LARGE, Case, explained
from bench.scale import Scale, Somebody, fill, somebody
from respondeo import create_app
from respondeo.db import db, session
from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, USER, Viewer
from tests.conftest import TEMPLATE, direct_url_of, run_on_server, settings_for

pytestmark = pytest.mark.xdist_group("plans")

FOLDER = Path(__file__).parent
RENEW = "RENEW_PLANS"
HOW_TO_RENEW = f'{RENEW}=1 make test ARGS="tests/plans"'
SCALE = Scale(30_000, listed=5_000, overdue=4, least=3)
# ANALYZE reads 300 rows for each: all there are, so that plans are the same each time.
STATISTICS = 1000

# Nothing looks at the tables while they are filled: a snapshot from before would keep VACUUM from
# knowing their pages as visible to all, and plans go by that.
LEFT_ALONE = """
    DO $$ DECLARE one regclass;
    BEGIN
        FOR one IN SELECT oid FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        LOOP EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', one); END LOOP;
    END $$
"""

VARIES = re.compile(
    r"""'[0-9a-f]{8}-[0-9a-f-]{27}'::uuid | '\{[0-9a-f,-]*\}'::uuid\[\] | '\\x[0-9a-f]*'::bytea
    | '[0-9: .+-]+'::timestamp\ with\ time\ zone | '[0-9: .+-]+'::timestamptz
    | '\d+'::bigint | (?<=[=<>]\ )-?\d+(?=\))""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Filled:
    """An application on tables that are large enough, and whom to ask for."""

    app: Flask
    who: Somebody


@pytest.fixture(scope="module")
def filled(worker_id: str) -> Iterator[Filled]:
    name = f"plans_{worker_id}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    run_on_server(f"ALTER DATABASE {name} SET default_statistics_target = {STATISTICS}")
    app = create_app(settings_for(direct_url_of(name)))
    with app.app_context():
        session().execute(sa.text(LEFT_ALONE))
        session().commit()
        fill(session(), SCALE)
        who = somebody(session())
        session().rollback()
    yield Filled(app, who)
    with app.app_context():
        db.engine.dispose()
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def plans_of(case: Case, filled: Filled) -> str:
    """The plans of all that the case sends once caches are warm; `?` for what varies."""
    viewer = Viewer(USER, DEFAULT_ROLE_PERMISSIONS[USER], filled.who.user)
    plans: list[str] = []

    def keep(_statement: str, lines: list[str]) -> None:
        if lines != ["Result"]:  # what time it is
            plans.append("\n".join(VARIES.sub("?", line) for line in lines))

    with filled.app.app_context():
        case.does(session(), viewer, filled.who)
        session().rollback()
        with explained("COSTS OFF", keep):
            case.does(session(), viewer, filled.who)
        session().rollback()
    return "\n\n".join(plans) + "\n"


@pytest.mark.parametrize("case", HOT, ids=lambda case: case.name)
def test_a_hot_query_keeps_to_its_indexes(case: Case, filled: Filled) -> None:
    kept = FOLDER / f"{case.file_name}.txt"
    plans = plans_of(case, filled)
    missing = [index for index in case.uses if not re.search(rf"{index}\b", plans)]
    assert not missing, f"“{case.name}” does not use {', '.join(missing)} any more:\n{plans}"
    scanned = [
        table for table in LARGE - case.scans if re.search(rf'Seq Scan on "?{table}\b', plans)
    ]
    assert not scanned, f"“{case.name}” reads all of {', '.join(scanned)}:\n{plans}"
    if os.environ.get(RENEW):
        kept.write_text(plans, encoding="utf-8")
    assert plans == kept.read_text(encoding="utf-8"), (
        f"The plans of “{case.name}” are others than those in tests/plans/{kept.name}."
        f" If that is meant, renew the texts and look at the difference: {HOW_TO_RENEW}"
    )


def test_each_text_belongs_to_a_query() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {case.file_name for case in HOT}
