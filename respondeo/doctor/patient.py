"""Whom the doctor examines: what the environment says of the database, and what was learnt."""

from __future__ import annotations

from dataclasses import dataclass, field

from respondeo.connection_string import Host
from respondeo.doctor.line import Line
from respondeo.pooler import Pooler
from respondeo.rate_limits.postgres import CONNECTIONS as COUNTERS


@dataclass
class Patient:
    """Connection strings as they were written, and how many processes and threads will use them."""

    url: str | None
    direct_url: str | None = None
    workers: int = 2
    threads: int = 8
    counters: int = COUNTERS
    """Connections of each worker that count requests."""
    embedded: bool = False
    """Whether the string is none of the operator's, but of the server that we bring."""

    # What one check learns and a later one needs.
    main: Line | None = field(default=None, repr=False)
    direct: Line | None = field(default=None, repr=False)
    owning: Line | None = field(default=None, repr=False)
    """The direct line, once it is known to be the same database's, with the rights to change it."""
    lost: set[Host] = field(default_factory=set)
    reached: list[Host] = field(default_factory=list)
    pooler: Pooler = Pooler.NONE

    @property
    def line(self) -> Line:
        """The line of DATABASE_URL, once it could be parsed."""
        assert self.main is not None, "asked before it was parsed"
        return self.main

    def told(self, error: BaseException) -> str:
        """What an error says, without any password."""
        text = str(error)
        for line in filter(None, (self.main, self.direct)):
            text = line.told(text)
        return text

    def leave(self) -> None:
        """Close what was opened."""
        for line in (self.main, self.direct):
            if line:
                line.close()
