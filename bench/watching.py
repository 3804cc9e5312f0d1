"""What servers use of the processors while something runs."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bench.servers import Target

EVERY_S = 1.0


@dataclass(slots=True)
class Watch:
    """Notes each second how much processor time has been used so far: moment, web, PostgreSQL."""

    target: Target
    noted: list[tuple[float, float, float]] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._note()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._note()

    def _go_on(self) -> None:
        while not self._ended.wait(EVERY_S):
            self._note()

    def _note(self) -> None:
        self.noted.append((time.monotonic(), *self.target.used()))

    def cores(self, seconds: float) -> tuple[float, float]:
        """How many cores web and PostgreSQL used in the last so many seconds."""
        end = self.noted[-1]
        begin = next(one for one in self.noted if one[0] >= end[0] - seconds)
        elapsed = max(end[0] - begin[0], EVERY_S / 10)
        return (end[1] - begin[1]) / elapsed, (end[2] - begin[2]) / elapsed
