"""Every sslmode against a real server with TLS, and the guide's cases that need one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

from respondeo import create_app, migrating
from respondeo.database_trouble import CERTIFICATE, NO_SSL, PASSWORD, SSL, Trouble
from respondeo.db import db
from respondeo.doctor import State
from tests.conftest import settings_for
from tests.doctor.clinic import failed, is_well, looked
from tests.doctor.telling import told_everywhere
from tests.system.postgres import Postgres

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def _postgres() -> Iterator[Postgres]:
    folder = Path(mkdtemp(prefix="resp-", dir="/tmp"))
    server = Postgres(folder)
    try:
        server.execute(
            "CREATE ROLE quiz_app LOGIN PASSWORD 'hushhush'",
            "CREATE DATABASE quiz_app OWNER quiz_app",
            "CREATE DATABASE plain OWNER quiz_app",
        )
        server.encrypt(on=True)
        for database in ("quiz_app", "plain"):
            app = create_app(settings_for(server.url(database=database)))
            with app.app_context():
                migrating.upgrade(app)
                db.engine.dispose()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def postgres(_postgres: Postgres) -> Iterator[Postgres]:
    """A server with TLS, in which quiz_app has a password."""
    yield _postgres
    _postgres.encrypt(on=True)


@pytest.mark.parametrize("mode", ["", "allow", "prefer", "require"])
def test_these_modes_encrypt_without_looking_at_the_certificate(
    postgres: Postgres, mode: str
) -> None:
    results = looked(postgres.url(**({"sslmode": mode} if mode else {})))
    assert is_well(results)
    (finding,) = results["tls"].findings
    assert finding.says.startswith("Encrypted")
    assert "TLSv1.3" in finding.says
    assert "not looked at" in finding.says


def test_the_right_certificate_and_name_pass_the_strictest_mode(postgres: Postgres) -> None:
    url = postgres.url(sslmode="verify-full", sslrootcert=postgres.authority)
    results = looked(url)
    assert is_well(results)
    assert "the certificate and its name are right" in results["tls"].findings[0].says


def test_verify_ca_minds_the_certificate_but_not_its_name(postgres: Postgres) -> None:
    query = {"sslmode": "verify-ca", "sslrootcert": postgres.authority}
    assert is_well(looked(postgres.url(host="127.0.0.1", **query)))
    strangers = {"sslmode": "verify-ca", "sslrootcert": postgres.other_authority}
    finding = failed(looked(postgres.url(**strangers)), "tls")
    assert "certificate verify failed" in finding.says


def test_a_wrong_name_fails_the_strictest_mode_everywhere(
    postgres: Postgres, capsys: Capture
) -> None:
    query = {"sslmode": "verify-full", "sslrootcert": postgres.authority}
    url = postgres.url(host="127.0.0.1", **query)
    said = told_everywhere(url, CERTIFICATE, capsys, secrets=("127.0.0.1", "quiz_app"))
    assert 'server certificate for "localhost"' in said
    assert 'does not match host name "127.0.0.1"' in said
    assert f"openssl s_client -starttls postgres -connect 127.0.0.1:{postgres.port}" in said


def test_verify_without_a_root_certificate_says_where_one_is(postgres: Postgres) -> None:
    for mode in ("verify-ca", "verify-full"):
        finding = failed(looked(postgres.url(sslmode=mode)), "tls")
        assert CERTIFICATE.sentence in finding.says
        assert "root certificate" in finding.says
        assert "sslrootcert=/etc/ssl/certs/ca-certificates.crt" in finding.mend[0]


def test_ssl_required(postgres: Postgres, capsys: Capture) -> None:
    """The guide's case: the server takes encrypted connections only."""
    url = postgres.url(sslmode="disable")
    said = told_everywhere(url, SSL, capsys, secrets=("localhost", "quiz_app", "no encryption"))
    assert "no encryption" in said
    written = re.search(r"DATABASE_URL='?(postgresql://[^' ]*)", said)
    assert written
    mended = written[1].replace("PASSWORD", "hushhush")
    assert "sslmode=require" in mended
    assert is_well(looked(mended))


def test_a_server_that_knows_no_encryption(postgres: Postgres, capsys: Capture) -> None:
    postgres.encrypt(on=False)
    url = postgres.url(database="plain", sslmode="require")
    said = told_everywhere(url, NO_SSL, capsys, secrets=("localhost", "quiz_app"))
    assert "ALTER SYSTEM SET ssl = on" in said
    assert "pg_reload_conf()" in said
    assert is_well(looked(postgres.url(database="plain")))


@pytest.mark.parametrize("mode", ["allow", "prefer", "require"])
def test_a_wrong_password_is_no_matter_of_encryption(
    postgres: Postgres, capsys: Capture, mode: str
) -> None:
    """Though the attempt without encryption, which some modes make too, is refused for that."""
    url = postgres.url(password="wrong-hushhush", sslmode=mode)
    said = told_everywhere(url, PASSWORD, capsys, secrets=("localhost", "quiz_app"))
    assert 'password authentication failed for user "quiz_app"' in said
    assert "pg_hba" not in said
    assert """-c '\\password "quiz_app"'""" in said


