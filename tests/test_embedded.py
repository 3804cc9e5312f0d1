"""The embedded PostgreSQL: real servers in temporary folders, some of them badly treated."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import psutil
import psycopg
import pytest

from respondeo.embedded import EmbeddedError, EmbeddedPostgres

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
ROOT = Path(__file__).parent.parent


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path for the folder: pytest's own may be too long for a socket."""
    place = Path(mkdtemp(prefix="resp-", dir="/tmp"))
    yield place / "postgres"
    server = EmbeddedPostgres(place / "postgres")
    if (pid := postmaster(server)) is not None:
        kill_tree(pid)
    shutil.rmtree(place)


def postmaster(server: EmbeddedPostgres) -> int | None:
    """The id of the server that runs on the folder."""
    return server._cluster.pid()


def kill_tree(pid: int) -> None:
    server = psutil.Process(pid)
    victims = [server, *server.children(recursive=True)]
    for victim in victims:
        with suppress(psutil.NoSuchProcess):  # it may go by itself, its parent being gone
            victim.kill()
    wait_for(lambda: not any(alive(victim) for victim in victims))


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: object, seconds: float = 60) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def put(server: EmbeddedPostgres, text: str) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [text])


def kept(server: EmbeddedPostgres) -> list[str]:
    with psycopg.connect(server.url) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM kept")]


def test_the_server_is_postgresql_18_in_utf8_on_a_private_socket(place: Path) -> None:
    with EmbeddedPostgres(place, options=FAST) as server, psycopg.connect(server.url) as connection:
        said = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000,"
            " current_setting('server_encoding'), current_setting('listen_addresses'),"
            " current_setting('data_checksums'), current_database(), current_user, datlocale"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        assert said == (18, "UTF8", "", "on", "respondeo", "respondeo", "C.UTF-8")
        assert (place / "socket").stat().st_mode & 0o777 == 0o700


def test_a_second_start_joins_and_the_last_to_leave_stops_the_server(place: Path) -> None:
    first, second = EmbeddedPostgres(place, options=FAST), EmbeddedPostgres(place)
    assert first.start() == second.start()
    first.stop()
    put(second, "still here")
    second.stop()
    assert postmaster(second) is None
    with pytest.raises(EmbeddedError, match="not running"):
        _ = second.url


def test_another_process_shares_the_server_and_gives_up_its_share_when_it_dies(place: Path) -> None:
    with EmbeddedPostgres(place, options=FAST) as server:
        running = postmaster(server)
        other = subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(place)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        with other:
            assert other.stdout is not None
            assert other.stdout.readline().strip() == server.url
            server.stop()
            assert postmaster(server) == running
            other.kill()
        server.start()
        assert postmaster(server) == running
    assert postmaster(server) is None


_HOLD = """
import sys, time
from pathlib import Path
from respondeo.embedded import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
time.sleep(60)
"""


