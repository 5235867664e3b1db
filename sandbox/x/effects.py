"""How X says what the fault board asks for."""

from flask import Response, g

from sandbox.faults import (
    Fault,
    FaultPlayer,
    ends_at,
    json_answer,
    seconds_left,
    status_answer,
)
from sandbox.x import errors
from sandbox.x.limits import APP_DAY, SHORT, USER_DAY
from sandbox.x.state import XState

REFUSAL = "You are not permitted to perform this action."


def _refuse(state: XState, fault: Fault) -> Response:
    error = errors.plain(fault.status or 403, REFUSAL)
    return json_answer(fault.body if fault.body is not None else error.body, error.status)


def _status(state: XState, fault: Fault) -> Response:
    return status_answer(fault, fault.status or 503, _plain)


def _plain(status: int) -> Response:
    return json_answer(errors.plain(status).body, status)


def _credits(state: XState, fault: Fault) -> Response:
    error = errors.no_credits(fault.body_form)
    return json_answer(error.body, error.status)


def _rate_limit(state: XState, fault: Fault) -> Response:
    ends, limits = ends_at(fault, state.clock), state.limits
    usual = dict(getattr(g, "limit_headers", {}))
    g.limit_headers = {
        "short": usual | limits.headers(SHORT, 100, 0, ends),
        "user-day": usual | limits.headers(USER_DAY, 25, 0, ends),
        "app-day": usual | limits.headers(APP_DAY, 10_000, 0, ends),
        "retry-after": {"Retry-After": str(seconds_left(fault, state.clock))},
        "none": {},
    }[fault.group]
    return _plain(429)


FAULTS = FaultPlayer(
    {"refuse": _refuse, "status": _status, "rate_limit": _rate_limit, "credits": _credits}
)
