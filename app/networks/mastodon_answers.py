"""What a Mastodon server's answers mean: by status, for its words come in its own language.

Facts: docs/networks/mastodon.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import words
from app.networks.answers import number_in, seconds_until
from app.networks.base import Kind, LookUpFailed, LookUpRefused, Outcome, TokenRefused
from app.networks.http import Answer

USUAL_WAIT = 300.0
"""Seconds to wait where a server does not say: Mastodon counts calls in five minutes."""
MOVED = {301, 302, 307, 308, 410}
NOT_OFFERED = {404, 405, 410, 501}
"""What a server answers that lacks a call."""
AWAY = {403, 404, 405, 406}


def outcome_of(answer: Answer) -> Outcome:
    """Sort an answer that is not an accepted post."""
    status = answer.status
    if status == 429:
        return outcome(answer, Kind.LATER, "rate_limited", _wait_after(answer))
    if status >= 500 or status == 408:
        return outcome(answer, Kind.AMBIGUOUS, "server_error")
    if 200 <= status < 300:
        return outcome(answer, Kind.AMBIGUOUS, "garbled_answer")
    if status in MOVED:
        return outcome(answer, Kind.AUTH, "server_moved")
    if 300 <= status < 400:
        return outcome(answer, Kind.AMBIGUOUS, "redirected")
    if status == 401:
        return outcome(answer, Kind.AUTH, "token_refused")
    if status in AWAY and not _words(answer):  # a gateway speaks in its place
        return outcome(answer, Kind.LATER, "unreachable")
    if status == 403:
        return outcome(answer, Kind.AUTH, "permission_missing")
    return outcome(answer, Kind.REJECTED, "not_found" if status == 404 else "rejected")


def outcome(answer: Answer, kind: Kind, code: str, retry_after: float | None = None) -> Outcome:
    """Return an outcome with all that an answer tells beside it; ``retry_after`` in seconds."""
    return Outcome(
        kind,
        code,
        problem_of(answer),
        retry_after=retry_after,
        http_status=answer.status,
        request_id=request_id_of(answer),
        answered_at=answer.at,
    )


def reading_of(answer: Answer) -> Any:
    """Return the JSON of a read that worked: an object or a list.

    :raises LookUpFailed: no usable answer.
    :raises LookUpRefused: a permission is missing, or the account is gone.
    :raises TokenRefused: the token is dead, in one of the ways that servers say it.
    """
    if answer.status == 200 and isinstance(answer.data, dict | list):
        return answer.data
    if answer.status == 401 or (answer.status in {400, 422} and _words(answer)):
        raise TokenRefused(problem_of(answer))
    if answer.status == 410 or (answer.status in {403, 404} and _words(answer)):
        raise LookUpRefused(problem_of(answer))
    raise LookUpFailed(problem_of(answer), _wait_after(answer) if answer.status == 429 else None)


def id_in(data: Any) -> str | None:
    """Return an id: a text of any shape, or a number."""
    return words.identifier(data.get("id")) if isinstance(data, dict) else None


def problem_of(answer: Answer) -> str:
    """Return the server's own words, short."""
    return _words(answer)[:300] or f"HTTP {answer.status}"


def request_id_of(answer: Answer) -> str | None:
    """Return the id by which the server's operator finds a call again."""
    return (answer.header("x-request-id") or "")[:64] or None


def allowance_left_for(answer: Answer) -> float | None:
    """Return seconds to wait when an accepted post used the last of an allowance."""
    remaining = calls_left(answer)
    if remaining is None or remaining > 0:
        return None
    return _reset_in(answer)


def calls_left(answer: Answer) -> float | None:
    """Return how many calls an account has left, None when the server does not say."""
    return number_in(_first(answer, "x-ratelimit-remaining", "ratelimit-remaining"))


def wait_in(answer: Answer) -> float | None:
    """Return seconds to wait after a 429, None when it does not say."""
    return seconds_until(answer, answer.header("retry-after")) or _reset_in(answer)


def _wait_after(answer: Answer) -> float:
    return wait_in(answer) or USUAL_WAIT


def _words(answer: Answer) -> str:
    """Servers differ in where they put them; a text of its own means it is no gateway's page."""
    data: Mapping[str, Any] = answer.data if isinstance(answer.data, dict) else {}
    said = [data.get("error"), data.get("error_description")]
    return ": ".join(word for word in said if isinstance(word, str) and word)


def _reset_in(answer: Answer) -> float | None:
    return seconds_until(answer, _first(answer, "x-ratelimit-reset", "ratelimit-reset"))


def _first(answer: Answer, *names: str) -> str | None:
    return next((told for name in names if (told := answer.header(name)) is not None), None)
