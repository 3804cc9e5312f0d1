"""The settings: what they accept, what they refuse, and in which words."""

import os
import stat
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from respondeo.config import Settings, SettingsError
from respondeo.demo.load import STAFF
from respondeo.domain.access import PERMISSIONS

ROOT = Path(__file__).parent.parent
SECRET = "a secret of the test, long enough: 0123456789"
PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": SECRET,
    "APP_URL": "https://quiz.example.org",
    "DATABASE_URL": "postgresql://quiz_app:hushhush@localhost:5432/quiz_app",
}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.startswith(("OIDC_", "RBAC_")):
            monkeypatch.delenv(name)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Load":
    return Load(monkeypatch, tmp_path)


class Load:
    """Loads settings from an environment given as names and values."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, instance: Path) -> None:
        self._monkeypatch = monkeypatch
        self.instance = instance

    def __call__(self, base: dict[str, str], **more: str) -> Settings:
        for name, value in (base | more).items():
            self._monkeypatch.setenv(name, value)
        return Settings.load(self.instance)

    def problems(self, base: dict[str, str], **more: str) -> str:
        with pytest.raises(SettingsError) as caught:
            self(base, **more)
        assert caught.value.exit_code == 2
        return caught.value.message


DEVELOPMENT = {"APP_ENV": "development"}
DEMO = {"APP_ENV": "demo"}


def test_production_names_everything_that_is_missing_at_once(load: Load) -> None:
    said = load.problems({})
    for name in ("SECRET_KEY", "APP_URL", "DATABASE_URL"):
        assert f"{name} is required in production" in said
    assert len(said.splitlines()) == 4


def test_production_starts_with_the_three_settings(load: Load) -> None:
    settings = load(PRODUCTION)
    assert (settings.app_env, settings.port, settings.web_concurrency) == ("production", 8000, 2)
    assert not settings.rbac_public_play_quiz
    assert not (load.instance / "secret_key").exists()


def test_an_empty_variable_counts_as_unset(load: Load) -> None:
    assert load(PRODUCTION, PORT="", TRUSTED_PROXIES="").port == 8000
    assert "APP_URL is required" in load.problems(PRODUCTION, APP_URL="")


def test_development_keeps_a_secret_that_only_its_owner_reads(load: Load) -> None:
    first = load(DEVELOPMENT)
    file = load.instance / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(first.secret_key) >= 32
    assert load(DEVELOPMENT).secret_key == first.secret_key == file.read_text()
    assert list(load.instance.iterdir()) == [file]


def test_development_needs_nothing_and_follows_the_port(load: Load) -> None:
    settings = load(DEVELOPMENT, PORT="8123")
    assert settings.app_url == "http://127.0.0.1:8123"
    assert settings.database_url is None
    assert not settings.rbac_public_browse_quizzes


def test_the_demo_lets_guests_play_unless_told_otherwise(load: Load) -> None:
    settings = load(DEMO, RBAC_PUBLIC_LEADERBOARD="false")
    assert settings.rbac_public_browse_quizzes
    assert settings.rbac_public_play_quiz
    assert settings.access_rules().permissions_of("guest") == {
        "quiz:browse", "quiz:view", "quiz:play",
    }  # fmt: skip


def test_each_person_of_the_demo_has_the_role_that_their_name_says(load: Load) -> None:
    rules = load(DEMO).access_rules()
    roles = {name: rules.role_of(groups) for name, _, groups in STAFF}
    assert roles == {"Demo Admin": "admin", "Demo Creator": "creator", "Demo Player": "user"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://quiz.example.org/", "https://quiz.example.org"),
        ("HTTPS://Quiz.Example.org:443", "https://quiz.example.org"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_the_address_is_kept_in_one_form(load: Load, given: str, kept: str) -> None:
    assert load(PRODUCTION, APP_URL=given).app_url == kept


@pytest.mark.parametrize(
    "given",
    ["quiz.example.org", "ftp://quiz.example.org", "https://", "https://quiz.example.org/app",
     "https://me:pw@quiz.example.org", "https://quiz.example.org?x=1", "https://x:port"],
)  # fmt: skip
def test_an_address_that_is_no_bare_origin_is_refused(load: Load, given: str) -> None:
    assert "APP_URL: " in load.problems(PRODUCTION, APP_URL=given)


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://user:password@localhost:5432/quiz_app",
        "postgresql://user:password@localhost:5432/quiz_app?sslmode=require",
        "postgres://user:password@db.example.com:5432/quiz_app",
        "postgresql://user:pass@pooler.example.com:6543/quiz_app?pgbouncer=true",
    ],
)
def test_every_form_of_database_address_is_taken_as_it_is(load: Load, given: str) -> None:
    assert load(PRODUCTION, DATABASE_URL=given).database_url == given


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("APP_ENV", "staging", "'production', 'development' or 'demo'"),
        ("SECRET_KEY", "too short", "at least 32 random characters"),
        ("SECRET_KEY", "x" * 40, "at least 32 random characters"),
        ("DATABASE_URL", "mysql://localhost/quiz", "postgresql:// or postgres://"),
        ("PORT", "http", "1 to 65535"),
        ("PORT", "70000", "1 to 65535"),
        ("TRUSTED_PROXIES", "10.0.0.1,proxy", "'proxy'"),
        ("WEB_CONCURRENCY", "0", "1 or more"),
        ("WEB_HOST", "everywhere", "such as 127.0.0.1"),
        ("WEB_MAX_REQUESTS", "-1", "0: never"),
        ("METRICS_TOKEN", "too short", "at least 16 characters"),
        ("LOG_LEVEL", "loud", "DEBUG, INFO"),
        ("RBAC_PUBLIC_PLAY_QUIZ", "perhaps", "true or false"),
        ("RBAC_DEFAULT_ROLE", "teacher", "“teacher”"),
        ("RBAC_ROLE_USER_PERMISSIONS", "quiz:view,quiz:fly", "“quiz:fly”"),
        ("RBAC_ROLE_TEACHER_GROUPS", "staff", "the roles are admin"),
        ("RBAC_PUBLIC_EVERYTHING", "true", "no such setting"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_should_be(
    load: Load, name: str, value: str, part: str
) -> None:
    said = load.problems(PRODUCTION, **{name: value})
    line = next(line for line in said.splitlines() if line.startswith(f"  {name}"))
    assert part in line


def test_secrets_appear_neither_in_messages_nor_in_the_repr(load: Load) -> None:
    assert "hushhush" not in repr(load(PRODUCTION))
    assert SECRET not in repr(load(PRODUCTION))
    secret = {"SECRET_KEY": "hush-hush", "DATABASE_URL": "mysql://me:hushhush@localhost/quiz"}
    said = load.problems(PRODUCTION, **secret)
    assert "hush" not in said


def test_lists_are_separated_by_commas_with_or_without_spaces(load: Load) -> None:
    settings = load(
        PRODUCTION,
        TRUSTED_PROXIES="10.0.0.5, 172.16.1.1/12,::1",
        RBAC_ROLE_CREATOR_GROUPS=" teachers ,, Heads of year",
    )
    assert settings.trusted_proxies == tuple(
        ip_network(text) for text in ("10.0.0.5", "172.16.0.0/12", "::1")
    )
    assert settings.rbac_role_creator_groups == {"teachers", "Heads of year"}


def test_roles_follow_groups_and_a_star_is_every_permission(load: Load) -> None:
    rules = load(
        PRODUCTION,
        RBAC_DEFAULT_ROLE="guest",
        RBAC_ROLE_CREATOR_GROUPS="teachers",
        RBAC_ROLE_CREATOR_PERMISSIONS="*",
        RBAC_ROLE_USER_PERMISSIONS="quiz:browse",
    ).access_rules()
    assert rules.role_of(["teachers", "admin"]) == "admin"
    assert rules.role_of(["teachers"]) == "creator"
    assert rules.role_of([]) == "guest"
    assert rules.permissions_of("creator") == PERMISSIONS
    assert rules.permissions_of("user") == {"quiz:browse"}
    assert rules.permissions_of("guest") == frozenset()


def test_a_folder_that_cannot_keep_the_secret_says_what_to_do(load: Load) -> None:
    load.instance = Path("/proc/self/nowhere")
    assert "set SECRET_KEY" in load.problems(DEVELOPMENT)


def test_a_flask_command_prints_the_problems_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "routes"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "APP_ENV": "production", "PORT": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "PORT: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_is_for_this_machine_only(load: Load) -> None:
    with pytest.raises(SettingsError, match="APP_URL: the demo is for this machine only"):
        load(DEMO, APP_URL="https://quiz.example.org")
    assert load(DEMO, APP_URL="http://localhost:9000").app_url == "http://localhost:9000"
