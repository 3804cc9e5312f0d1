import os, time
import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.web.apps import AppWith
from tests.api.fuzzing import furnished, fuzz
from tests.api.conftest import Programs
from tests.browser.server import serving
from tests.factories import add_user

ROLES = {"user": [], "creator": ["teachers"], "moderator": ["heads"], "admin": ["admin"]}


@pytest.fixture
def app(app_with: AppWith) -> Flask:
    return app_with(rbac_role_moderator_groups="heads", rbac_role_creator_groups="teachers")


@pytest.fixture(scope="session")
def url(database, tmp_path_factory):
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(
        database,
        log,
        RBAC_ROLE_MODERATOR_GROUPS="heads",
        RBAC_ROLE_CREATOR_GROUPS="teachers",
        WEB_CONCURRENCY="1",
    ) as url:
        yield url
    print([x for x in log.read_text().splitlines() if "Traceback" in x or '"error"' in x][:20])


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_fuzz(app, url, committed, program, role):
    user = add_user(committed, "Caller", groups=ROLES.get(role, []))
    committed.commit()
    t = time.time()
    world = furnished(committed, program, user, 3)
    print("furnished", time.time() - t)
    key = program(user=user).headers["x-api-key"] if role != "nobody" else None
    t = time.time()
    seen = fuzz(
        url,
        key,
        world,
        int(os.environ.get("N", "10")),
        phases={
            p: {"enabled": p in os.environ.get("P", "examples,coverage,fuzzing,stateful")}
            for p in ("examples", "coverage", "fuzzing", "stateful")
        },
    )
    print(role, time.time() - t, seen.cases)
    for one, counts in seen.statuses.items():
        print("  ", one, dict(sorted(counts.items())))
    for k, v in seen.found.items():
        print("!!!", k, "\n", v, "\n")
    for k in seen.errors:
        print("ERR", k)
    assert len(seen.found) + len(seen.errors) == 0
