"""The address of a Valkey server among the settings: its forms, its flaws, its secret."""

from __future__ import annotations

from typing import Any

import pytest

from respondeo.rate_limits.valkey import ValkeyStorage, share_server
from respondeo.valkey_url import checked
from tests.test_config import PRODUCTION, Load, _bare_environment, load

__all__ = ["_bare_environment", "load"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("valkey://cache", "redis://cache"),
        ("valkey://cache:6380/2", "redis://cache:6380/2"),
        (" VALKEYS://me:hush@cache ", "rediss://me:hush@cache"),
        ("redis://:hush@localhost:6379/0", "redis://:hush@localhost:6379/0"),
        ("rediss://default:hush@cache?ssl_cert_reqs=none", None),
        ("redis://[::1]:6379", None),
        ("redis://:p%2Fa%23s%3Fs%40@cache/", None),
        ("unix:///run/valkey/valkey.sock", None),
        ("unix://me:hush@/run/valkey.sock?db=3", None),
    ],
)
def test_an_address_has_one_of_five_forms(load: Load, given: str, kept: str | None) -> None:
    address = load(PRODUCTION, VALKEY_URL=given).valkey_url
    assert address == (kept or given)
    assert address is not None
    pool: Any = ValkeyStorage(share_server(address, threads=1)).server.connection_pool
    assert pool.make_connection()  # knows every option, and connects to nothing yet


@pytest.mark.parametrize(
    ("given", "flaw"),
    [
        ("hushhush", "it must begin with valkey://, valkeys://, redis://, rediss://, unix://"),
        ("http://:hushhush@cache", "it must begin with"),
        ("valkey://", "it names no host"),
        ("valkey://:hushhush@/0", "it names no host"),
        ("valkey://:hushhush@cache:none", "its port"),
        ("valkey://:hushhush@cache:65536", "its port"),
        ("valkey://[::1", "its host"),
        ("valkey://:hush/hush@cache", "write / as %2F"),
        ("valkey://:1/hushhush@cache", "write / as %2F"),
        ("valkey://:hush#hush@cache", "write / as %2F, # as %23"),
        ("valkey://me:12#hushhush@cache", "it has a #"),
        ("valkey://me:12?hushhush@cache", "an option that is none of db"),
        ("valkey://cache/first", "the number of a database"),
        ("valkey://cache/1/2", "the number of a database"),
        ("valkey://cache/²", "the number of a database"),
        ("valkey://hushhush@cache", "a password stands after a colon"),
        ("valkey://cache?db=first", "db is the number of a database"),
        ("valkey://cache?socket_timeout=60", "an option that is none of db"),
        ("valkey://cache?ssl_cert_reqs=none", "an option that is none of db"),
        ("valkeys://cache?ssl_cert_reqs=maybe", "ssl_cert_reqs is one of none, optional, required"),
        ("unix://run/valkey.sock", "by its whole path"),
        ("unix://", "by its whole path"),
    ],
)
@pytest.mark.parametrize("name", ["VALKEY_URL", "REDIS_URL"])
def test_another_one_is_refused_by_its_flaw_and_its_password_is_not_told(
    load: Load, name: str, given: str, flaw: str
) -> None:
    said = load.problems(PRODUCTION, **{name: given})
    (line,) = (line for line in said.splitlines() if line.startswith(f"  {name}: "))
    assert flaw in line
    assert "hush" not in said


def test_either_name_will_do_and_both_if_they_agree(load: Load) -> None:
    assert load(PRODUCTION).valkey_url is None
    assert load(PRODUCTION, REDIS_URL="redis://cache").valkey_url == "redis://cache"
    both = load(PRODUCTION, VALKEY_URL="valkey://cache", REDIS_URL="redis://cache")
    assert both.valkey_url == "redis://cache"


def test_two_addresses_that_differ_are_refused(load: Load) -> None:
    said = load.problems(
        PRODUCTION, VALKEY_URL="valkey://:hushhush@cache/1", REDIS_URL="redis://:hushhush@cache/2"
    )
    assert "  VALKEY_URL: REDIS_URL is set too, to something else; keep one of them" in said
    assert "hush" not in said


def test_the_address_is_no_part_of_what_settings_show(load: Load) -> None:
    settings = load(PRODUCTION, REDIS_URL="redis://:hushhush@cache")
    assert "hushhush" not in repr(settings)
    assert checked("valkey://:hushhush@cache") == settings.valkey_url
