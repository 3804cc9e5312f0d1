"""The units of deploy/ are sound, and grant no more than they need."""

from __future__ import annotations

import os
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from respondeo.serving import GRACE_S
from tests.ports import free_port

DEPLOY = Path(__file__).parent.parent / "deploy"


class Unit(RawConfigParser):
    """A unit of systemd. A key that is said twice has both values."""

    def __init__(self, name: str) -> None:
        super().__init__(strict=False, interpolation=None)
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.read(DEPLOY / name)


HARDENED = {
    "DynamicUser": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "MemoryDenyWriteExecute": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "UMask": "0077",
}


def test_the_service_may_read_its_files_and_use_the_network_and_nothing_else() -> None:
    service = Unit("respondeo.service")["Service"]
    assert {key: service.get(key) for key in HARDENED} == HARDENED
    assert service["EnvironmentFile"] == "/etc/respondeo/env"


def test_the_service_is_told_when_it_serves_and_given_time_to_finish() -> None:
    service = Unit("respondeo.service")["Service"]
    assert service["Type"] == "notify"
    assert service["ExecStart"].endswith("/flask serve")
    assert int(service["TimeoutStopSec"]) > GRACE_S
    assert service["KillMode"] == "mixed"


def test_a_database_that_comes_late_is_waited_for_and_an_upgrade_is_never_cut_short() -> None:
    unit, service = (Unit("respondeo.service")[part] for part in ("Unit", "Service"))
    assert unit["Requires"] == "respondeo.socket"  # nothing that fails where the database does
    assert unit["StartLimitIntervalSec"] == "0"
    assert service["Restart"] == "on-failure"
    assert int(service["RestartSec"]) >= 1
    assert service["TimeoutStartSec"] == "infinity"


def test_wrong_settings_end_the_service_and_a_missing_database_makes_it_try_again() -> None:
    never = int(Unit("respondeo.service")["Service"]["RestartPreventExitStatus"])
    database = "postgresql://nobody@127.0.0.1:1/nowhere"
    assert exit_status(APP_URL="nonsense", DATABASE_URL=database) == never
    assert exit_status(APP_URL="https://quiz.example.org", DATABASE_URL=database) not in {0, never}


def exit_status(**settings: str) -> int:
    """How `flask serve` ends with these settings, as the unit starts it."""
    usual = {"PATH": os.environ["PATH"], "PORT": str(free_port()), "SECRET_KEY": "0123456789" * 4}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "serve"]
    done = subprocess.run(
        command, env=usual | settings, cwd=DEPLOY.parent, capture_output=True, check=False
    )
    return done.returncode


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_passes_on_only_what_it_knows_itself_and_asks_where_the_socket_is(
    name: str,
) -> None:
    text = (DEPLOY / name).read_text()
    listens = Unit("respondeo.socket")["Socket"]["ListenStream"]
    assert listens in text
    assert "$proxy_add_x_forwarded_for" not in text
    assert "TRUSTED_PROXIES=127.0.0.1" in text
