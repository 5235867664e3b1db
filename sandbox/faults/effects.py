"""Plays the faults of a board on the answers of a network."""

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flask import Response, g, json, request

from sandbox.core.server import WIRE
from sandbox.core.state import Stopped
from sandbox.faults.plan import Fault, FaultBoard
from sandbox.x import errors
from sandbox.x.limits import APP_DAY, SHORT, USER_DAY
from sandbox.x.state import XState

REFUSAL = "You are not permitted to perform this action."
GATEWAY_PAGE = "<html><body><h1>Something went wrong at the gateway</h1></body></html>"


class Stage(Protocol):
    """What a fault needs to know of the network that it is played on."""

    faults: FaultBoard
    stopping: threading.Event
    resets: int


Answers = Mapping[str, Callable[[Any, Fault], Response]]
"""How a network says each kind of fault that answers instead of carrying out."""


def play_before(
    state: Stage,
    operation: str,
    handle: str | None,
    delayed: bool = False,
    answers: Answers | None = None,
) -> Response | None:
    """Play a fault that comes before the operation is carried out.

    Returns the answer to give instead of carrying it out, or None to go on. ``answers`` are X's
    unless another network gives its own.
    """
    fault = state.faults.take(operation, handle, "before", but_not="slow" if delayed else None)
    if fault is None:
        return None
    if fault.kind == "slow":
        resets = state.resets
        state.stopping.wait(fault.seconds)
        if state.resets != resets:
            raise Stopped
        # Another fault may be waiting behind the delay.
        return play_before(state, operation, handle, delayed=True, answers=answers)
    return (answers or INSTEAD)[fault.kind](state, fault)


def play_after(
    state: Stage,
    operation: str,
    handle: str | None,
    answer: Response,
    answers: Answers | None = None,
) -> Response:
    """Play a fault on the answer of an operation that was carried out."""
    fault = state.faults.take(operation, handle, "after")
    if fault is None:
        return answer
    if fault.kind == "accept_then_hang":
        state.stopping.wait(fault.seconds)
        return answer
    if fault.kind == "accept_then_drop":
        return _break_line(fault.how)
    if fault.kind == "accept_then_status":
        return (answers or INSTEAD)["status"](state, fault)
    if fault.kind == "garbage":
        answer.set_data(GATEWAY_PAGE)
        return answer
    _end_line("cut")
    return answer


def _refuse(state: XState, fault: Fault) -> Response:
    error = errors.plain(fault.status or 403, REFUSAL)
    return _json(fault.body if fault.body is not None else error.body, error.status)


def _status(state: XState, fault: Fault) -> Response:
    status = fault.status or 503
    if fault.body_form == "html":
        return Response(GATEWAY_PAGE, status, mimetype="text/html")
    return _json(errors.plain(status).body if fault.body is None else fault.body, status)


def _drop(state: XState, fault: Fault) -> Response:
    return _break_line(fault.how)


def _redirect(state: XState, fault: Fault) -> Response:
    return Response("", 302, {"Location": request.host_url + "i/elsewhere"})


def _credits(state: XState, fault: Fault) -> Response:
    error = errors.no_credits(fault.body_form)
    return _json(error.body, error.status)


def _rate_limit(state: XState, fault: Fault) -> Response:
    ends_at = fault.until if fault.until is not None else state.clock.now() + fault.reset_in
    seconds = max(1, math.ceil(ends_at - state.clock.now()))
    usual = dict(getattr(g, "limit_headers", {}))
    g.limit_headers = {
        "short": usual | state.limits.headers(SHORT, 100, 0, ends_at),
        "user-day": usual | state.limits.headers(USER_DAY, 25, 0, ends_at),
        "app-day": usual | state.limits.headers(APP_DAY, 10_000, 0, ends_at),
        "retry-after": {"Retry-After": str(seconds)},
        "none": {},
    }[fault.group]
    return _json(errors.plain(429).body, 429)


def _break_line(how: str) -> Response:
    _end_line(how)
    return Response("")


def _end_line(how: str) -> None:
    request.environ[WIRE].ending = how


def _json(body: Any, status: int) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


INSTEAD: Answers = {
    "refuse": _refuse,
    "status": _status,
    "drop": _drop,
    "redirect": _redirect,
    "rate_limit": _rate_limit,
    "credits": _credits,
}
