"""The commands explain themselves, and the lock files hold what they promise."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from respondeo.config import Settings

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "scripts" / "lock"


def locked(name: str) -> set[str]:
    """The lines `package==version` of a lock file."""
    text = (LOCKS / f"{name}.txt").read_text()
    return {line.split(" \\")[0] for line in text.splitlines() if "==" in line}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~! ]", name)[0]).lower()


def test_make_alone_explains_every_command() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for command in (
        "demo",
        "run",
        "serve",
        "test",
        "test-system",
        "lint",
        "format",
        "bench",
        "bench-scale",
        "clean",
    ):
        assert f"  make {command} " in said


def test_no_setting_of_whoever_runs_the_checks_reaches_the_tests() -> None:
    unset = re.search(r"^unset (.*?)\n\n", (ROOT / ".ci/run").read_text(), re.M | re.S)
    assert unset
    words = unset[1].replace("\\\n", " ").split()
    families = tuple(word[4:-3] for word in words if word.startswith('"${!'))
    for field in Settings.model_fields:
        assert field.upper() in words or field.upper().startswith(families), field


def test_each_lock_is_a_part_of_the_next() -> None:
    assert locked("app") < locked("demo") < locked("dev") < locked("bench")


@pytest.mark.parametrize("name", ["app", "demo", "dev", "bench"])
def test_a_lock_names_no_host_and_gives_every_package_a_hash(name: str) -> None:
    text = (LOCKS / f"{name}.txt").read_text()
    assert "://" not in text
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in entry, entry


def test_the_locks_hold_every_package_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "app": project["project"]["dependencies"],
        "demo": project["project"]["optional-dependencies"]["embedded"],
        "dev": project["dependency-groups"]["dev"],
        "bench": project["dependency-groups"]["bench"],
    }
    for name, packages in wanted.items():
        held = {normal(line) for line in locked(name)}
        assert {normal(package) for package in packages} <= held


def test_a_machine_without_apt_is_told_what_the_system_tests_need(tmp_path: Path) -> None:
    """They are never skipped for want of a server."""
    for tool in ("sh", "sed", "id"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    done = subprocess.run(
        [ROOT / "scripts" / "system-packages"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "  valkey-server or redis-server\n" in done.stderr
