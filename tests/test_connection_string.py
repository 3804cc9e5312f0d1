"""Connection strings: every form that operators bring, every flaw named without the password."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from respondeo.connection_string import ConnectionString, Host


def libpq(written: str) -> dict[str, object]:
    """What the driver is given for a string."""
    engine = sa.create_engine(ConnectionString.parse(written).url)
    _, given = engine.dialect.create_connect_args(engine.url)
    return {name: value for name, value in given.items() if name != "context"}


@pytest.mark.parametrize(
    ("written", "given"),
    [
        (
            "postgresql://user:password@localhost:5432/quiz_app",
            {"user": "user", "password": "password", "host": "localhost", "port": 5432},
        ),
        (
            "postgresql://user:password@localhost:5432/quiz_app?sslmode=require",
            {
                "user": "user",
                "password": "password",
                "host": "localhost",
                "port": 5432,
                "sslmode": "require",
            },
        ),
        (
            "postgres://user:password@db.example.com:5432/quiz_app",
            {"user": "user", "password": "password", "host": "db.example.com", "port": 5432},
        ),
        ("  postgres://u@h/quiz_app\n", {"user": "u", "host": "h", "port": 5432}),
        ("postgresql+psycopg://u@h/quiz_app", {"user": "u", "host": "h", "port": 5432}),
        ("postgresql://u@[::1]:5433/quiz_app", {"user": "u", "host": "::1", "port": 5433}),
        (
            "postgresql://u@[fe80::1%25eth0]/quiz_app",
            {"user": "u", "host": "fe80::1%eth0", "port": 5432},
        ),
        ("postgresql:///quiz_app", {}),
        ("postgresql:///quiz_app?port=5433", {"port": "5433"}),
        (
            "postgresql:///quiz_app?host=/var/run/postgresql",
            {"host": "/var/run/postgresql", "port": "5432"},
        ),
        (
            "postgresql://u@%2Fvar%2Frun%2Fpostgresql:5433/quiz_app",
            {"user": "u", "host": "/var/run/postgresql", "port": "5433"},
        ),
        (
            "postgresql://u@a,b:5433,[::2]/quiz_app?target_session_attrs=read-write",
            {
                "user": "u",
                "host": "a,b,::2",
                "port": "5432,5433,5432",
                "target_session_attrs": "read-write",
            },
        ),
        (
            "postgresql://u@/quiz_app?host=a,b&port=5433",
            {"user": "u", "host": "a,b", "port": "5433,5433"},
        ),
        (
            "postgresql://h/quiz_app?user=u&password=p",
            {"user": "u", "password": "p", "host": "h", "port": 5432},
        ),
    ],
)
def test_the_driver_is_given_what_the_string_says(written: str, given: dict[str, object]) -> None:
    assert libpq(written) == given | {"dbname": "quiz_app"}


@pytest.mark.parametrize(
    ("encoded", "password"),
    [
        ("p%40ss%2Fw%3Frd%23%25%3A", "p@ss/w?rd#%:"),
        ("p@ss", "p@ss"),
        ("a:b:c", "a:b:c"),
        ("a+b", "a+b"),
        ("%C3%A5%E6%BC%A2", "å漢"),
        ("!$&'()*;=~", "!$&'()*;=~"),
    ],
)
def test_a_password_may_have_any_character(encoded: str, password: str) -> None:
    assert libpq(f"postgresql://u:{encoded}@h/db")["password"] == password


@pytest.mark.parametrize(
    ("ending", "pooled"),
    [("", False), ("?pgbouncer=true", True), ("?pgbouncer=1", True), ("?pgbouncer=false", False)],
)
def test_a_string_says_whether_there_is_a_pooler(ending: str, pooled: bool) -> None:
    parsed = ConnectionString.parse(f"postgresql://u@pooler.example.com:6543/db{ending}")
    assert parsed.pooled is pooled
    assert "pgbouncer" not in parsed.url.query


SECRET = "5tpss3cret"


@pytest.mark.parametrize(
    ("written", "flaw"),
    [
        ("", "must begin with postgresql:// or postgres://"),
        (f"mysql://u:{SECRET}@h/db", "must begin with postgresql:// or postgres://"),
        (f"host=h password={SECRET}", "must begin with postgresql:// or postgres://"),
        (f"'postgresql://u:{SECRET}@h/db'", "quotation marks"),
        (f"postgresql://u:/{SECRET}@h/db", "%2F"),
        (f"postgresql://u:@/{SECRET}@h/db", "%2F"),
        (f"postgresql://u:?{SECRET}@h/db", "%3F"),
        (f"postgresql://u:12?{SECRET}=x@h/db", "%3F"),
        (f"postgresql://u:@?{SECRET}=x@h/db", "%3F"),
        (f"postgresql://u:#{SECRET}@h/db", "%23"),
        (f"postgresql://u:{SECRET}%@h/db", "a % in the password"),
        (f"postgresql://u:{SECRET}%FF@h/db", "the password is not UTF-8"),
        (f"postgresql://u:{SECRET}%00@h/db", "%00 in the password"),
        (f"postgresql://u:{SECRET}@h/db%0Ahost=evil", "%0A in the name of the database"),
        (
            f"postgresql://u:{SECRET}@h/db?application_name=a%0dhost=b",
            "%0D in the application_name",
        ),
        (f"postgresql://u%7F:{SECRET}@h/db", "%7F in the user"),
        (f"postgresql://u:{SECRET} @h/db", "a space or a line break"),
        (f"postgresql://u:{SECRET}@h", "names no database"),
        (f"postgresql://u:{SECRET}@h/", "names no database"),
        (f"postgresql://u:{SECRET}@:5432/db", "its host cannot be read"),
        (f"postgresql://u:{SECRET}@h,,i/db", "its host cannot be read"),
        (f"postgresql://u:{SECRET}@::1/db", "[::1]:5432"),
        (f"postgresql://u:{SECRET}@[::1/db", "[::1]:5432"),
        (f"postgresql://u:{SECRET}@[db]/db", "no IPv6 address"),
        (f"postgresql://u:{SECRET}@h:0/db", "a number from 1 to 65535"),
        (f"postgresql://u:{SECRET}@h:65536/db", "a number from 1 to 65535"),
        (f"postgresql://u:{SECRET}", "a number from 1 to 65535"),
        (f"postgresql://u:{SECRET}/db", "a number from 1 to 65535"),
        (f"postgresql://u:{SECRET}@h/db?sslmode=yes", "verify-full"),
        (f"postgresql://u:{SECRET}@h/db?sslmode", "sslmode=…"),
        (f"postgresql://u:{SECRET}@h/db?ssl=true", "write sslmode=require"),
        (f"postgresql://u:{SECRET}@h/db?connection_limit=1", "“connection_limit”"),
        (f"postgresql://u:{SECRET}@h/db?sslmode=require&sslmode=require", "sslmode twice"),
        (f"postgresql://u:{SECRET}@h/db?pgbouncer=yes", "pgbouncer must be true or false"),
        (f"postgresql://u:{SECRET}@h/db?port=5433", "as in host:5433"),
        (f"postgresql://u:{SECRET}@/db?host=a,b,c&port=1,2", "one port for all hosts"),
        (f"postgresql://u:{SECRET}@h/db?service=x", "“service”"),
    ],
)
def test_what_cannot_be_understood_is_refused_without_telling_the_password(
    written: str, flaw: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(flaw)) as refused:
        ConnectionString.parse(written)
    assert SECRET not in str(refused.value)


def test_shown_to_people_it_has_no_password() -> None:
    parsed = ConnectionString.parse(f"postgres://ada:{SECRET}@a,[::1]:5433/db?sslpassword={SECRET}")
    assert str(parsed) == "postgresql://ada@a:5432,[::1]:5433/db"
    assert SECRET not in repr(parsed)
    assert "password" not in parsed.keywords


def test_a_socket_is_shown_as_its_file() -> None:
    assert str(Host("/run/postgresql", 5433)) == "/run/postgresql/.s.PGSQL.5433"
