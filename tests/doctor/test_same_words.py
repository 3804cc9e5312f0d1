"""The guide's cases of trouble, made for real, and told in the same words wherever one looks.

Those that need a server with TLS or passwords are in tests/system/test_tls.py.
"""

from __future__ import annotations

import pytest

from respondeo.database_trouble import AWAY, MISSING, NEWER, PASSWORD, RIGHTS, SCHEMA
from tests.doctor.clinic import Clinic
from tests.doctor.telling import told_everywhere

Capture = pytest.CaptureFixture[str]


def test_connection_refused(capsys: Capture) -> None:
    url = "postgresql://quiz_user:hushhush@127.0.0.1:1/quiz_app"
    said = told_everywhere(url, AWAY, capsys, secrets=("127.0.0.1", "quiz_user", "refused"))
    assert "pg_isready -h 127.0.0.1 -p 1" in said


def test_authentication_failed(clinic: Clinic, capsys: Capture) -> None:
    url = clinic.url("nobody_here")
    said = told_everywhere(url, PASSWORD, capsys, secrets=("nobody_here", clinic.database))
    assert 'CREATE ROLE "nobody_here" LOGIN' in said


def test_the_database_does_not_exist(clinic: Clinic, capsys: Capture) -> None:
    url = Clinic("nothing_here", clinic.owner).url()
    said = told_everywhere(url, MISSING, capsys, secrets=("nothing_here", clinic.owner))
    assert f'CREATE DATABASE "nothing_here" OWNER "{clinic.owner}"' in said


def test_the_schema_does_not_match(clinic: Clinic, capsys: Capture) -> None:
    clinic.run("ALTER TABLE quiz RENAME TO quizzes; DELETE FROM alembic_version")
    told_everywhere(clinic.url(), SCHEMA, capsys, secrets=("quizzes",), serves=True)


def test_the_schema_is_of_a_newer_version(clinic: Clinic, capsys: Capture) -> None:
    clinic.run("UPDATE alembic_version SET version_num = '9999'; ALTER TABLE quiz RENAME TO later")
    said = told_everywhere(clinic.url(), NEWER, capsys, secrets=("later", "9999"))
    assert "flask db downgrade 0006" in said


def test_the_user_may_not_do_what_it_has_to(clinic: Clinic, stranger: str, capsys: Capture) -> None:
    told_everywhere(clinic.url(stranger), RIGHTS, capsys, secrets=(stranger, "alembic"))
