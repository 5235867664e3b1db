"""How Facebook says what the fault board asks for."""

from typing import Any

from flask import Response, g, json

from sandbox.facebook import errors
from sandbox.facebook.limits import FULL, app_header, page_header
from sandbox.facebook.state import FacebookState
from sandbox.faults import effects
from sandbox.faults.plan import Fault

GROUP_CODES = {
    "short": errors.PAGE_THROTTLED,
    "user-day": errors.USER_THROTTLED,
    "app-day": errors.APP_THROTTLED,
    "retry-after": errors.CUSTOM_THROTTLED,
    "none": errors.PAGE_THROTTLED,
}


def play_before(state: FacebookState, operation: str, handle: str | None) -> Response | None:
    """Play a fault that comes before the operation; None to go on."""
    return effects.play_before(state, operation, handle, answers=ANSWERS)


def play_after(
    state: FacebookState, operation: str, handle: str | None, answer: Response
) -> Response:
    """Play a fault on the answer of an operation that was carried out."""
    return effects.play_after(state, operation, handle, answer, answers=ANSWERS)


def _refuse(state: FacebookState, fault: Fault) -> Response:
    if fault.body is not None:
        return _json(fault.body, fault.status or 400)
    refusal = errors.invalid("This content cannot be published.")
    refusal.status = fault.status or 400
    return refusal.answer()


def _status(state: FacebookState, fault: Fault) -> Response:
    status = fault.status or 500
    if fault.body_form == "html":
        return Response(effects.GATEWAY_PAGE, status, mimetype="text/html")
    return errors.service(status).answer() if fault.body is None else _json(fault.body, status)


def _rate_limit(state: FacebookState, fault: Fault) -> Response:
    ends_at = fault.until if fault.until is not None else state.clock.now() + fault.reset_in
    wait = max(1.0, ends_at - state.clock.now())
    code = GROUP_CODES[fault.group]
    usual = dict(getattr(g, "usage_headers", {}))
    page_id = getattr(g, "page_id", None) or "0"
    full = app_header(FULL) if code == errors.APP_THROTTLED else page_header(page_id, FULL, wait)
    g.usage_headers = {} if fault.group == "none" else usual | full
    return errors.throttled(code).answer()


def _blocked(state: FacebookState, fault: Fault) -> Response:
    """Facebook knows no credits; what blocks a publisher there is its policy."""
    words = "The action attempted has been deemed abusive or is otherwise disallowed"
    return errors.GraphError(368, words).answer()


def _json(body: Any, status: int) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


ANSWERS: effects.Answers = {
    "refuse": _refuse,
    "status": _status,
    "drop": effects.INSTEAD["drop"],
    "redirect": effects.INSTEAD["redirect"],
    "rate_limit": _rate_limit,
    "credits": _blocked,
}
