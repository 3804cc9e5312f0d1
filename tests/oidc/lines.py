"""Servers that answer as slowly as can be, and certificates for them."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LONG_S = 15
"""How long a trickle lasts; far longer than anybody is to wait for it."""


@contextmanager
def trickle(said: bytes, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that begins to answer so, and then goes on byte by byte; gives its address."""
    ended = threading.Event()

    def answer(line: socket.socket) -> None:
        with suppress(OSError):
            if tls is not None:
                line = tls.wrap_socket(line, server_side=True)
            with line:
                line.recv(65_536)
                line.sendall(said)
                end = time.monotonic() + LONG_S
                while time.monotonic() < end and not ended.wait(0.05):
                    line.sendall(b"a")

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listening.accept()[0],)).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve).start()
        scheme = "https" if tls else "http"
        yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)


def certificate(folder: Path, *, address: str = "127.0.0.1", days: int = 1) -> Path:
    """A file with a key and the certificate that it signs itself, good for so many days more."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=9))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False
        )
        .sign(key, hashes.SHA256())
    )
    pem = folder / "tls.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return pem


def serving(pem: Path) -> ssl.SSLContext:
    """For a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
