"""Signing out at the provider too, after signing out here."""

from __future__ import annotations

import structlog
from flask import current_app, render_template
from werkzeug.wrappers import Response

from respondeo.domain.errors import SignInFailed
from respondeo.oidc.client import ProviderClient
from respondeo.oidc.http import within
from respondeo.services.identity import Ended

PATIENCE_S = 2


def goodbye(ended: Ended | None) -> Response | None:
    """The page that leads on to the provider's own sign-out; None where there is none.

    The session here is over already. A provider that does not answer is not waited for.
    """
    clients: dict[str, ProviderClient] = current_app.extensions["oidc"]
    client = clients.get(ended.provider_id or "") if ended else None
    if ended is None or client is None:
        return None
    home = f"{current_app.extensions['settings'].app_url}/"
    try:
        with within(PATIENCE_S):
            url = client.end_session_url(ended.id_token, home)
    except SignInFailed as failure:
        structlog.get_logger().warning(
            "no sign-out at the provider", provider=client.provider.id, cause=failure.reason
        )
        return None
    if url is None:
        return None
    return Response(
        render_template("auth/signed_out.html", url=url, label=client.provider.label),
        mimetype="text/html",
    )
