"""Signing in at an identity provider: the way there, and the way back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from flask import Flask, current_app, redirect, request
from werkzeug.wrappers import Response

from respondeo.config import Settings
from respondeo.db import session
from respondeo.domain.claims import identity_of
from respondeo.domain.errors import (
    NotFound,
    SignInFailed,
    SignInStale,
    SignInStopped,
)
from respondeo.extensions import limiter
from respondeo.oidc.client import ProviderClient, Vouched
from respondeo.services import sign_in
from respondeo.web import access
from respondeo.web.auth import pending
from respondeo.web.auth.pending import Pending
from respondeo.web.auth.views import begin_session, bp, local_path

LONGEST_HINT = 4000  # characters of an ID token that an address can carry
LONGEST_REASON = 300
OFTEN = "600 per minute"  # a school signs in at once, from one address


def init_oidc(app: Flask, settings: Settings) -> None:
    """Make a client for each provider, and name the cookie that pending sign-ins live in."""
    secure = settings.app_url.startswith("https:")
    app.config["SESSION_COOKIE_NAME"] = f"{'__Host-' if secure else ''}respondeo_sign_in"
    app.extensions["oidc"] = {
        provider.id: ProviderClient(provider, settings.app_url)
        for provider in settings.oidc_providers
    }
    logging.getLogger("authlib").setLevel(logging.INFO)  # its debug log holds code verifiers


def client_of(provider_id: str) -> ProviderClient:
    """The client of a provider. Raises NotFound."""
    found: ProviderClient | None = current_app.extensions["oidc"].get(provider_id)
    if found is None:
        raise NotFound("There is no such way to sign in here.")
    return found


@bp.get("/auth/sign-in/<provider_id>")
@access.everybody
@limiter.limit(OFTEN)
def sign_in_at(provider_id: str) -> Response:
    """Send the browser to the provider, and remember what its answer must fit."""
    client = client_of(provider_id)
    target = local_path(request.args.get("next"))
    with logged(client, target=target):
        begun = client.begin()
    pending.keep(Pending(provider_id, begun.state, begun.nonce, begun.code_verifier, target))
    return redirect(begun.url, 303)


@bp.get("/auth/callback/<provider_id>")
@access.everybody
def callback(provider_id: str) -> Response:
    """Take the provider's answer, check all of it, and sign the person in."""
    client = client_of(provider_id)
    begun = pending.take(provider_id, request.args.get("state", ""))
    with logged(client, begun):
        vouched = answer_for(client, begun)
        identity = identity_of(vouched.claims, client.provider.groups_claim)
        if identity.ignored:
            structlog.get_logger().warning(
                "claims ignored", provider=provider_id, claims=identity.ignored
            )
        user_id = sign_in.person_vouched_for(session(), client.provider, identity)
        fits = len(vouched.id_token) <= LONGEST_HINT
        return begin_session(
            user_id,
            begun.target if begun else None,
            provider_id=provider_id,
            id_token=vouched.id_token if fits else None,
        )


def answer_for(client: ProviderClient, begun: Pending | None) -> Vouched:
    """What the provider vouches for in answer to the sign-in that this browser has begun.

    Raises SignInStale, SignInStopped, ProviderAway, ProviderWrong.
    """
    issuer = request.args.get("iss")  # RFC 9207: an answer says whose it is
    if issuer is not None and issuer != client.provider.issuer:
        raise client.wrong("callback: its iss is that of another provider")
    error = request.args.get("error")
    if error is not None:
        said = f"callback: {error} {request.args.get('error_description', '')}".rstrip()
        if error in {"access_denied", "login_required", "interaction_required"}:
            raise SignInStopped(
                f"The sign-in was stopped at {client.provider.label}. Nothing has changed; sign in"
                " again when you like.",
                said,
            )
        raise client.wrong(said)
    if begun is None:
        raise SignInStale("callback: this browser has begun no sign-in with this state")
    code = request.args.get("code")
    if not code:
        raise client.wrong("callback: there is neither a code nor an error")
    return client.finish(code, nonce=begun.nonce, code_verifier=begun.code_verifier)


@contextmanager
def logged(
    client: ProviderClient, begun: Pending | None = None, *, target: str | None = None
) -> Iterator[None]:
    """One line in the log for a sign-in that fails, with the cause; and the way back."""
    try:
        yield
    except SignInFailed as failure:
        failure.target = begun.target if begun else target
        structlog.get_logger().warning(
            "sign-in failed",
            provider=client.provider.id,
            kind=type(failure).__name__,
            cause=without_secrets(failure.reason, client, begun),
        )
        raise


def without_secrets(text: str, client: ProviderClient, begun: Pending | None) -> str:
    """Providers repeat in their complaints what they were sent."""
    secrets = [request.args.get("code", ""), request.args.get("state", "")]
    secrets.append(client.provider.client_secret)
    if begun is not None:
        secrets += [begun.state, begun.nonce, begun.code_verifier]
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return text[:LONGEST_REASON]
