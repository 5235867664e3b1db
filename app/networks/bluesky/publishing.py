"""Publishing a record, and what to think of a server that refuses it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from app.networks import http
from app.networks.base import (
    Body,
    Credentials,
    LookUpFailed,
    LookUpRefused,
    Outcome,
    OutcomeKind,
    TokenRefused,
)
from app.networks.bluesky.client import Server
from app.networks.bluesky.responses import allowance_left_for, outcome_of
from app.networks.bluesky.timeline import key_in, reference_in, stored_post
from app.networks.responses import unanswered


def publish(
    server: Server,
    credentials: Credentials,
    body: Body,
    start_by: float,
    link_to: Callable[[str], str],
) -> Outcome:
    """Make the create call, and look once when the server refuses the record; never raises.

    :param link_to: returns the page of a post by its key.
    """
    did, ends_at = str(credentials.get("did") or ""), time.monotonic() + server.timeout
    try:
        answer = server.call(
            "POST",
            "com.atproto.repo.createRecord",
            token=str(credentials.get("access_jwt") or ""),
            start_by=start_by,
            json={"repo": did, **body},
        )
    except (http.NotSent, http.NoResponse) as error:
        return unanswered(error)
    reference = reference_in(answer.data, did) if 200 <= answer.status < 300 else None
    if reference is None:
        return _unless_there(server, credentials, body, outcome_of(answer), ends_at, link_to)
    return Outcome(
        OutcomeKind.OK,
        remote_id=reference["uri"],
        remote_url=link_to(key_in(reference)),
        http_status=answer.status,
        request_id=answer.header("x-request-id"),
        answered_at=answer.at,
        pause_for=allowance_left_for(answer),
        reference=reference,
    )


def _unless_there(
    server: Server,
    credentials: Credentials,
    body: Body,
    refusal: Outcome,
    ends_at: float,
    link_to: Callable[[str], str],
) -> Outcome:
    """Servers refuse a key that is taken in words of their own, and it may be this post's."""
    if refusal.code != "rejected":
        return refusal
    try:
        post = stored_post(server, credentials, str(credentials["did"]), body, ends_at)
    except (LookUpRefused, TokenRefused):
        return refusal
    except LookUpFailed:
        return replace(refusal, kind=OutcomeKind.AMBIGUOUS, code="no_answer")
    if post is None:
        return refusal
    if not post.is_ours:
        return replace(refusal, kind=OutcomeKind.AMBIGUOUS, code="server_error")
    return replace(
        refusal,
        kind=OutcomeKind.OK,
        code=None,
        detail=None,
        remote_id=post.reference["uri"],
        remote_url=link_to(body["rkey"]),
        reference=post.reference,
    )
