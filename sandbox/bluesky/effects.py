"""How Bluesky says what the fault board asks for."""

from flask import Response, g

from sandbox.bluesky import errors
from sandbox.bluesky.settings import DEFAULT_LIMITS, WINDOWS
from sandbox.bluesky.state import BlueskyState
from sandbox.faults import Fault, FaultPlayer, ends_at, json_answer, seconds_left, status_answer

GROUP_LIMITS = {"short": "hour", "user-day": "day", "app-day": "ip"}


def _refuse(state: BlueskyState, fault: Fault) -> Response:
    if fault.body is not None:
        return json_answer(fault.body, fault.status or 400)
    return errors.plain(fault.status or 400, "This record is not welcome here").answer()


def _status(state: BlueskyState, fault: Fault) -> Response:
    return status_answer(fault, fault.status or 503, lambda status: errors.plain(status).answer())


def _rate_limit(state: BlueskyState, fault: Fault) -> Response:
    told = {"Retry-After": str(seconds_left(fault, state.clock))}
    if fault.group in GROUP_LIMITS:
        name = GROUP_LIMITS[fault.group]
        limit, ends = DEFAULT_LIMITS[name], ends_at(fault, state.clock)
        told |= state.limits.headers(limit, 0, ends, WINDOWS[name])
    g.limit_headers = {} if fault.group == "none" else told
    return errors.plain(429).answer()


def _taken_down(state: BlueskyState, fault: Fault) -> Response:
    """Bluesky has no credits; what blocks a whole account there is a takedown."""
    return errors.XrpcError(401, "AccountTakedown", "Account has been taken down").answer()


FAULTS = FaultPlayer(
    {"refuse": _refuse, "status": _status, "rate_limit": _rate_limit, "credits": _taken_down}
)
