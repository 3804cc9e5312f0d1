"""Answering htmx: a whole page or one block of it, and where to go next."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, render_template, request
from jinja2_fragments.flask import render_block
from werkzeug.wrappers import Response as BaseResponse

from respondeo.application import vary_by


def wants_fragment() -> bool:
    """Whether htmx asks for a part of a page (and not for a whole one, as after "back")."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-Request-Type") != "full"
    )


def page_or_fragment(template: str, block: str, status: int = 200, **context: Any) -> Response:
    """The page, or where htmx asks the named block of it alone."""
    if wants_fragment():
        response = make_response(render_block(template, block, **context), status)
    else:
        response = make_response(render_template(template, **context), status)
    vary_by(response, "HX-Request")
    return response


def go_to(url: str) -> BaseResponse:
    """Send the browser to another page: 303, which for htmx is a header of its own."""
    if request.headers.get("HX-Request") == "true":
        response = Response(status=204, headers={"HX-Redirect": url})
        vary_by(response, "HX-Request")
        return response
    return redirect(url, 303)
