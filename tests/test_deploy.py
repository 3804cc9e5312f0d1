"""The units of deploy/ are sound, and grant no more than they need."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

import pytest

from respondeo.serving import GRACE_S

DEPLOY = Path(__file__).parent.parent / "deploy"


class Unit(RawConfigParser):
    """A unit of systemd. A key that is said twice has both values."""

    def __init__(self, name: str) -> None:
        super().__init__(strict=False, interpolation=None)
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.read(DEPLOY / name)


SERVICES = ("respondeo.service", "respondeo-migrate.service")
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


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_read_its_files_and_use_the_network_and_nothing_else(name: str) -> None:
    service = Unit(name)["Service"]
    assert {key: service.get(key) for key in HARDENED} == HARDENED
    assert service["EnvironmentFile"] == "/etc/respondeo/env"


def test_both_services_are_hardened_alike() -> None:
    texts = [(DEPLOY / name).read_text() for name in SERVICES]
    first, second = ({line for line in text.splitlines() if "=" in line} for text in texts)
    alike = {
        line for line in first if line.startswith(("Protect", "Restrict", "Private", "System"))
    }
    assert len(alike) > 15
    assert alike <= second


def test_the_service_is_told_when_it_serves_and_given_time_to_finish() -> None:
    service = Unit("respondeo.service")["Service"]
    assert service["Type"] == "notify"
    assert service["ExecStart"].endswith("/flask serve")
    assert int(service["TimeoutStopSec"]) > GRACE_S
    assert service["KillMode"] == "mixed"


def test_the_database_is_upgraded_before_it_serves_and_a_failure_stops_the_start() -> None:
    unit = Unit("respondeo.service")["Unit"]
    assert "respondeo-migrate.service" in unit["Requires"]
    assert "respondeo-migrate.service" in unit["After"]
    migrate = Unit("respondeo-migrate.service")["Service"]
    assert migrate["Type"] == "oneshot"
    assert migrate["ExecStart"].endswith("/flask db upgrade")


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_passes_on_only_what_it_knows_itself_and_asks_where_the_socket_is(
    name: str,
) -> None:
    text = (DEPLOY / name).read_text()
    listens = Unit("respondeo.socket")["Socket"]["ListenStream"]
    assert listens in text
    assert "$proxy_add_x_forwarded_for" not in text
    assert "TRUSTED_PROXIES=127.0.0.1" in text
