"""`flask db doctor` and the servers as processes: also where no application can be made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import Result

from respondeo import create_app
from respondeo.database_trouble import AWAY
from tests.conftest import settings_for
from tests.doctor.clinic import Clinic
from tests.doctor.telling import flat
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
NOWHERE = "postgresql://quiz_app:hushhush@127.0.0.1:1/quiz_app"
SETTINGS = {
    "SECRET_KEY": "of the test, long enough: 0123456789",
    "APP_URL": "https://quiz.example",
}


def environment(**variables: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "FLASK_SKIP_DOTENV": "1"} | variables


def flask(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    assert "hushhush" not in done.stdout + done.stderr
    return done


def test_the_doctor_comes_where_no_application_can_be_made() -> None:
    """No other setting is there, and this one is wrong."""
    done = flask("db", "doctor", DATABASE_URL="postgresql://quiz_app:hush#hushhush@db/quiz_app")
    assert done.returncode == 1
    assert "DATABASE_URL cannot be understood: there is a # in it." in flat(done.stdout)
    assert "Not looked at, because of “Understood”." in flat(done.stdout)
    assert "SECRET_KEY is required in production" in done.stderr


def test_other_commands_say_why_there_is_no_application() -> None:
    done = flask("db", "upgrade", DATABASE_URL="mysql://quiz_app:hushhush@db/quiz_app", **SETTINGS)
    assert done.returncode == 2
    assert "DATABASE_URL: it must begin with postgresql://" in done.stderr


def test_programs_read_the_doctors_findings_as_json(clinic: Clinic) -> None:
    done = asked_doctor(clinic.url(), "--json")
    told = json.loads(done.output)
    assert (done.exit_code, told["ok"]) == (0, True)
    assert [check["check"] for check in told["checks"]][:3] == ["set", "parsed", "host"]
    assert {check["state"] for check in told["checks"]} == {"pass"}


def test_a_warning_alone_is_nothing_wrong(clinic: Clinic) -> None:
    done = asked_doctor(clinic.url(pgbouncer="true"), database_direct_url=clinic.url())
    assert done.exit_code == 0
    assert "warn  Pooler" in done.output
    assert "Nothing is wrong; 1 warning." in done.output


def asked_doctor(url: str, *words: str, **changes: str) -> Result:
    app = create_app(settings_for(url, **changes))
    return app.test_cli_runner().invoke(args=["db", "doctor", *words])


# -- gunicorn -------------------------------------------------------------------------------------


def gunicorn(port: int, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "wsgi:app"],
        cwd=ROOT,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def port() -> int:
    return free_port()


def test_gunicorn_gives_up_on_wrong_settings_and_says_why(port: int) -> None:
    server = gunicorn(port, DATABASE_URL="mysql://quiz_app:hushhush@db/quiz_app", **SETTINGS)
    said, _ = server.communicate(timeout=60)
    assert server.returncode not in {0, None}
    assert "DATABASE_URL: it must begin with postgresql://" in said
    assert "Traceback" not in said
    assert "hushhush" not in said


def test_gunicorn_starts_without_its_database_says_so_and_waits_for_it(port: int) -> None:
    here = SETTINGS | {"APP_URL": f"http://127.0.0.1:{port}"}
    server = gunicorn(port, DATABASE_URL=NOWHERE, **here)
    try:
        assert asked(port, "/healthz")[0] == 200
        status, body = asked(port, "/readyz")
        assert (status, body) == (503, f"{AWAY.sentence}\n")
    finally:
        server.terminate()
        said, _ = server.communicate(timeout=60)
    (line,) = [line for line in said.splitlines() if "database trouble" in line][:1]
    assert json.loads(line)["told"] == AWAY.sentence
    assert "hushhush" not in said


def asked(port: int, path: str) -> tuple[int, str]:
    """The answer, as soon as the server gives one."""
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except urllib.error.URLError:
            assert time.monotonic() < end
            time.sleep(0.05)
