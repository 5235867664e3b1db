"""How Mastodon says what the fault board asks for."""

from flask import Response, g

from sandbox.faults import (
    Fault,
    FaultPlayer,
    ends_at,
    json_answer,
    seconds_left,
    status_answer,
)
from sandbox.mastodon.errors import MastodonError, plain
from sandbox.mastodon.settings import DEFAULT_LIMITS
from sandbox.mastodon.state import MastodonState


def _refuse(state: MastodonState, fault: Fault) -> Response:
    if fault.body is not None:
        return json_answer(fault.body, fault.status or 422)
    return MastodonError(fault.status or 422, "blank").answer(state.settings.language)


def _status(state: MastodonState, fault: Fault) -> Response:
    language = state.settings.language
    return status_answer(fault, fault.status or 503, lambda status: plain(status).answer(language))


def _rate_limit(state: MastodonState, fault: Fault) -> Response:
    usual = dict(getattr(g, "limit_headers", {}))
    full = state.limits.headers(DEFAULT_LIMITS["create"], 0, ends_at(fault, state.clock))
    g.limit_headers = {
        "retry-after": {"Retry-After": str(seconds_left(fault, state.clock))},
        "none": {},
    }.get(fault.group, usual | full)
    return MastodonError(429, "too_many").answer(state.settings.language)


def _disabled(state: MastodonState, fault: Fault) -> Response:
    """Mastodon has no credits; what blocks an account there is a moderator."""
    return MastodonError(403, "forbidden").answer(state.settings.language)


FAULTS = FaultPlayer(
    {"refuse": _refuse, "status": _status, "rate_limit": _rate_limit, "credits": _disabled}
)
