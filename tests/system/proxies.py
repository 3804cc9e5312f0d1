"""nginx and Caddy with the configurations of deploy/, with ports and a certificate of the test's.

Only addresses, ports and the places of files are replaced: what is tested is what is deployed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.test_serve import wait_for
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
NAME = "quiz.example.org"
URL = f"https://{NAME}"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: where it listens, and who vouches for its certificate."""

    http: int
    https: int
    authority: Path


@contextmanager
def nginx(folder: Path, *upstreams: int) -> Iterator[Proxy]:
    """nginx with deploy/nginx.conf, before one instance or two."""
    proxy = Proxy(free_port(), free_port(), folder / "certificate.pem")
    certify(folder)
    text = (ROOT / "deploy/nginx.conf").read_text()
    for was, becomes in (
        (f"/etc/letsencrypt/live/{NAME}/fullchain.pem", str(proxy.authority)),
        (f"/etc/letsencrypt/live/{NAME}/privkey.pem", str(folder / "key.pem")),
        ("listen 80;", f"listen 127.0.0.1:{proxy.http};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{proxy.https} ssl"),
        ("    listen [::]:80;\n", ""),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{upstreams[0]};"),
        *(("# server 10.0.0.12:8000;", f"server 127.0.0.1:{more};") for more in upstreams[1:]),
    ):
        assert was in text, was
        text = text.replace(was, becomes)
    (folder / "respondeo.conf").write_text(text)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        "events { }\n"
        f"http {{ access_log {folder}/access.log; client_body_temp_path {folder}/body;\n"
        f"proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;\n"
        f"uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n"
        f"include {folder}/respondeo.conf; }}\n"
    )
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with running([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], folder, proxy):
        yield proxy


@contextmanager
def caddy(folder: Path, *upstreams: int) -> Iterator[Proxy]:
    """Caddy with deploy/Caddyfile, before one instance or several; its certificate is its own, as
    in a network without a name."""
    authority = folder / "caddy/pki/authorities/local/root.crt"
    proxy = Proxy(free_port(), free_port(), authority)
    text = (ROOT / "deploy/Caddyfile").read_text()
    assert "reverse_proxy 127.0.0.1:8000 {" in text
    if len(upstreams) > 1:
        text, switched = re.subn(r"^(\t+)# ((?:lb|health)_\w+ \S+)$", r"\1\2", text, flags=re.M)
        assert switched == 4  # as it says there
    instances = " ".join(f"127.0.0.1:{port}" for port in upstreams)
    own = (
        "{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n"
        f"\thttp_port {proxy.http}\n\thttps_port {proxy.https}\n\tdefault_bind 127.0.0.1\n}}\n"
    )
    (folder / "Caddyfile").write_text(
        own + text.replace("reverse_proxy 127.0.0.1:8000", f"reverse_proxy {instances}")
    )
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    with running(command, folder, proxy):
        wait_for(authority.exists)
        yield proxy


@contextmanager
def running(command: list[str], folder: Path, proxy: Proxy) -> Iterator[None]:
    """The program, from when it listens on both ports."""
    log = folder / "log"
    with log.open("wb") as out:
        started = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        )
    try:
        wait_for(lambda: started.poll() is not None or all(map(listens, (proxy.http, proxy.https))))
        assert started.poll() is None, log.read_text()
        yield
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def certify(folder: Path) -> None:
    """A certificate for the name, which is its own authority."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")],
        check=True,
        capture_output=True,
    )  # fmt: skip
