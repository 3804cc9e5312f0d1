"""The settings: read from the environment once, checked at start, explained when wrong.

docs/configuration.md lists them for operators; a test keeps the two together.
"""

import ipaddress
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from click import ClickException
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from respondeo.connection_string import ConnectionString
from respondeo.domain.access import (
    ALL,
    DEFAULT_ROLE_PERMISSIONS,
    GUEST,
    PERMISSIONS,
    ROLES,
    AccessRules,
)
from respondeo.oidc import providers
from respondeo.oidc.providers import Provider
from respondeo.valkey_url import checked

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SHORTEST_SECRET = 32  # characters
SHORTEST_TOKEN = 16
LOOPBACK = ("127.0.0.1", "localhost")

_PUBLIC = {
    "rbac_public_browse_quizzes": "quiz:browse",
    "rbac_public_view_quiz": "quiz:view",
    "rbac_public_play_quiz": "quiz:play",
    "rbac_public_leaderboard": "leaderboard:view",
}


class SettingsError(ClickException):
    """The settings are wrong: one line per problem, naming the variable and what to do.

    A `flask` command that meets it prints the lines and no traceback.
    """

    exit_code = 2


def _split(value: object) -> object:
    """`a, b` becomes ["a", "b"]; an empty part is none."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _known_permissions(names: frozenset[str]) -> frozenset[str]:
    unknown = names - PERMISSIONS - {ALL}
    if unknown:
        raise ValueError(f"there is no permission {_listed(unknown)}")
    return PERMISSIONS if ALL in names else names


def _known_role(name: str) -> str:
    if name not in ROLES:
        raise ValueError(f"there is no role “{name}”; the roles are {', '.join(ROLES)}")
    return name


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"“{name}”" for name in sorted(names))


def _origin(value: str) -> str:
    """`HTTPS://Quiz.example:443/` becomes `https://quiz.example`. Raises ValueError."""
    parts = urlsplit(value.strip())
    scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    if scheme not in {"http", "https"} or not host:
        raise ValueError("it must begin with https:// or http:// and name a host")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username:
        raise ValueError("it must be the bare address, with nothing after the host and port")
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{shown}" + (f":{port}" if port not in {None, usual} else "")


def _postgresql(value: str | None) -> str | None:
    if value is not None:
        ConnectionString.parse(value)
    return value


def _valkey(value: str | None) -> str | None:
    return None if value is None else checked(value)


def _strong(value: str) -> str:
    if value and (len(value) < SHORTEST_SECRET or len(set(value)) < 8):
        raise ValueError(f"it must be at least {SHORTEST_SECRET} random characters")
    return value


def _long(value: str) -> str:
    if value and len(value) < SHORTEST_TOKEN:
        raise ValueError(f"it must have at least {SHORTEST_TOKEN} characters")
    return value


def _address(value: str) -> str:
    return str(ipaddress.ip_address(value)) if value else ""


def _networks(value: object) -> object:
    parts = _split(value)
    if isinstance(parts, list):
        return [ipaddress.ip_network(part, strict=False) for part in parts]
    return parts


Names = Annotated[frozenset[str], NoDecode, BeforeValidator(_split)]
Permissions = Annotated[Names, AfterValidator(_known_permissions)]
DatabaseUrl = Annotated[str | None, AfterValidator(_postgresql)]
ValkeyUrl = Annotated[str | None, AfterValidator(_valkey)]


class Settings(BaseSettings):
    """One field for each environment variable, of the same name in small letters."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    app_env: Literal["production", "development", "demo"] = Field(
        "production", description="production, development or demo"
    )
    secret_key: Annotated[str, AfterValidator(_strong)] = Field(
        repr=False,
        description="signs cookies; make one with:"
        " python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    )
    app_url: Annotated[str, AfterValidator(_origin)] = Field(
        description="the public address, such as https://quiz.example.org"
    )
    port: int = Field(8000, ge=1, le=65535, description="the port to listen on, 1 to 65535")
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (), description="addresses or networks, separated by commas: 10.0.0.5,172.16.0.0/12"
    )

    database_url: DatabaseUrl = Field(
        repr=False, description="such as postgresql://user:password@localhost:5432/quiz_app"
    )
    database_direct_url: DatabaseUrl = Field(
        None, repr=False, description="DATABASE_URL without the pooler, where there is one"
    )

    redis_url: ValkeyUrl = Field(
        None, repr=False, description="such as redis://:password@localhost:6379/0"
    )
    valkey_url: ValkeyUrl = Field(
        None,
        repr=False,
        validate_default=True,
        description="such as valkey://:password@localhost:6379/0",
    )

    auth_local: bool = Field(
        False, description="true or false: whether people sign in with an e-mail and a password"
    )

    oidc_providers: Annotated[tuple[Provider, ...], NoDecode] = Field(
        (), description="the identity providers, read by respondeo/oidc/providers.py"
    )

    rbac_public_browse_quizzes: bool = Field(False, description="true or false")
    rbac_public_view_quiz: bool = Field(False, description="true or false")
    rbac_public_play_quiz: bool = Field(False, description="true or false")
    rbac_public_leaderboard: bool = Field(False, description="true or false")
    rbac_default_role: Annotated[str, AfterValidator(_known_role)] = Field(
        "user", description="the role of a person none of whose groups names one"
    )
    rbac_role_admin_groups: Names = Field(
        frozenset({"admin"}), description="groups, separated by commas"
    )
    rbac_role_moderator_groups: Names = Field(
        frozenset(), description="groups, separated by commas"
    )
    rbac_role_creator_groups: Names = Field(frozenset(), description="groups, separated by commas")
    rbac_role_user_groups: Names = Field(frozenset(), description="groups, separated by commas")
    rbac_role_admin_permissions: Permissions = Field(
        DEFAULT_ROLE_PERMISSIONS["admin"], description="permissions, separated by commas, or *"
    )
    rbac_role_moderator_permissions: Permissions = Field(
        DEFAULT_ROLE_PERMISSIONS["moderator"], description="permissions, separated by commas, or *"
    )
    rbac_role_creator_permissions: Permissions = Field(
        DEFAULT_ROLE_PERMISSIONS["creator"], description="permissions, separated by commas, or *"
    )
    rbac_role_user_permissions: Permissions = Field(
        DEFAULT_ROLE_PERMISSIONS["user"], description="permissions, separated by commas, or *"
    )
    rbac_role_guest_permissions: Permissions = Field(
        DEFAULT_ROLE_PERMISSIONS["guest"], description="permissions, separated by commas, or *"
    )

    rate_limit_guest_plays: int = Field(
        5, ge=1, description="how many plays a guest's address may start in a window"
    )
    rate_limit_window_ms: int = Field(60_000, ge=1, description="the window in milliseconds")

    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
    ] = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL")
    metrics_token: Annotated[str, AfterValidator(_long)] = Field(
        "", repr=False, description="what opens /metrics from other machines"
    )
    web_host: Annotated[str, AfterValidator(_address)] = Field(
        "", description="the address to listen on, such as 127.0.0.1 or ::"
    )
    web_max_requests: int = Field(
        100_000, ge=0, description="a worker is replaced after so many requests; 0: never"
    )
    web_concurrency: int = Field(2, ge=1, description="worker processes, 1 or more")
    web_threads: int = Field(8, ge=1, description="threads in each worker, 1 or more")

    @model_validator(mode="before")
    @classmethod
    def _relax_outside_production(cls, values: dict[str, Any]) -> dict[str, Any]:
        """What production must be told, development and demo have a default for."""
        env = values.get("app_env", "production")
        if env in {"development", "demo"}:
            local = f"http://127.0.0.1:{_usable_port(values.get('port'))}"
            values = {"secret_key": "", "app_url": local, "database_url": None} | values
        if env == "demo":
            demo = {**dict.fromkeys(_PUBLIC, True), "rbac_role_creator_groups": "creators"}
            values = demo | values
        return values

    @field_validator("app_url")
    @classmethod
    def _demo_stays_here(cls, value: str, info: ValidationInfo) -> str:
        """Everybody is one click from being the demo's admin, so nobody else may reach it."""
        if info.data.get("app_env") == "demo" and urlsplit(value).hostname not in LOOPBACK:
            raise ValueError("the demo is for this machine only; set APP_ENV=production for others")
        return value

    @field_validator("valkey_url")
    @classmethod
    def _one_valkey(cls, value: str | None, info: ValidationInfo) -> str | None:
        """The one address there is, of whichever name."""
        other: str | None = info.data.get("redis_url")
        if value is not None and other not in {None, value}:
            raise ValueError("REDIS_URL is set too, to something else; keep one of them")
        return value or other

    @classmethod
    def load(cls, instance_path: Path) -> Self:
        """The settings of this process's environment. Raises SettingsError.

        Outside production a missing SECRET_KEY is made once and kept in `instance_path`.
        """
        found, wrong = providers.read(
            os.environ, production=os.environ.get("APP_ENV") not in {"development", "demo"}
        )
        problems = _unknown_rbac(set(cls.model_fields)) + wrong
        settings = None
        try:
            settings = cls(oidc_providers=found)
        except ValidationError as error:
            problems += [_problem(cls, dict(found)) for found in error.errors()]
        if problems or settings is None:
            raise SettingsError(
                "\n".join(["Respondeo cannot start with these settings.", *problems])
            )
        if not settings.secret_key:
            kept = _kept_secret(instance_path / "secret_key")
            settings = settings.model_copy(update={"secret_key": kept})
        return settings

    def access_rules(self) -> AccessRules:
        """Who has which role, and what a role may do, with the public switches applied."""
        closed = {permission for name, permission in _PUBLIC.items() if not getattr(self, name)}
        allowed = {role: getattr(self, f"rbac_role_{role}_permissions") for role in ROLES}
        return AccessRules(
            default_role=self.rbac_default_role,
            role_groups={
                role: getattr(self, f"rbac_role_{role}_groups") for role in ROLES if role != GUEST
            },
            role_permissions=allowed | {GUEST: allowed[GUEST] - closed},
        )


