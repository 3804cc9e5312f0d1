"""The same sentence in four places: the doctor, the start, `/readyz` and the page."""

from __future__ import annotations

import pytest

from respondeo import create_app, health
from respondeo.database_trouble import Trouble
from respondeo.db import db
from respondeo.serving import METRICS_FOLDER
from tests.client import Client
from tests.conftest import settings_for


def flat(text: str) -> str:
    """Without the line breaks of a terminal."""
    return " ".join(text.split())


def told_everywhere(
    url: str,
    trouble: Trouble,
    capsys: pytest.CaptureFixture[str],
    *,
    secrets: tuple[str, ...],
    serves: bool = False,
) -> str:
    """Asks all four; returns what the doctor says. `secrets` are not for those who see the page.

    serves: `flask serve` mends this by itself.
    """
    app = create_app(settings_for(url))
    run = app.test_cli_runner().invoke
    try:
        examined = run(args=["db", "doctor"])
        assert examined.exit_code == 1
        assert trouble.sentence in flat(examined.output)

        capsys.readouterr()
        health.report(app)
        assert trouble.sentence in flat(capsys.readouterr().out)
        if not serves:
            started = run(args=["serve"], env={METRICS_FOLDER: None})  # it sets that
            assert started.exit_code == 1
            assert trouble.sentence in flat(started.output)
            assert "Traceback" not in started.output
            assert "hushhush" not in started.output

        client = Client(app)
        ready = client.get("/readyz")
        assert (ready.status_code, ready.text) == (503, f"{trouble.sentence}\n")
        page = client.page("/", status=503)
        assert trouble.sentence in page.words()
        for hidden in (*secrets, "hushhush", "FATAL", "psycopg", "pg_hba"):
            assert hidden not in page.text
        assert "hushhush" not in examined.output
        return flat(examined.output)
    finally:
        with app.app_context():
            db.engine.dispose()
