"""Databases to be examined: each a copy, with an owner who may no more than an operator's user."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
import sqlalchemy as sa

from respondeo.doctor import Finding, Patient, Result, State, examine
from tests.conftest import direct_url_of, server_url


@dataclass(frozen=True)
class Clinic:
    """A database of the test server, and its owner."""

    database: str
    owner: str

    def url(self, user: str = "", **query: str) -> str:
        url = sa.make_url(direct_url_of(self.database)).set(username=user or self.owner)
        return url.update_query_dict(query).render_as_string(hide_password=False)

    def run(self, statement: str, *, database: str = "") -> None:
        """As the server's superuser."""
        url = sa.make_url(server_url()).set(database=database or self.database)
        address = url.render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def follow(self, command: str) -> None:
        """Do what a command says: the statement of `psql -d … -c …` as it is written."""
        words = shlex.split(command)
        assert "psql" in words, command
        place = words[words.index("-d") + 1] if "-d" in words else urlsplit(words[1]).path[1:]
        self.run(words[words.index("-c") + 1], database=place)


def looked(url: str | None, direct: str | None = None, **more: object) -> dict[str, Result]:
    """All results, by the name of the check."""
    patient = Patient(url, direct, **more)  # type: ignore[arg-type]
    return {result.check.name: result for result in examine(patient)}


def states(results: dict[str, Result]) -> dict[str, State]:
    return {name: result.state for name, result in results.items()}


def failed(results: dict[str, Result], name: str) -> Finding:
    """The one thing that is wrong, which is of this check; what needs it was not looked at."""
    wrong = [result for result in results.values() if result.state is State.FAILS]
    assert [result.check.name for result in wrong] == [name], wrong
    (finding,) = [one for one in wrong[0].findings if one.state is State.FAILS]
    return finding


def is_well(results: dict[str, Result]) -> bool:
    wrong = [result for result in results.values() if result.state is not State.PASSES]
    assert not wrong, wrong
    return True