def _usable_port(value: object) -> int:
    """The port for the default address; what is wrong with PORT is said elsewhere."""
    text = str(value)
    return int(text) if text.isdecimal() and 0 < int(text) <= 65535 else 8000


def _unknown_rbac(fields: set[str]) -> list[str]:
    """A misspelt role would silently give nobody that role."""
    known = {name.upper() for name in fields}
    return [
        f"  {name}: there is no such setting; the roles are {', '.join(ROLES)}"
        for name in sorted(os.environ)
        if name.startswith("RBAC_") and name not in known
    ]


def _problem(settings: type[Settings], error: dict[str, Any]) -> str:
    name = str(error["loc"][0])
    meaning = settings.model_fields[name].description
    if error["type"] == "missing":
        return f"  {name.upper()} is required in production: {meaning}"
    said = error["msg"].removeprefix("Value error, ")
    return f"  {name.upper()}: {said} ({meaning})"


def _kept_secret(file: Path) -> str:
    """The secret in `file`, made if it is missing. Two processes at once make one."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            new = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(48))
            # A link, not a move: whoever comes second takes the secret of the first.
            with suppress(FileExistsError):
                file.hardlink_to(new)
            new.unlink()
        return _strong(file.read_text().strip())
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"SECRET_KEY is not set, and none can be kept in {file}: {error}.\n"
            "Put the project in a folder of your own, or set SECRET_KEY."
        ) from error
