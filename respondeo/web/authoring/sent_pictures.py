"""Pictures that the editor's form carries, where no script has uploaded them before."""

from __future__ import annotations

import re

from flask import request
from werkzeug.datastructures import MultiDict

from respondeo.db import session
from respondeo.domain.errors import Invalid, Problem
from respondeo.extensions import limiter
from respondeo.services import media, pictures
from respondeo.services.pictures import Use
from respondeo.web.uploads import whose_pictures

MOST_AT_ONCE = 3  # each may take seconds


def form_with_pictures() -> MultiDict[str, str]:
    """The form that was sent; fields with a file hold the path it was stored at. Raises Invalid."""
    sent = [(name, file) for name, file in request.files.items() if file.filename]
    form = MultiDict(request.form)
    if len(sent) > MOST_AT_ONCE:
        name = sent[MOST_AT_ONCE][0]
        raise Invalid(Problem(name, f"Upload at most {MOST_AT_ONCE} pictures at once."))
    for name, file in sent:
        prefix = re.fullmatch(r"(hero|q-[0-9a-f-]{36})-picture", name)
        if prefix is None:
            continue
        with limiter.limit("30 per minute; 300 per hour", key_func=whose_pictures):
            use = Use.HERO if prefix[1] == "hero" else Use.QUESTION
            form[f"{prefix[1]}-image_url"] = pictures.stored(
                session(), file.read(), use, field=name
            )
    session().commit()
    if sent:
        media.remove_unused(session())
        session().commit()
    return form
