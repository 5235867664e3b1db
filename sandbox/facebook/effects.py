"""How Facebook says what the fault board asks for."""

from flask import Response, g

from sandbox.facebook import errors
from sandbox.facebook.limits import FULL, app_header, page_header
from sandbox.facebook.state import FacebookState
from sandbox.faults import Fault, FaultPlayer, ends_at, json_answer, status_answer

GROUP_CODES = {
    "short": errors.PAGE_THROTTLED,
    "user-day": errors.USER_THROTTLED,
    "app-day": errors.APP_THROTTLED,
    "retry-after": errors.CUSTOM_THROTTLED,
    "none": errors.PAGE_THROTTLED,
}


def _refuse(state: FacebookState, fault: Fault) -> Response:
    if fault.body is not None:
        return json_answer(fault.body, fault.status or 400)
    refusal = errors.invalid("This content cannot be published.")
    refusal.status = fault.status or 400
    return refusal.answer()


def _status(state: FacebookState, fault: Fault) -> Response:
    return status_answer(fault, fault.status or 500, lambda status: errors.service(status).answer())


def _rate_limit(state: FacebookState, fault: Fault) -> Response:
    wait = max(1.0, ends_at(fault, state.clock) - state.clock.now())
    code = GROUP_CODES[fault.group]
    usual = dict(getattr(g, "usage_headers", {}))
    page_id = getattr(g, "page_id", None) or "0"
    full = app_header(FULL) if code == errors.APP_THROTTLED else page_header(page_id, FULL, wait)
    g.usage_headers = {} if fault.group == "none" else usual | full
    return errors.throttled(code).answer()


def _blocked(state: FacebookState, fault: Fault) -> Response:
    """Facebook has no credits; what blocks a publisher there is its policy."""
    words = "The action attempted has been deemed abusive or is otherwise disallowed"
    return errors.GraphError(368, words).answer()


FAULTS = FaultPlayer(
    {"refuse": _refuse, "status": _status, "rate_limit": _rate_limit, "credits": _blocked}
)
