"""A real provider, oidc-provider-mock, and a front before it that can play faults.

The provider runs in a process of its own. A front hands everything on to it, under an address
that is its own issuer; it may rewrite what the provider says on the way, and sign anew.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import requests
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import JWSRegistry
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from respondeo.oidc.providers import Provider
from tests.ports import free_port

DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/jwks"
TOKEN = "/oauth2/token"
USERINFO = "/userinfo"
SECRET = "the-client-secret-of-the-tests"
SECONDS_TO_START = 30
ADA: dict[str, Any] = {
    "email": "Ada@School.example",
    "email_verified": True,
    "name": "Ada Lovelace",
    "groups": ["teachers", "heads"],
    "picture": "https://school.example/ada.png",
}

Rewrite = Callable[[dict[str, Any]], object]


@contextmanager
def real_provider() -> Iterator[str]:
    """Run the provider; gives its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port)],
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(url, server)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        try:
            requests.get(f"{url}/jwks", timeout=5).close()
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the provider did not start")


@cache
def own_key() -> RSAKey:
    """The key of all fronts."""
    return new_key("front")


def new_key(kid: str | None = None) -> RSAKey:
    """A key for signing."""
    return RSAKey.generate_key(2048, {"kid": kid or uuid4().hex, "use": "sig"})


@dataclass
class Front:
    """What stands before the provider. `rewrite`: by path, what becomes of its JSON."""

    behind: str
    url: str = ""
    rewrite: dict[str, Rewrite] = field(default_factory=dict)
    hang: dict[str, threading.Event] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    key: RSAKey = field(default_factory=own_key)
    issued: list[str] = field(default_factory=list)
    ahead: int = 0  # seconds that its clock is ahead of ours
    cached: dict[str, int] = field(default_factory=dict)  # since so many seconds, by path

    # -- as people use it --

    def is_person(self, sub: str, **claims: object) -> str:
        """There is somebody at the provider, of whom it says this."""
        requests.put(f"{self.behind}/users/{sub}", json=claims, timeout=5).raise_for_status()
        return sub

    def consent(self, url: str, sub: str | None) -> str:
        """Sign in at the provider's page, or press “Deny”; gives where it sends the browser."""
        form = {"action": "deny"} if sub is None else {"sub": sub}
        answer = requests.post(url, data=form, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def settings(self, **changes: Any) -> Provider:
        """This provider, as Respondeo's settings name it."""
        values = {
            "id": "school",
            "label": "School",
            "issuer": self.url,
            "client_id": "respondeo",
            "client_secret": SECRET,
        }
        return Provider(**(values | changes))

    # -- faults --

    def says(self, path: str, **changes: object) -> Self:
        """The JSON at this path differs; None takes a member away."""
        self.rewrite[path] = lambda said: changed(said, changes)
        return self

    def answers(self, path: str, content: object) -> Self:
        """At this path there is something else altogether."""
        self.rewrite[path] = lambda _: content
        return self

    def vouches(self, algorithm: str = "RS256", key: Any = None, **changes: object) -> Self:
        """ID tokens differ, and are signed anew with the front's key or another."""

        def forge(said: dict[str, Any]) -> dict[str, Any]:
            claims = changed(payload(said["id_token"]), changes)
            return said | {"id_token": self.signed(claims, algorithm, key)}

        self.rewrite[TOKEN] = forge
        return self.publishes(self.key)

    def publishes(self, *keys: RSAKey) -> Self:
        """These are the provider's keys now."""
        return self.answers(KEYS, {"keys": [key.as_dict(private=False) for key in keys]})

    def signed(self, claims: Mapping[str, Any], algorithm: str = "RS256", key: Any = None) -> str:
        """An ID token with these claims."""
        used = key or self.key
        header = {"alg": algorithm, "kid": used.kid}
        registry = JWSRegistry(algorithms=[algorithm])
        return jwt.encode(header, dict(claims), used, registry=registry)

    def asked_for(self, path: str) -> list[dict[str, str]]:
        """The forms that were sent to a path."""
        return [form for _, asked, form in self.asked if asked == path]

    # -- as a server --

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        form = request.form.to_dict()
        self.asked.append((request.method, request.path, form))
        if request.path in self.hang:
            self.hang[request.path].wait(30)
        answer = requests.request(
            request.method,
            self.behind + request.full_path.rstrip("?"),
            data=form or None,
            headers={
                name: value
                for name, value in request.headers.items()
                if name in {"Authorization", "Host", "Accept"}
            },
            allow_redirects=False,
            timeout=30,
        )
        return self._rewritten(request.path, answer)(environ, start_response)

    def _rewritten(self, path: str, answer: requests.Response) -> Response:
        kept = {name: answer.headers[name] for name in ("Location",) if name in answer.headers}
        rewrite = self.rewrite.get(path)
        content: object = answer.content
        if rewrite is not None:
            content = rewrite(answer.json() if "json" in answer.headers["Content-Type"] else {})
        if isinstance(content, Response):
            return content
        body = content if isinstance(content, bytes) else json.dumps(content)
        if path == TOKEN and '"id_token"' in str(body):
            self.issued += [str(value) for value in json.loads(body).values()]
        return Response(
            body, answer.status_code, kept, content_type=answer.headers.get("Content-Type")
        )


@contextmanager
def front(behind: str) -> Iterator[Front]:
    """A front on a port of its own."""
    made = Front(behind)

    class Handler(WSGIRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            cached = made.cached.get(urlsplit(self.path).path, 0)
            return super().date_time_string((timestamp or time.time()) + made.ahead - cached)

    server = make_server("127.0.0.1", 0, made, threaded=True, request_handler=Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.is_person("ada", **ADA)
    try:
        yield made
    finally:
        for event in made.hang.values():
            event.set()
        server.shutdown()
        thread.join()
        server.server_close()


def secret_key() -> OctKey:
    """The client secret as a key, which anybody who knows it could sign with."""
    return OctKey.import_key(SECRET.encode(), {"kid": "front"})


def payload(token: str) -> dict[str, Any]:
    """What a token says, unchecked."""
    middle = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return found


def changed(said: Mapping[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    """A copy with other members; None takes one away."""
    return {name: value for name, value in (said | changes).items() if value is not None}  # type: ignore[operator]


def query(url: str) -> dict[str, str]:
    """The parameters in an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
