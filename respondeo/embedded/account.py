"""The account a program runs under when we are root and the program refuses to be."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from respondeo.embedded.words import notice

NAME = "respondeo"


@dataclass(frozen=True)
class Account:
    """A user and group by number: the owner of a folder may have no name on this machine."""

    uid: int
    gid: int

    @classmethod
    def owning(cls, path: Path) -> Self:
        found = path.stat()
        return cls(found.st_uid, found.st_gid)

    @classmethod
    def of_the_system(cls) -> Self:
        """The system user of our name, made if it is missing; else `nobody`."""
        try:
            entry = pwd.getpwnam(NAME)
        except KeyError:
            entry = pwd.getpwnam(NAME if _add_user() else "nobody")
        return cls(entry.pw_uid, entry.pw_gid)

    def let_pass(self, *paths: Path) -> None:
        """Make sure that this account reaches `paths`: their parents get o+x, never o+r."""
        folders = {folder for path in paths for folder in path.parents}
        closed = sorted(folder for folder in folders if not self._may_pass(folder))
        for folder in closed:
            folder.chmod(folder.stat().st_mode | 0o001)
        if closed:
            notice(
                f"PostgreSQL refuses to run as root, so it runs as the user {self.name}, who may"
                f" now pass through these folders (not look inside): {', '.join(map(str, closed))}"
            )

    def let_read(self, tree: Path) -> None:
        """Let everybody read and run what lies under `tree`. Only for public files."""
        for path in [tree, *tree.rglob("*")]:
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | 0o004 | (0o001 if mode & 0o100 else 0))

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def take(self, tree: Path) -> None:
        """Own `tree` and everything in it."""
        for path in [tree, *tree.rglob("*")]:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def _may_pass(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & 0o100)
        if found.st_gid == self.gid:
            return bool(found.st_mode & 0o010)
        return bool(found.st_mode & 0o001)


def _add_user() -> bool:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return False
    made = subprocess.run(  # noqa: S603 - fixed words
        [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME],
        capture_output=True,
        check=False,
    )
    # 9: somebody else made it in the meantime.
    return made.returncode in {0, 9}
