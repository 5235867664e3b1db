"""What Facebook's answers to a create call mean: its codes decide, the HTTP status hardly does.

Facts: docs/networks/facebook.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.networks.base import Kind, Outcome, Scope
from app.networks.facebook_usage import HOUR, told_wait, used_up_for
from app.networks.http import Answer

APP_THROTTLED = 4
THROTTLED = {APP_THROTTLED, 17, 32, 341, 613, *range(80_000, 81_000)}
DEAD_TOKEN = {102, 104, 190}
NO_PERMISSION = {3, 10, *range(200, 300)}
DUPLICATE = 506
BLOCKED = 368
UNKNOWN_APP = 101
UNCLEAR = {1, 2}
BAD_PARAMETER = 100

TOKEN_WORDS = {
    458: "app_removed",
    459: "checkpoint",
    460: "password_changed",
    464: "checkpoint",
    492: "role_lost",
}
SUBCODES: dict[int, tuple[Kind, str]] = {
    1346003: (Kind.REJECTED, "content_policy"),
    1404102: (Kind.REJECTED, "content_policy"),
    1366046: (Kind.REJECTED, "picture_refused"),
    1366051: (Kind.REJECTED, "duplicate"),
    1609005: (Kind.REJECTED, "link_refused"),
    1404078: (Kind.AUTH, "page_not_authorized"),
    4854002: (Kind.AUTH, "confirm_identity"),
    1363047: (Kind.AMBIGUOUS, "server_error"),
    1609010: (Kind.AMBIGUOUS, "server_error"),
    1390008: (Kind.LATER, "rate_limited"),
}
NO_SUCH_OBJECT = 33

# A refused token is quoted in the message that refuses it.
_SECRET = re.compile(r"[\w|.~+/=-]{32,}")


def outcome_of(answer: Answer) -> Outcome:
    """Sort an answer that is not an accepted post."""
    if answer.status >= 500 or answer.status == 408:
        return _outcome(answer, Kind.AMBIGUOUS, "server_error")
    if 200 <= answer.status < 300:
        return _outcome(answer, Kind.AMBIGUOUS, "garbled_answer")
    if 300 <= answer.status < 400:
        return _outcome(answer, Kind.AMBIGUOUS, "redirected")
    error = error_in(answer)
    if not error:
        return _without_words(answer)
    return _by_subcode(answer, error) or _by_code(answer, error)


def error_in(answer: Answer) -> Mapping[str, Any]:
    """Return the ``error`` object of an answer, an empty one when it has none."""
    error = answer.data.get("error") if isinstance(answer.data, dict) else None
    return error if isinstance(error, dict) else {}


def code_of(answer: Answer) -> int | None:
    """Return the error's ``code``, None when it has none that is a whole number."""
    return _whole(error_in(answer).get("code"))


def subcode_of(answer: Answer) -> int | None:
    """Return the error's ``error_subcode``, None when it has none that is a whole number."""
    return _whole(error_in(answer).get("error_subcode"))


def problem_of(answer: Answer) -> str:
    """Return Facebook's own words, short, and without anything as long as a token."""
    error = error_in(answer)
    words = error.get("error_user_msg") or error.get("message") or ""
    return _SECRET.sub("…", str(words))[:300] or f"HTTP {answer.status}"


def trace_of(answer: Answer) -> str | None:
    """Return the id by which Facebook finds a call again."""
    trace = error_in(answer).get("fbtrace_id") or answer.header("x-fb-trace-id")
    return str(trace)[:64] if trace else None


def _without_words(answer: Answer) -> Outcome:
    if answer.status == 429:
        return _later(answer, Scope.ACCOUNT)
    if answer.status == 404:
        return _outcome(answer, Kind.REJECTED, "not_found")
    return _outcome(answer, Kind.REJECTED, "rejected")


def _by_subcode(answer: Answer, error: Mapping[str, Any]) -> Outcome | None:
    for number in (subcode_of(answer), code_of(answer)):
        kind, code = SUBCODES.get(number or 0, (None, ""))
        if kind == Kind.LATER:
            return _later(answer, Scope.ACCOUNT, at_least=HOUR)
        if kind is not None:
            return _outcome(answer, kind, code)
    if code_of(answer) == BAD_PARAMETER and subcode_of(answer) == NO_SUCH_OBJECT:
        return _outcome(answer, Kind.REJECTED, "not_found")
    return None


def _by_code(answer: Answer, error: Mapping[str, Any]) -> Outcome:
    code = code_of(answer)
    if code in THROTTLED:  # before is_transient, which these carry too
        return _later(answer, Scope.NETWORK if code == APP_THROTTLED else Scope.ACCOUNT)
    if code in DEAD_TOKEN:
        word = TOKEN_WORDS.get(subcode_of(answer) or 0, "token_refused")
        return _outcome(answer, Kind.AUTH, word)
    if code in NO_PERMISSION:
        return _outcome(answer, Kind.AUTH, "permission_missing")
    if code == DUPLICATE:
        return _outcome(answer, Kind.REJECTED, "duplicate")
    if code == BLOCKED:
        return _outcome(answer, Kind.REJECTED, "blocked", pause_for=HOUR)
    if code == UNKNOWN_APP or _is_wrong_proof(error):
        return _outcome(answer, Kind.HOLD, "app_forbidden", Scope.NETWORK)
    if code in UNCLEAR or error.get("is_transient") is True:
        return _outcome(answer, Kind.AMBIGUOUS, "server_error")
    return _outcome(answer, Kind.REJECTED, "rejected")


def _is_wrong_proof(error: Mapping[str, Any]) -> bool:
    """The app's own secret is wrong: no text and no person can change that."""
    return error.get("code") == BAD_PARAMETER and "appsecret_proof" in str(error.get("message"))


def _later(answer: Answer, scope: Scope, at_least: float = 0.0) -> Outcome:
    wait = used_up_for(answer) or told_wait(answer) or HOUR
    return _outcome(answer, Kind.LATER, "rate_limited", scope, retry_after=max(wait, at_least))


def _outcome(
    answer: Answer, kind: Kind, code: str, scope: Scope = Scope.ACCOUNT, **more: Any
) -> Outcome:
    return Outcome(
        kind,
        code,
        problem_of(answer),
        scope=scope,
        http_status=answer.status,
        request_id=trace_of(answer),
        answered_at=answer.at,
        **more,
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
