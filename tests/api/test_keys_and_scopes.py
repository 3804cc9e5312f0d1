"""What a key opens, to the last operation; and when it opens nothing any more."""

from __future__ import annotations

from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.api.endpoints import OPERATIONS
from respondeo.domain.scopes import SCOPES
from respondeo.models import Quiz
from respondeo.services import users
from tests.api.conftest import Program, Programs, quiz_body
from tests.client import SAME_ORIGIN
from tests.web.apps import Browser

NOTHING = str(uuid4())


def test_of_all_operations_a_scope_opens_those_that_name_it(program: Programs) -> None:
    narrow = {scope: program("admin", scopes=(scope,)) for scope in SCOPES}
    for operation in OPERATIONS:
        path = f"/api{operation.path}".format(quiz_id=NOTHING, attempt_id=NOTHING)
        for scope, caller in narrow.items():
            status = caller.request(operation.method, path).status_code
            is_refused = operation.scope not in (None, scope)
            assert (status == 403) is is_refused, (operation.name, scope, status)


def test_without_a_key_every_operation_asks_for_one_but_the_session(stranger: Program) -> None:
    for operation in OPERATIONS:
        path = f"/api{operation.path}".format(quiz_id="no-id", attempt_id="no-id")
        expected = 200 if operation.open_to_all else 401
        assert stranger.request(operation.method, path).status_code == expected, operation.name


def test_the_key_of_somebody_deleted_opens_nothing(program: Programs, committed: Session) -> None:
    caller = program()
    assert caller.user is not None
    caller.ask("GET", "/api/quizzes", 200)
    users.delete_user(committed, caller.user.id)
    committed.commit()
    caller.ask("GET", "/api/quizzes", 401)


def test_a_bad_key_does_not_carry_a_cookie_past_the_guard(
    program: Programs, browser: Browser, committed: Session
) -> None:
    made = program("admin").ask("POST", "/api/quizzes", 201, quiz_body())
    path, signed_in = f"/api/quizzes/{made['id']}", browser("An Admin", "admin")
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for key in ("", "rsp_", "\xff"):
        for site in (foreign, SAME_ORIGIN):
            refused = signed_in.open(path, method="DELETE", headers={**site, "x-api-key": key})
            assert refused.status_code == 401
    assert signed_in.open(path, method="DELETE", headers=foreign).status_code == 403
    assert committed.scalar(sa.select(Quiz.id).where(Quiz.id == UUID(made["id"])))
    assert signed_in.open(path, method="DELETE", headers=SAME_ORIGIN).status_code == 204
