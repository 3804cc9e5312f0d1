"""What came of a quiz, for its editors: a page of figures, and a file of all attempts."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, current_app, render_template, request, stream_with_context, url_for

from respondeo.db import session
from respondeo.domain.spreadsheets import file_name, safe_cell
from respondeo.domain.statistics import Bar
from respondeo.services import attempts, attempts_file, catalogue, question_figures, statistics
from respondeo.services.attempts_file import File, Line
from respondeo.services.statistics import Figures, PlayedVersion
from respondeo.web import access
from respondeo.web.authoring.bp import bp
from respondeo.web.authoring.charts import Chart, chart
from respondeo.web.filters import clock_ms
from respondeo.web.pages import page_from_address

BYTE_ORDER_MARK = "\ufeff"
"""Spreadsheets take a file for UTF-8 where it begins with this."""


@bp.get("/<uuid:quiz_id>/statistics", endpoint="statistics")
@access.editors
def show_statistics(quiz_id: UUID) -> str:
    """Key figures, charts, questions and attempts, of all versions or of one."""
    card = catalogue.quiz_card(session(), access.viewer(), quiz_id)
    played = statistics.played_versions(session(), quiz_id, card.author_id)
    version = version_from_address(played)
    version_id = version.id if version else None
    which = statistics.counted(quiz_id, card.author_id, version_id)
    found = statistics.figures(session(), which, [version] if version else played)
    shown = render_template(
        "authoring/statistics.html",
        quiz=card,
        summary=found.summary,
        versions=played,
        version=version,
        scores=score_chart(found),
        times=time_chart(found),
        exact_scores=found.exact_scores,
        questions=question_figures.question_figures(session(), quiz_id, which, version_id),
        attempts=attempts.everybodys_attempts(
            session(), quiz_id, page_from_address("attempts"), version_id=version_id
        ),
        address=lambda **more: address(quiz_id, version, **more),
        share_url=share_url(quiz_id),
    )
    session().commit()
    return shown


def version_from_address(played: Sequence[PlayedVersion]) -> PlayedVersion | None:
    """The version that `?version=` narrows the page to; one that nobody played narrows nothing."""
    asked = request.args.get("version")
    return next((version for version in played if str(version.number) == asked), None)


def address(quiz_id: UUID, version: PlayedVersion | None, **more: int) -> str:
    """This page, narrowed to the same version."""
    narrowed: dict[str, Any] = {"version": version.number} if version else {}
    return url_for("authoring.statistics", quiz_id=quiz_id, **(narrowed | more))


def share_url(quiz_id: UUID) -> str:
    """The public address of the quiz."""
    path = url_for("taking.quiz", quiz_id=quiz_id)
    return f"{current_app.extensions['settings'].app_url}{path}"


# -- charts --------------------------------------------------------------------------------------


def score_chart(found: Figures) -> Chart | None:
    """How many attempts have which score; None where there are none."""
    if not found.scores:
        return None
    if found.exact_scores:
        numbers = [str(bar.low) for bar in found.scores]
        return chart(found.scores, numbers, numbers, edges=False)
    words = [f"{bar.low} to {_last(bar)}%" for bar in found.scores]
    marks = [str(10 * place) for place in range(11)]
    return chart(found.scores, words, marks, edges=True)


def _last(bar: Bar) -> int:
    assert bar.high is not None
    return 100 if bar.high == 100 else bar.high - 1


def time_chart(found: Figures) -> Chart | None:
    """How many attempts took how long; None where there are none."""
    if not found.times:
        return None
    words = [
        f"{clock_ms(bar.low)} or longer" if bar.high is None
        else f"{clock_ms(bar.low)} to {clock_ms(bar.high)}"
        for bar in found.times
    ]  # fmt: skip
    ends = [bar.high for bar in found.times[-1:] if bar.high is not None]
    marks = [clock_ms(moment) for moment in (*(bar.low for bar in found.times), *ends)]
    return chart(found.times, words, marks, edges=True)


# -- the file ------------------------------------------------------------------------------------

HEAD = (
    "Who", "Attempt", "Score", "Of", "Seconds", "Started (UTC)", "Completed (UTC)", "Version",
    "Timed out", "Ranked", "Counts in the statistics",
)  # fmt: skip


@bp.get("/<uuid:quiz_id>/statistics.csv")
@access.editors
def statistics_csv(quiz_id: UUID) -> Response:
    """Every completed attempt with its answers, sent while it is read."""
    card = catalogue.quiz_card(session(), access.viewer(), quiz_id)
    file = attempts_file.file_of(session(), quiz_id, card.author_id)
    session().commit()
    response = Response(stream_with_context(parts(file)), mimetype="text/csv")
    response.headers.set(
        "Content-Disposition", "attachment", **names(file_name(card.title, "attempts.csv"))
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def names(name: str) -> dict[str, str]:
    """The name of a download: headers take ASCII only, the real one goes beside (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return {"filename": " ".join(plain.split()), "filename*": f"UTF-8''{quote(name, safe='')}"}


def parts(file: File) -> Iterator[str]:
    """The file piece by piece. Between two nothing is held in the database."""
    titles = [f"Q{place}: {text}" for place, text in enumerate(file.questions, start=1)]
    yield BYTE_ORDER_MARK + written([[*HEAD, *map(safe_cell, titles)]])
    lines = attempts_file.next_lines(session(), file)
    while lines:
        session().rollback()
        yield written(map(cells, lines))
        lines = attempts_file.next_lines(session(), file, lines[-1].id)
    session().rollback()


def written(rows: Iterable[Sequence[object]]) -> str:
    """The rows as RFC 4180 wants them."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cells(line: Line) -> Sequence[object]:
    """One attempt as a row; numbers and times are ours, names and answers are anybody's."""
    return (
        safe_cell(line.player_name or "A guest"),
        line.number,
        line.correct,
        line.total,
        f"{line.time_ms / 1000:.3f}",
        moment(line.started_at),
        moment(line.completed_at),
        line.version,
        yes_no(line.timed_out),
        yes_no(line.ranked),
        yes_no(not line.is_author),
        *map(safe_cell, line.answers),
    )


def moment(at: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def yes_no(is_so: bool) -> str:
    return "yes" if is_so else "no"
