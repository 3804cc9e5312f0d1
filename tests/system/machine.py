"""A machine as Debian's packages leave it, apart from this one: its PostgreSQL has port 5432.

Mounts and a network of its own (namespaces of the kernel; they need root) keep what is done there
from the servers and settings of the machine that runs the tests. What cannot be had is played:
`apt` only pretends, `systemctl` starts the one server it is asked for without systemd, and `docker`
and `brew` do nothing. What they were told is written down.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from tests.system.postgres import program

ROOT = Path(__file__).parents[2]
HOSTS = "db.example.com db1.example.com db2.example.com pooler.example.com"
ANSWERS = "y\nn\n"
"""What is typed where something asks: go on, but do not load the demo content."""

OWN = "/etc/postgresql /var/lib/postgresql /var/log/postgresql /run/postgresql /etc/pgbouncer"
MAKE = f"""
mount --make-rprivate /
ip link set lo up
for own in {OWN}; do
  mkdir -p $own
  mount -t tmpfs tmpfs $own
  chown postgres:postgres $own
done
mount --bind hosts /etc/hosts
mount --bind apt /etc/apt/apt.conf.d
mount --bind played /usr/local/sbin
mount --bind certs /etc/ssl/certs
pg_createcluster $VERSION main >&2
set_to() {{ pg_conftool $VERSION main set "$1" "$2"; }}
set_to listen_addresses 127.0.0.1,::1
set_to fsync off
set_to ssl_cert_file $PWD/server.crt
set_to ssl_key_file $PWD/server.key
set_to ssl on
pg_ctlcluster $VERSION main start
echo ready
exec cat
"""
PLAYED = {
    "brew": 'if [ "$1" = --prefix ]; then echo /usr; fi',
    "docker": "",
    "systemctl": """
case "$*" in
  "start postgresql") pg_ctlcluster $VERSION main start || test $? = 2 ;;
  "restart pgbouncer")
    runuser -u postgres -- /usr/sbin/pgbouncer -dq /etc/pgbouncer/pgbouncer.ini ;;
  *) exit 64 ;;
esac""",
}
# Asked line by line, so that not every look at the database has to start Python.
ASSISTANT = """
import json, sys
from respondeo import create_app, doctor, migrating
from respondeo.config import Settings
from respondeo.connection_string import ConnectionString
import psycopg, sqlalchemy as sa

def examine(urls):
    found = doctor.examine(doctor.Patient(*urls))
    return {result.check.name: [str(result.state), *(f.says for f in result.findings)]
        for result in found}

