"""The `OIDC_` variables: what they accept, what they refuse, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from respondeo.config import Settings, SettingsError
from respondeo.oidc.providers import Provider, read

ONE_PROVIDER = {
    "OIDC_PROVIDER_ID": "school",
    "OIDC_ISSUER": "https://id.school.example/realms/main",
    "OIDC_CLIENT_ID": "respondeo",
    "OIDC_CLIENT_SECRET": "hushhush",
}
TWO_PROVIDERS = {
    "OIDC_PROVIDERS": "school, google-work",
    "OIDC_SCHOOL_ISSUER": "https://id.school.example",
    "OIDC_SCHOOL_CLIENT_ID": "respondeo",
    "OIDC_SCHOOL_CLIENT_SECRET": "hushhush",
    "OIDC_GOOGLE_WORK_ISSUER": "https://accounts.google.com",
    "OIDC_GOOGLE_WORK_CLIENT_ID": "42.apps",
    "OIDC_GOOGLE_WORK_CLIENT_SECRET": "hushhush",
    "OIDC_GOOGLE_WORK_SCOPES": "openid email profile",
    "OIDC_GOOGLE_WORK_GROUPS_CLAIM": "a.b",
    "OIDC_GOOGLE_WORK_NAME": "Google",
}


def providers(environ: dict[str, str], *, production: bool = True) -> tuple[Provider, ...]:
    found, problems = read(environ, production=production)
    assert problems == []
    return found


def problems(environ: dict[str, str], *, production: bool = True) -> list[str]:
    return read(environ, production=production)[1]


def test_nothing_set_is_no_provider() -> None:
    assert providers({"APP_ENV": "production", "OIDC_ISSUER": " "}) == ()


def test_one_provider_with_its_defaults() -> None:
    (found,) = providers(ONE_PROVIDER)
    assert found == Provider(
        "school", "School", "https://id.school.example/realms/main", "respondeo", "hushhush"
    )
    assert found.scopes == ("openid", "profile", "email", "groups")
    assert found.groups_claim == "groups"
    assert found.discovery_url == (
        "https://id.school.example/realms/main/.well-known/openid-configuration"
    )
    assert found.redirect_uri("https://quiz.example") == "https://quiz.example/auth/callback/school"
    assert "hushhush" not in repr(found)


def test_one_provider_with_everything() -> None:
    more = {
        "OIDC_SCOPES": "openid  email,groups", "OIDC_GROUPS_CLAIM": "realm_access.roles",
        "OIDC_NAME": "Our School",
    }  # fmt: skip
    (found,) = providers(ONE_PROVIDER | more)
    assert found.scopes == ("openid", "email", "groups")
    assert (found.groups_claim, found.label) == ("realm_access.roles", "Our School")


def test_several_providers_in_their_order() -> None:
    school, google = providers(TWO_PROVIDERS)
    assert (school.id, school.label) == ("school", "School")
    assert (google.id, google.label, google.groups_claim) == ("google-work", "Google", "a.b")
    assert google.scopes == ("openid", "email", "profile")


@pytest.mark.parametrize("missing", list(ONE_PROVIDER))
def test_what_is_missing_of_one_provider_is_named(missing: str) -> None:
    left = {name: value for name, value in ONE_PROVIDER.items() if name != missing}
    (said,) = problems(left)
    assert said.startswith(f"  {missing} is missing: ")


def test_what_is_missing_of_several_is_named_at_once() -> None:
    said = problems({"OIDC_PROVIDERS": "school,google", "OIDC_SCHOOL_CLIENT_ID": "x"})
    assert len(said) == 5
    assert said[0].startswith("  OIDC_SCHOOL_ISSUER is missing")


@pytest.mark.parametrize(
    ("change", "name", "part"),
    [
        ({"OIDC_CLIENTID": "x"}, "OIDC_CLIENTID", "no such setting"),
        ({"OIDC_SCOPE": "openid"}, "OIDC_SCOPE", "no such setting"),
        ({"OIDC_SCHOOL_ISSUER": "https://x"}, "OIDC_SCHOOL_ISSUER", "no such setting"),
        ({"OIDC_PROVIDER_ID": "My School"}, "OIDC_PROVIDER_ID", "small letters"),
        ({"OIDC_PROVIDER_ID": "schöol"}, "OIDC_PROVIDER_ID", "small letters"),
        ({"OIDC_PROVIDER_ID": "a/b"}, "OIDC_PROVIDER_ID", "small letters"),
        ({"OIDC_PROVIDER_ID": "a" * 41}, "OIDC_PROVIDER_ID", "40 at most"),
        ({"OIDC_PROVIDER_ID": "local"}, "OIDC_PROVIDER_ID", "taken"),
        ({"OIDC_ISSUER": "http://id.school.example"}, "OIDC_ISSUER", "https"),
        ({"OIDC_ISSUER": "id.school.example"}, "OIDC_ISSUER", "https"),
        ({"OIDC_ISSUER": "https://"}, "OIDC_ISSUER", "name a host"),
        ({"OIDC_ISSUER": "https://x?a=b"}, "OIDC_ISSUER", "without"),
        ({"OIDC_ISSUER": "https://me:pw@x"}, "OIDC_ISSUER", "without"),
        ({"OIDC_ISSUER": "https://["}, "OIDC_ISSUER", "no address"),
        ({"OIDC_ISSUER": "https://x:port"}, "OIDC_ISSUER", "no address"),
        ({"OIDC_ISSUER": "https://x/.well-known/openid-configuration"}, "OIDC_ISSUER", "leave out"),
        ({"OIDC_SCOPES": "profile email"}, "OIDC_SCOPES", "openid"),
        ({"OIDC_CLIENT_SECRET": "a\tb"}, "OIDC_CLIENT_SECRET", "cannot be seen"),
        ({"OIDC_PROVIDERS": "school"}, "OIDC_PROVIDERS", "not both"),
    ],
)
def test_a_wrong_setting_of_one_provider_is_named(
    change: dict[str, str], name: str, part: str
) -> None:
    (said,) = problems(ONE_PROVIDER | change)
    assert said.startswith(f"  {name}")
    assert part in said


@pytest.mark.parametrize(
    ("change", "name", "part"),
    [
        ({"OIDC_PROVIDERS": "school,google-work,school"}, "OIDC_PROVIDERS", "twice"),
        ({"OIDC_PROVIDERS": "school,Google"}, "OIDC_PROVIDERS", "small letters"),
        ({"OIDC_PROVIDERS": ", ,"}, "OIDC_PROVIDERS", "name the providers"),
        ({"OIDC_PROVIDERS": "local"}, "OIDC_PROVIDERS", "taken"),
        ({"OIDC_ISSUER": "https://x"}, "OIDC_PROVIDERS", "not both"),
        ({"OIDC_CLUB_ISSUER": "https://x"}, "OIDC_CLUB_ISSUER", "no such setting"),
        ({"OIDC_SCHOOL_CLIENT": "x"}, "OIDC_SCHOOL_CLIENT", "no such setting"),
        ({"OIDC_SCHOOL_ISSUER": "ftp://x"}, "OIDC_SCHOOL_ISSUER", "https"),
    ],
)
def test_a_wrong_setting_of_several_is_named(change: dict[str, str], name: str, part: str) -> None:
    (said,) = problems(TWO_PROVIDERS | change)
    assert said.startswith(f"  {name}")
    assert part in said


@pytest.mark.parametrize("issuer", ["http://localhost:9000", "http://127.0.0.1", "http://[::1]:1"])
def test_plain_http_is_for_this_machine(issuer: str) -> None:
    assert providers(ONE_PROVIDER | {"OIDC_ISSUER": issuer})


def test_plain_http_is_accepted_outside_production() -> None:
    plain = ONE_PROVIDER | {"OIDC_ISSUER": "http://keycloak:8080/realms/x"}
    assert providers(plain, production=False)
    assert problems(plain)


def test_no_message_holds_a_secret() -> None:
    for environ in (ONE_PROVIDER, TWO_PROVIDERS):
        said = problems(environ | {"OIDC_NONSENSE": "hushhush", "OIDC_SCHOOL_ISSUER": "hushhush"})
        assert "hushhush" not in "".join(said)


def test_a_start_with_a_wrong_provider_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ONE_PROVIDER | {"OIDC_ISSUER": "school"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("APP_ENV", "demo")
    with pytest.raises(SettingsError, match="OIDC_ISSUER: it must begin with https"):
        Settings.load(Path("instance"))


def test_the_settings_hold_the_providers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in TWO_PROVIDERS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("APP_ENV", "demo")
    settings = Settings.load(tmp_path)
    assert [provider.id for provider in settings.oidc_providers] == ["school", "google-work"]
    assert "hushhush" not in repr(settings)
