"""Whatever is asked, the API answers as its document says; schemathesis asks, in every role.

FUZZ_EXAMPLES=500 asks that much more of each operation; -s shows what was asked and answered.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.api.conftest import Programs
from tests.api.furnishing import furnished
from tests.api.fuzzing import fuzzed
from tests.browser.server import serving
from tests.factories import add_user
from tests.web.apps import AppWith

FEW = 5
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", FEW))
GROUPS = {"admin": ["admin"], "moderator": ["heads"], "creator": ["teachers"], "user": []}
CHECKS = {
    "allow_header_conformance",
    "content_type_conformance",
    "ensure_resource_availability",
    "ignored_auth",
    "missing_required_header",
    "negative_data_rejection",
    "not_a_server_error",
    "object_level_authorization",
    "positive_data_acceptance",
    "response_headers_conformance",
    "response_schema_conformance",
    "status_code_conformance",
    "unsupported_method",
    "use_after_free",
}
OPEN_TO_ALL = {"GET /api/auth/get-session"}
FOR_AUTHORS = {
    "POST /api/quizzes",
    "PUT /api/quizzes/{quiz_id}",
    "DELETE /api/quizzes/{quiz_id}",
}


@pytest.fixture
def app(app_with: AppWith) -> Flask:
    """It has all roles."""
    return app_with(rbac_role_moderator_groups="heads", rbac_role_creator_groups="teachers")


@pytest.fixture(scope="module")
def url(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same, served on the same database."""
    log = tmp_path_factory.mktemp("fuzzed") / "log"
    roles = {"RBAC_ROLE_MODERATOR_GROUPS": "heads", "RBAC_ROLE_CREATOR_GROUPS": "teachers"}
    with serving(database, log, WEB_CONCURRENCY="1", **roles) as url:
        yield url


@pytest.mark.parametrize("role", GROUPS)
def test_all_that_a_role_asks_is_answered_as_documented(
    app: Flask, url: str, committed: Session, program: Programs, role: str
) -> None:
    caller = add_user(committed, "A Caller", groups=GROUPS[role])
    ids = furnished(committed, program, caller)
    key = program(user=caller).headers["x-api-key"]
    found = fuzzed(url, key, ids, EXAMPLES, large=role == "admin" or EXAMPLES > FEW)
    print(role, found)  # noqa: T201
    assert not found.faults
    assert set(found.checks) == CHECKS
    # It was not just refused: each operation did its work at least once.
    assert found.served() == set(found.statuses) - (FOR_AUTHORS if role == "user" else set())


def test_who_has_no_key_is_answered_as_documented_and_gets_nothing(
    app: Flask, url: str, committed: Session, program: Programs
) -> None:
    ids = furnished(committed, program, add_user(committed, "Somebody"))
    found = fuzzed(url, None, ids, EXAMPLES, large=EXAMPLES > FEW)
    print(found)  # noqa: T201
    assert not found.faults
    assert found.served() == OPEN_TO_ALL
