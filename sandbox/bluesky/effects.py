"""How Bluesky says what the fault board asks for."""

from typing import Any

from flask import Response, g, json

from sandbox.bluesky import errors
from sandbox.bluesky.settings import DEFAULT_LIMITS, WINDOWS
from sandbox.bluesky.state import BlueskyState
from sandbox.faults import effects
from sandbox.faults.plan import Fault

GROUP_LIMITS = {"short": "hour", "user-day": "day", "app-day": "ip"}


def play_before(state: BlueskyState, operation: str, handle: str | None) -> Response | None:
    """Play a fault that comes before the operation; None to go on."""
    return effects.play_before(state, operation, handle, answers=ANSWERS)


def play_after(
    state: BlueskyState, operation: str, handle: str | None, answer: Response
) -> Response:
    """Play a fault on the answer of an operation that was carried out."""
    return effects.play_after(state, operation, handle, answer, answers=ANSWERS)


def _refuse(state: BlueskyState, fault: Fault) -> Response:
    if fault.body is not None:
        return _json(fault.body, fault.status or 400)
    return errors.plain(fault.status or 400, "This record is not welcome here").answer()


def _status(state: BlueskyState, fault: Fault) -> Response:
    status = fault.status or 503
    if fault.body_form == "html":
        return Response(effects.GATEWAY_PAGE, status, mimetype="text/html")
    return errors.plain(status).answer() if fault.body is None else _json(fault.body, status)


def _rate_limit(state: BlueskyState, fault: Fault) -> Response:
    ends_at = fault.until if fault.until is not None else state.clock.now() + fault.reset_in
    told = {"Retry-After": state.limits.seconds_until(ends_at)}
    if fault.group in GROUP_LIMITS:
        name = GROUP_LIMITS[fault.group]
        told |= state.limits.headers(DEFAULT_LIMITS[name], 0, ends_at, WINDOWS[name])
    g.limit_headers = {} if fault.group == "none" else told
    return errors.plain(429).answer()


def _taken_down(state: BlueskyState, fault: Fault) -> Response:
    """Bluesky knows no credits; what blocks a whole account there is a takedown."""
    return errors.XrpcError(401, "AccountTakedown", "Account has been taken down").answer()


def _json(body: Any, status: int) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


ANSWERS: effects.Answers = {
    "refuse": _refuse,
    "status": _status,
    "drop": effects.INSTEAD["drop"],
    "redirect": effects.INSTEAD["redirect"],
    "rate_limit": _rate_limit,
    "credits": _taken_down,
}
