"""A browser without JavaScript on a real server: the same as tests.client's, over the wire."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from http.client import HTTPConnection, HTTPSConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse
from werkzeug.wrappers import Request

from tests.client import Client

Connect = Callable[[], HTTPConnection]
PATIENCE_S = 60


class Remote(Client):
    """One browser with its cookies. `connect` says for each request anew to whom it goes."""

    def __init__(self, url: str, connect: Connect) -> None:
        self.url = url
        self.connect = connect
        self.cookies: dict[str, str] = {}

    def open(self, path: str, *, follow_redirects: bool = False, **how: Any) -> TestResponse:
        """One request; `how` is what werkzeug's test client takes."""
        request = self._request(path, **how)
        response = self._send(request)
        while follow_redirects and response.status_code in {301, 302, 303, 307, 308}:
            leads = urlsplit(response.headers["Location"])
            assert not leads.netloc, f"a redirect to {leads.netloc}"
            target = f"{leads.path}?{leads.query}" if leads.query else leads.path
            response = self._send(self._request(target))
        return response

    def _request(self, path: str, **how: Any) -> Request:
        headers = Headers(how.pop("headers", {}))
        if "Origin" in headers:
            headers["Origin"] = self.url
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={v}" for name, v in self.cookies.items())
        builder = EnvironBuilder(path, base_url=self.url, headers=headers, **how)
        return Request(builder.get_environ())

    def _send(self, request: Request) -> TestResponse:
        connection = self.connect()
        headers = {"Host": urlsplit(self.url).netloc, **dict(request.headers)}
        try:
            connection.request(
                request.method, request.full_path.rstrip("?"), request.get_data(), headers
            )
            answer = connection.getresponse()
            told = answer.getheaders()
            content = answer.read()
        finally:
            connection.close()
        for name, value in told:
            if name.lower() == "set-cookie":
                self._keep(value)
        return TestResponse([content], str(answer.status), Headers(told), request)

    def _keep(self, header: str) -> None:
        for name, morsel in SimpleCookie(header).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


def plain(port: int, source: str = "127.0.0.1") -> Connect:
    """Connections without TLS, from this address of this machine."""
    return lambda: HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S, source_address=(source, 0))


class _Named(HTTPSConnection):
    """To this machine, by the name that the certificate has."""

    def __init__(self, name: str, port: int, context: ssl.SSLContext, source: str) -> None:
        super().__init__(name, port, timeout=PATIENCE_S, context=context)
        self._to = (port, context, source)

    def connect(self) -> None:
        port, context, source = self._to
        raw = socket.create_connection(("127.0.0.1", port), PATIENCE_S, (source, 0))
        self.sock = context.wrap_socket(raw, server_hostname=self.host)


def encrypted(name: str, port: int, authority: str, source: str = "127.0.0.1") -> Connect:
    """Connections with TLS, to a server whose certificate for `name` this authority signed."""
    context = ssl.create_default_context(cafile=authority)
    return lambda: _Named(name, port, context, source)
