"""How Mastodon says what the fault board asks for."""

import math
from typing import Any

from flask import Response, g

from sandbox.faults import effects
from sandbox.faults.plan import Fault
from sandbox.mastodon.errors import MastodonError, error_answer, plain
from sandbox.mastodon.settings import DEFAULT_LIMITS
from sandbox.mastodon.state import MastodonState


def play_before(state: MastodonState, operation: str, handle: str | None) -> Response | None:
    """Play a fault that comes before the operation; None to go on."""
    return effects.play_before(state, operation, handle, answers=ANSWERS)


def play_after(
    state: MastodonState, operation: str, handle: str | None, answer: Response
) -> Response:
    """Play a fault on the answer of an operation that was carried out."""
    return effects.play_after(state, operation, handle, answer, answers=ANSWERS)


def _refuse(state: MastodonState, fault: Fault) -> Response:
    if fault.body is not None:
        return error_answer(fault.status or 422, fault.body)
    return MastodonError(fault.status or 422, "blank").answer(state.settings.language)


def _status(state: MastodonState, fault: Fault) -> Response:
    status = fault.status or 503
    if fault.body_form == "html":
        return Response(effects.GATEWAY_PAGE, status, mimetype="text/html")
    if fault.body is not None:
        return error_answer(status, fault.body)
    return plain(status).answer(state.settings.language)


def _rate_limit(state: MastodonState, fault: Fault) -> Response:
    ends_at = fault.until if fault.until is not None else state.clock.now() + fault.reset_in
    seconds = max(1, math.ceil(ends_at - state.clock.now()))
    usual = dict(getattr(g, "limit_headers", {}))
    told: dict[str, Any] = {"retry-after": {"Retry-After": str(seconds)}, "none": {}}
    full = state.limits.headers(DEFAULT_LIMITS["create"], 0, ends_at)
    g.limit_headers = told.get(fault.group, usual | full)
    return MastodonError(429, "too_many").answer(state.settings.language)


def _disabled(state: MastodonState, fault: Fault) -> Response:
    """Mastodon knows no credits; what blocks somebody there is a moderator."""
    return MastodonError(403, "forbidden").answer(state.settings.language)


ANSWERS: effects.Answers = {
    "refuse": _refuse,
    "status": _status,
    "drop": effects.INSTEAD["drop"],
    "redirect": effects.INSTEAD["redirect"],
    "rate_limit": _rate_limit,
    "credits": _disabled,
}