def test_a_standby_only_reads_and_libpq_can_find_the_one_that_writes(postgres: Postgres) -> None:
    port = postgres.start_standby()
    try:
        finding = looked(f"postgresql://quiz_app:hushhush@localhost:{port}/quiz_app")["rights"]
        assert finding.state is State.FAILS
        assert "standby" in finding.findings[0].says
        assert "target_session_attrs=read-write" in finding.findings[0].mend[0]
        both = f"postgresql://quiz_app:hushhush@localhost:{port},localhost:{postgres.port}/quiz_app"
        assert is_well(looked(f"{both}?target_session_attrs=read-write"))
    finally:
        postgres.stop_standby()


@contextmanager
def rules(postgres: Postgres, *lines: str) -> Iterator[None]:
    """With these rules instead of its own: the superuser alone is let in as ever."""
    hba = postgres.data / "pg_hba.conf"
    before = hba.read_text()
    try:
        obey(postgres, "\n".join(("local all postgres trust", *lines, "")))
        yield
    finally:
        obey(postgres, before)


def obey(postgres: Postgres, rules: str) -> None:
    """Until the server has read them, in its own time."""
    (postgres.data / "pg_hba.conf").write_text(rules)
    postgres.reload()


RULE = r"echo '([^']+)' \| sudo tee -a \"\$\(sudo -u postgres psql -p \d+ -Atc 'SHOW hba_file'\)\""


def mended(postgres: Postgres, said: str) -> bool:
    """Whether the rule that the doctor prints lets us in, and nobody else than us."""
    found = re.search(RULE, said)
    assert found
    with rules(postgres, found[1]):
        return is_well(looked(postgres.url())) and found[1].split()[-2] == "127.0.0.1/32"


@pytest.mark.parametrize("mode", ["", "disable", "allow"])
def test_where_no_rule_lets_one_in_and_there_is_no_encryption_it_is_not_prescribed(
    postgres: Postgres, capsys: Capture, mode: str
) -> None:
    postgres.encrypt(on=False)
    url = postgres.url(host="127.0.0.1", **({"sslmode": mode} if mode else {}))
    with rules(postgres):
        said = told_everywhere(url, SSL, capsys, secrets=("127.0.0.1", "quiz_app"))
    assert "no line for this user, database and machine" in said
    assert "DATABASE_URL=" not in said
    assert mended(postgres, said)


@pytest.mark.parametrize(("mode", "trouble"), [("disable", SSL), ("prefer", PASSWORD)])
def test_where_no_rule_lets_one_in_encryption_is_not_blamed(
    postgres: Postgres, capsys: Capture, mode: str, trouble: Trouble
) -> None:
    with rules(postgres):
        url = postgres.url(host="127.0.0.1", sslmode=mode)
        said = told_everywhere(url, trouble, capsys, secrets=("127.0.0.1", "quiz_app"))
    assert ("With encryption it refuses us too." in said) is (mode == "disable")
    assert "no line for this user, database and machine" in said
    assert "DATABASE_URL=" not in said
    assert mended(postgres, said)


def test_a_rule_that_turns_one_away_from_the_socket_is_no_matter_of_encryption(
    postgres: Postgres, capsys: Capture
) -> None:
    url = f"postgresql://quiz_app@/quiz_app?host={postgres.folder}&port={postgres.port}"
    with rules(postgres, "local all quiz_app reject"):
        said = told_everywhere(url, PASSWORD, capsys, secrets=(str(postgres.folder), "quiz_app"))
    assert "says “reject” to this user" in said
    assert "SHOW hba_file" in said
    with rules(postgres):
        said = told_everywhere(url, PASSWORD, capsys, secrets=(str(postgres.folder), "quiz_app"))
    assert "echo 'local quiz_app quiz_app scram-sha-256' | sudo tee" in said


def test_an_address_without_a_host_is_examined_like_one_with_it(
    postgres: Postgres, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = f"postgresql://quiz_app:hushhush@/quiz_app?hostaddr=127.0.0.1&port={postgres.port}"
    assert is_well(looked(at))
    finding = failed(looked(f"{at}&sslmode=verify-ca"), "tls")
    assert "root certificate" in finding.says
    assert f"-connect 127.0.0.1:{postgres.port}" in finding.mend[1]
    url = f"{at}&sslmode=verify-full&sslrootcert={postgres.authority}"
    said = told_everywhere(url, CERTIFICATE, capsys, secrets=("127.0.0.1", "quiz_app"))
    assert "Write the host before the /, as the certificate has it" in said
    assert is_well(
        looked(
            url.replace(f"&port={postgres.port}", "").replace("@/", f"@localhost:{postgres.port}/")
        )
    )
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(postgres.port))
    of_the_environment = "postgresql://quiz_app:hushhush@/quiz_app?sslmode=verify-ca"
    assert "root certificate" in failed(looked(of_the_environment), "tls").says