def connect(url):
    engine = sa.create_engine(ConnectionString.parse(url).url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return connection.scalar(sa.text("SELECT current_database()"))

def upgrade(url):
    secret = "of the tests, long enough: 0123456789"
    settings = Settings(app_env="development", secret_key=secret, database_url=url)
    app = create_app(settings)
    with app.app_context():
        migrating.upgrade(app)

for line in sys.stdin:
    what, given = json.loads(line)
    print(json.dumps(globals()[what](given)), flush=True)
"""


class Machine:
    """It runs until it is left. The project in it is a copy, which commands may write into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.home = folder / "home"
        self.home.mkdir()
        self.said = ""
        self.pooled: dict[str, str] = {}
        version = Path(program("postgres")).parts[4]
        self.env = {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": f"/usr/local/sbin:{self.project}/.venv/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "VERSION": version,
        }
        self._copy_project()
        self._make_certificate()
        self._play(version)
        (folder / "hosts").write_text(f"{Path('/etc/hosts').read_text()}\n127.0.0.1 {HOSTS}\n")
        apt = folder / "apt"
        shutil.copytree("/etc/apt/apt.conf.d", apt)
        (apt / "zz-pretend").write_text('APT::Get::Simulate "true";\n')

    def __enter__(self) -> Self:
        self._keeper = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-eu", "-c", MAKE],
            cwd=self.folder, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._keeper.stdout is not None
        assert self._keeper.stdout.readline() == "ready\n"
        self._assistant = subprocess.Popen(
            [*self._inside, sys.executable, "-c", ASSISTANT],
            env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._assistant.communicate()
        self.run("pg_ctlcluster $VERSION main stop -m immediate || true")
        self.run("kill $(cat /run/postgresql/pgbouncer.pid) || true")
        self._keeper.communicate()

    @property
    def _inside(self) -> list[str]:
        target = ["--target", str(self._keeper.pid), "--mount", "--net"]
        return ["nsenter", *target, f"--wd={self.project}"]

    def popen(self, command: str) -> subprocess.Popen[str]:
        """Begin what is typed at a terminal, in the project's folder."""
        # Without a terminal: who asks for a password then reads the standard input.
        return subprocess.Popen(
            [*self._inside, "sh", "-eu", "-c", command], env=self.env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def run(self, command: str) -> str:
        """Type it. What it said. Fails where it fails."""
        process = self.popen(command)
        said, _ = process.communicate(ANSWERS, timeout=60)
        assert process.returncode == 0, f"{command}\n{said}"
        return said

    def sql(self, statements: str, database: str = "postgres") -> str:
        """As the database's superuser."""
        (self.folder / "typed.sql").write_text(statements)
        return self.run(
            f"runuser -u postgres -- psql -v ON_ERROR_STOP=1 -qAt -d {database}"
            f" < {self.folder}/typed.sql"
        )

    def ask(self, what: str, given: object) -> Any:
        """Let the assistant do one of its tasks."""
        assert self._assistant.stdin is not None
        assert self._assistant.stdout is not None
        self._assistant.stdin.write(f"{json.dumps([what, given])}\n")
        self._assistant.stdin.flush()
        return json.loads(self._assistant.stdout.readline())

    def told(self, name: str) -> list[str]:
        """What a program that is only played was told."""
        log = self.folder / f"{name}.log"
        return log.read_text().splitlines() if log.exists() else []

    def _copy_project(self) -> None:
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("respondeo", "migrations"):
            shutil.copytree(ROOT / name, self.project / name, ignore=ignored)
        for name in ("templates", "static"):
            (self.project / name).symlink_to(ROOT / name)
        (self.project / ".venv").symlink_to(sys.prefix)
        shutil.copy(ROOT / "wsgi.py", self.project)

    def _make_certificate(self) -> None:
        """One for the hosts of the guide, which is its own authority."""
        names = ",".join(f"DNS:{name}" for name in HOSTS.split())
        words = (
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=quiz -keyout server.key"
            f" -out server.crt -addext subjectAltName={names}"
        )
        subprocess.run(words.split(), cwd=self.folder, check=True, capture_output=True)
        shutil.copytree("/etc/ssl/certs", self.folder / "certs", symlinks=True)
        shutil.copy(self.folder / "server.crt", self.folder / "certs" / "quiz-ca.pem")
        for name in (".", "server.key", "server.crt"):
            shutil.chown(self.folder / name, "postgres")
        (self.folder / "server.key").chmod(0o600)

    def _play(self, version: str) -> None:
        played = self.folder / "played"
        played.mkdir()
        for name, does in PLAYED.items():
            file = played / name
            file.write_text(
                f'#!/bin/sh\necho "$*" >> {self.folder}/{name}.log\nVERSION={version}\n{does}\n'
            )
            file.chmod(0o755)


def sections(guide: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The headings of a guide in order, each with its blocks: their language and what they say."""
    found: list[tuple[str, list[tuple[str, str]]]] = [("", [])]
    pattern = r"^#+ (?P<title>[^\n]+)$|^(?P<margin> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$"
    for one in re.finditer(pattern, guide, re.MULTILINE | re.DOTALL):
        if one["title"]:
            found.append((one["title"], []))
        else:
            text = re.sub(f"^{one['margin']}", "", one["text"], flags=re.MULTILINE)
            found[-1][1].append((one["language"], text))
    return found
