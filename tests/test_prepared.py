"""Statements on the driver's own cursor: the same words, values and errors as SQLAlchemy's."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from respondeo.db import ask_ahead, commit, db, reader, session
from respondeo.models import User
from respondeo.prepared import Prepared, Reader
from tests.factories import add_user

BY_IDS = Prepared(
    sa.select(User.id, User.name, User.image)
    .where(User.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid()))))
    .order_by(User.name)
)
DIVIDED = Prepared(
    sa.select((sa.bindparam("a", type_=sa.Integer()) / sa.literal(0)).label("result"))
)


def test_it_gives_named_columns_and_takes_arrays(session: Session) -> None:
    ids = [add_user(session, name).id for name in ("Ada", "Bo % Co", "Di")]
    found = BY_IDS.all(session, ids=ids[:2])
    assert [(row.id, row.name, row.image) for row in found] == [
        (ids[0], "Ada", None),
        (ids[1], "Bo % Co", None),
    ]
    assert BY_IDS.one_or_none(session, ids=[UUID(int=7)]) is None


def test_in_a_session_it_sees_what_that_has_not_sent_yet(session: Session) -> None:
    person = add_user(session, "Before")
    person.name = "After"
    assert BY_IDS.one(session, ids=[person.id]).name == "After"


def test_an_error_is_one_of_sqlalchemys_and_quotes_no_value(app: Flask) -> None:
    with app.app_context(), pytest.raises(sa.exc.DBAPIError) as caught:
        DIVIDED.one(reader(), a=4711)
    assert "division by zero" in str(caught.value)
    assert "4711" not in str(caught.value)


def test_a_reader_sees_what_is_committed_and_holds_one_connection(app: Flask) -> None:
    with app.app_context():
        source = reader()
        assert isinstance(source, Reader)
        backend = Prepared(sa.select(sa.func.pg_backend_pid().label("pid")))
        first = backend.one(source).pid
        assert backend.one(reader()).pid == first
        assert db.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
        # The session takes its place, and is read on while it is in a transaction.
        person = User(name="New", email="new@people.example", groups=[])
        session().add(person)
        session().flush()
        assert BY_IDS.one(reader(), ids=[person.id]).name == "New"
        assert BY_IDS.one(source, ids=[person.id]).name == "New"
        assert db.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
        session().rollback()
        assert BY_IDS.one_or_none(source, ids=[person.id]) is None
    assert db_is_given_back(app)


def test_what_is_read_alone_leaves_no_transaction_behind(app: Flask) -> None:
    with app.app_context():
        BY_IDS.all(reader(), ids=[])
        # The next user of the same connection is in a transaction again.
        session().add(User(name="Half", email="half@people.example", groups=[]))
        session().flush()
        session().rollback()
        assert session().scalar(sa.select(sa.func.count()).select_from(User)) == 0


def test_connections_that_ended_while_they_lay_idle_are_not_handed_out(app: Flask) -> None:
    with app.app_context():
        backend = Prepared(sa.select(sa.func.pg_backend_pid().label("pid")))
        first = backend.one(reader()).pid
    with app.app_context(), db.engine.connect() as other:
        # Taken again from the pool: end it while somebody else holds another one.
        pids = [first]
        mine = other.scalar(sa.select(sa.func.pg_backend_pid()))
        if mine == first:
            second = db.engine.connect()
            pids = [second.scalar(sa.select(sa.func.pg_backend_pid()))]
            second.close()
        for pid in pids:
            other.execute(sa.select(sa.func.pg_terminate_backend(pid, 5000)))
        assert backend.one(reader()).pid not in pids


def db_is_given_back(app: Flask) -> bool:
    with app.app_context():
        return bool(db.engine.pool.checkedout() == 0)  # type: ignore[attr-defined]


PERSON = Prepared(sa.select(User.id, User.name).where(User.email == sa.bindparam("email")))
COUNTED = Prepared(
    sa.select(sa.func.count().label("people")).where(User.name != sa.bindparam("name"))
)
BY_EMAILS = sa.select(User.name, User.image).where(
    User.email == sa.any_(sa.bindparam("emails", type_=ARRAY(sa.Text())))
)
NOBODYS = Prepared(sa.select(User.name).where(User.id == sa.bindparam("missing")))


def test_what_is_asked_ahead_comes_with_the_first_row_and_is_told_once(app: Flask) -> None:
    with app.app_context():
        ada = add_user(session(), "Ada")
        session().commit()
        ask_ahead(COUNTED.asked(name="Bo"))
        assert PERSON.one_with_ahead(reader(), email=ada.email) == (ada.id, "Ada")
        db.session.remove()
        with db.engine.connect() as elsewhere:
            elsewhere.execute(sa.update(User).values(name="Bo"))
            elsewhere.commit()
        # Another value, another statement: what was read ahead is no answer to them.
        assert COUNTED.one(reader(), name="Di").people == 1
        assert PERSON.one(reader(), email=ada.email).name == "Bo"
        # It says what was so when it was read; who asks once more hears what is so now.
        assert COUNTED.one(reader(), name="Bo").people == 1
        assert COUNTED.one(reader(), name="Bo").people == 0


@pytest.mark.parametrize(("known", "ahead"), [(True, False), (False, True), (False, False)])
def test_each_of_two_may_have_no_row(app: Flask, known: bool, ahead: bool) -> None:
    with app.app_context():
        ada = add_user(session(), "Ada")
        session().commit()
        ask_ahead(NOBODYS.asked(missing=ada.id if ahead else UUID(int=7)))
        found = PERSON.one_with_ahead(reader(), email=ada.email if known else "nobody@x.example")
        assert found == ((ada.id, "Ada") if known else None)
        following = NOBODYS.one_or_none(reader(), missing=ada.id if ahead else UUID(int=7))
        assert following == (("Ada",) if ahead else None)


OTHERS_TOO = Prepared(
    sa.select(User.id, User.name, User.image, sa.bindparam("said", type_=sa.Text()).label("said"))
    .where((User.id == sa.bindparam("whose")) | (User.name == sa.bindparam("like")))
    .order_by(User.name.desc())
    .limit(2)
)


def test_what_is_asked_by_somebody_is_known_when_it_is_known_who_asks(app: Flask) -> None:
    with app.app_context():
        ada, _bo, _di = (add_user(session(), name) for name in ("Ada", "Bo", "Di"))
        session().commit()
        ask_ahead(
            COUNTED.asked(name="Bo"), OTHERS_TOO.asked_by("whose", like="Di", said="a {b}, “c”")
        )
        assert PERSON.one_with_ahead(reader(), email=ada.email).name == "Ada"
        db.session.remove()
        with db.engine.connect() as elsewhere:
            elsewhere.execute(sa.update(User).values(name="Bo"))
            elsewhere.commit()
        like = {"like": "Di", "said": "a {b}, “c”"}
        # Of somebody else one has to ask.
        assert OTHERS_TOO.all(reader(), whose=UUID(int=7), **like) == []
        found = OTHERS_TOO.all(reader(), whose=ada.id, **like)
        assert [(row.name, row.image, row.said) for row in found] == [
            ("Di", None, "a {b}, “c”"),
            ("Ada", None, "a {b}, “c”"),
        ]
        assert found[1].id == ada.id
        assert COUNTED.one(reader(), name="Bo").people == 2
        (anew,) = OTHERS_TOO.all(reader(), whose=ada.id, **like)
        assert anew.name == "Bo"


def test_who_has_nothing_of_their_own_has_no_rows_and_nobody_has_none_either(app: Flask) -> None:
    own = Prepared(BY_EMAILS.where(User.id == sa.bindparam("whose")))
    with app.app_context():
        ada = add_user(session(), "Ada")
        session().commit()
        ask_ahead(own.asked_by("whose", emails=["nobody@x.example"]))
        PERSON.one_with_ahead(reader(), email=ada.email)
        assert own.all(reader(), whose=ada.id, emails=["nobody@x.example"]) == []
        db.session.remove()
        ask_ahead(own.asked_by("whose", emails=[ada.email]))
        assert PERSON.one_with_ahead(reader(), email="nobody@x.example") is None
        assert [row.name for row in own.all(reader(), whose=ada.id, emails=[ada.email])] == ["Ada"]


@pytest.mark.parametrize("change", [session, commit])
def test_what_was_read_ahead_is_forgotten_where_something_may_change(
    app: Flask, change: Callable[[], object]
) -> None:
    with app.app_context():
        ada = add_user(session(), "Ada")
        session().commit()
        ask_ahead(COUNTED.asked(name="Bo"))
        PERSON.one_with_ahead(reader(), email=ada.email)
        change()
        with db.engine.connect() as elsewhere:
            elsewhere.execute(sa.update(User).values(name="Bo"))
            elsewhere.commit()
        assert COUNTED.one(reader(), name="Bo").people == 0
