"""Plays the faults of a board on the answers of a network."""

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flask import Response, json, request

from sandbox.core import WIRE, Clock, Stopped
from sandbox.faults.plan import Fault, FaultBoard

GATEWAY_PAGE = "<html><body><h1>Something went wrong at the gateway</h1></body></html>"


class Stage(Protocol):
    """What a fault needs to know of the network that it is played on."""

    faults: FaultBoard
    stopping: threading.Event
    resets: int


Answers = Mapping[str, Callable[[Any, Fault], Response]]
"""How a network says each kind of fault that answers instead of carrying out."""


class FaultPlayer:
    """Plays faults as one network says them."""

    def __init__(self, answers: Answers) -> None:
        self._answers = {"drop": _drop, "redirect": _redirect, **answers}

    def before(
        self, state: Stage, operation: str, handle: str | None, delayed: bool = False
    ) -> Response | None:
        """Play a fault that comes before the operation is carried out.

        Returns the answer to give instead of carrying it out, or None to go on. Raises Stopped.
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
            return self.before(state, operation, handle, delayed=True)
        return self._answers[fault.kind](state, fault)

    def after(self, state: Stage, operation: str, handle: str | None, answer: Response) -> Response:
        """Play a fault on the answer of an operation that was carried out."""
        fault = state.faults.take(operation, handle, "after")
        if fault is None:
            return answer
        if fault.kind == "accept_then_hang":
            state.stopping.wait(fault.seconds)
            return answer
        if fault.kind == "accept_then_drop":
            return _break_connection(fault.how)
        if fault.kind == "accept_then_status":
            return self._answers["status"](state, fault)
        if fault.kind == "garbage":
            answer.set_data(GATEWAY_PAGE)
            return answer
        _end_connection("cut")
        return answer


def status_answer(fault: Fault, status: int, usual: Callable[[int], Response]) -> Response:
    """A bare status: a gateway's page, the fault's own body, or the network's ``usual`` words."""
    if fault.body_form == "html":
        return Response(GATEWAY_PAGE, status, mimetype="text/html")
    return usual(status) if fault.body is None else json_answer(fault.body, status)


def json_answer(body: Any, status: int) -> Response:
    """An answer with any body in JSON."""
    return Response(json.dumps(body), status, mimetype="application/json")


def ends_at(fault: Fault, clock: Clock) -> float:
    """When a rate limit ends, on the sandbox's clock."""
    return fault.until if fault.until is not None else clock.now() + fault.reset_in


def seconds_left(fault: Fault, clock: Clock) -> int:
    """Seconds until a rate limit ends, at least one."""
    return max(1, math.ceil(ends_at(fault, clock) - clock.now()))


def _drop(state: Stage, fault: Fault) -> Response:
    return _break_connection(fault.how)


def _redirect(state: Stage, fault: Fault) -> Response:
    return Response("", 302, {"Location": request.host_url + "i/elsewhere"})


def _break_connection(how: str) -> Response:
    _end_connection(how)
    return Response("")


def _end_connection(how: str) -> None:
    request.environ[WIRE].ending = how