def test_ensure_leaves_with_its_process_but_not_with_a_forked_child(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ENSURE, str(place.parent)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.splitlines() == ["the same address", "running after the child"]
    assert postmaster(EmbeddedPostgres(place)) is None


_ENSURE = """
import os, sys
from pathlib import Path
import psycopg
from respondeo import embedded
instance = Path(sys.argv[1])
url = embedded.ensure(instance)
child = os.fork()
if child == 0:
    assert embedded.ensure(instance) == url
    print("the same address", flush=True)
    sys.exit()
os.waitpid(child, 0)
psycopg.connect(url).close()
print("running after the child")
"""


def test_what_was_committed_survives_the_killing_of_everything(place: Path) -> None:
    killed = EmbeddedPostgres(place)
    killed.start()
    put(killed, "committed")
    pid = postmaster(killed)
    assert pid is not None
    kill_tree(pid)
    assert (place / "data" / "postmaster.pid").exists()
    with EmbeddedPostgres(place, options=FAST) as server:
        assert kept(server) == ["committed"]


def test_a_leftover_process_id_that_another_program_got_is_recognised(place: Path) -> None:
    with EmbeddedPostgres(place) as server:
        put(server, "committed")
        pid = postmaster(server)
        assert pid is not None
        kill_tree(pid)
        note = place / "data" / "postmaster.pid"
        lines = note.read_text().splitlines()
        # A program of the server's own user: PostgreSQL alone would take it for a server.
        owner = note.stat()
        foreign = subprocess.Popen(
            ["/bin/sleep", "60"],
            user=owner.st_uid if os.geteuid() == 0 else None,
            group=owner.st_gid if os.geteuid() == 0 else None,
        )
        try:
            note.write_text("\n".join([str(foreign.pid), *lines[1:]]) + "\n")
            server.start()
            assert kept(server) == ["committed"]
            assert foreign.poll() is None
        finally:
            foreign.kill()
            foreign.wait()


def test_a_server_that_was_killed_alone_is_started_again_by_those_who_use_it(place: Path) -> None:
    with EmbeddedPostgres(place) as server:
        put(server, "committed")
        pid = postmaster(server)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        server.start()
        assert kept(server) == ["committed"]


def test_a_half_made_database_is_made_anew(place: Path) -> None:
    (place / "data.making").mkdir(parents=True)
    (place / "data.making" / "PG_VERSION").write_text("18\n")
    (place / "data").mkdir()
    with EmbeddedPostgres(place, options=FAST) as server:
        put(server, "made")
    assert not (place / "data.making").exists()


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(place: Path) -> None:
    deep = place / ("long" * 30)
    with EmbeddedPostgres(deep, options=FAST) as server:
        put(server, "reached")
        assert EmbeddedPostgres(deep).url == server.url
        socket = Path(server.url.split("host=")[1].split("&")[0])
        assert socket.stat().st_mode & 0o777 == 0o700
    assert not socket.exists()


def test_a_path_with_odd_characters_works(place: Path) -> None:
    with EmbeddedPostgres(place / "a b&c?d=é%41", options=FAST) as server:
        put(server, "reached")


def test_files_that_are_no_database_are_not_touched(place: Path) -> None:
    (place / "data").mkdir(parents=True)
    (place / "data" / "thesis.txt").write_text("precious")
    with pytest.raises(EmbeddedError, match="Move that folder away"):
        EmbeddedPostgres(place).start()
    assert (place / "data" / "thesis.txt").read_text() == "precious"


def test_a_database_of_another_version_says_what_to_do(place: Path) -> None:
    (place / "data").mkdir(parents=True)
    (place / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 16; this is 18"):
        EmbeddedPostgres(place).start()


def test_damaged_settings_are_reported_in_the_words_of_postgresql(place: Path) -> None:
    with EmbeddedPostgres(place, options=FAST):
        pass
    (place / "data" / "postgresql.conf").write_text("no such setting = 1\n")
    with pytest.raises(EmbeddedError, match=r"PostgreSQL said: .*FATAL"):
        EmbeddedPostgres(place).start()


def test_a_folder_that_cannot_be_written_to_says_what_to_do(place: Path) -> None:
    place.parent.chmod(0o500)
    server = EmbeddedPostgres(place)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(EmbeddedError, match="Put the project in a folder of your own"):
            server.start()
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL")
def test_as_root_the_server_runs_as_somebody_else_and_parents_can_only_be_passed(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert place.parent.stat().st_mode & 0o777 == 0o700
    with EmbeddedPostgres(place, options=FAST) as server:
        pid = postmaster(server)
        assert psutil.Process(pid).uids().effective != 0
    assert place.parent.stat().st_mode & 0o777 == 0o701
    said = capfd.readouterr().err
    assert "now pass through these folders" in said
    assert str(place.parent) in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_as_root_the_data_of_another_user_is_served_by_that_user(place: Path) -> None:
    with EmbeddedPostgres(place, options=FAST):
        pass
    for path in [place, *place.rglob("*")]:
        os.chown(path, 12345, 12345, follow_symlinks=False)
    with EmbeddedPostgres(place, options=FAST) as server:
        put(server, "served")
        assert psutil.Process(postmaster(server)).uids().effective == 12345
    assert (place / "start.lock").stat().st_uid == 12345


def test_a_process_that_waits_long_says_so(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from respondeo.embedded import words

    monkeypatch.setattr(words, "NOTICE_EVERY_S", 0.05)
    patience = words.Patience("Waiting", limit=0.2)
    while patience.tick():
        pass
    assert capfd.readouterr().err.count("Waiting …") >= 3
