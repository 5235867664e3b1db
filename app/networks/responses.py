"""What holds for the responses of every network: none at all, another shape, and waits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from app import untrusted
from app.networks.base import Outcome, OutcomeKind
from app.networks.errors import DAY_SECONDS, LookUpFailed, TokenRefused, UploadRefused
from app.networks.http import NoResponse, NotSent, Response, TooLateToStart

SLOW_MACHINE = 0.2
"""Seconds until the next try when only this machine was too slow to begin."""
NO_MOMENT = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)
"""What reading a moment may raise: the library's readers are strict about nothing."""
ODD_SHAPE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What code raises that expected data of another shape."""
RESERVED_SHARE = 0.3
"""Of an allowance: reading an account's past leaves it to publishing."""
EPOCH = 1_000_000_000
"""A larger number is a moment, a smaller one a number of seconds."""


def unanswered(error: NotSent | NoResponse) -> Outcome:
    """Return how a create call without a response ended."""
    detail = str(error)
    if isinstance(error, TooLateToStart):
        return Outcome(OutcomeKind.NOT_SENT, None, detail, retry_after=SLOW_MACHINE)
    if isinstance(error, NotSent):
        return Outcome(OutcomeKind.NOT_SENT, "unreachable", detail)
    return Outcome(OutcomeKind.AMBIGUOUS, "no_answer", detail)


def answered(
    response: Response, kind: OutcomeKind, code: str | None = None, **more: Any
) -> Outcome:
    """Return how a create call with a response ended; ``more`` are further fields."""
    return Outcome(kind, code, http_status=response.status, answered_at=response.at, **more)


def doubt_in(response: Response) -> str | None:
    """Return the code of a response that leaves the post in doubt: it may be there; else None.

    For responses that do not name it: no network says a clear no with these statuses.
    """
    if response.status >= 500 or response.status == 408:
        return "server_error"
    if 200 <= response.status < 300:
        return "garbled_answer"
    return "redirected" if 300 <= response.status < 400 else None


def object_in(response: Response) -> dict[str, Any]:
    """Return the JSON object of a response, an empty one where it is something else."""
    return response.data if isinstance(response.data, dict) else {}


def object_at(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the object that another one has under this name, an empty one where it has none."""
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def list_in(found: Any) -> list[Any]:
    """Return a list that a response has. Raises ValueError for anything else."""
    if not isinstance(found, list):
        raise ValueError("no list")
    return found


def id_in(data: Any) -> str | None:
    """Return the id that JSON has: a text of any shape, or a number; None without one."""
    return untrusted.identifier(data.get("id")) if isinstance(data, dict) else None


@contextmanager
def known_shape() -> Iterator[None]:
    """Raise LookUpFailed for a response of another shape than the code inside expects."""
    try:
        yield
    except ODD_SHAPE as error:
        raise LookUpFailed(f"the answer has an unknown shape: {type(error).__name__}") from error


def upload_error(outcome: Outcome, code: str) -> Exception:
    """Return what to raise for an upload that was not accepted.

    :param outcome: what the response would mean for a create call.
    :param code: of UploadRefused, for a picture that the network does not take.
    """
    if outcome.kind == OutcomeKind.AUTH:
        return TokenRefused(outcome.detail or "")
    if outcome.kind == OutcomeKind.REJECTED:
        return UploadRefused(code, outcome.detail or "")
    return LookUpFailed(outcome.detail or "", outcome.retry_after)


def moment_in(text: str) -> datetime:
    """Return an ISO 8601 moment. Raises ValueError for one without a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


def told_moment(told: Any) -> datetime | None:
    """Return an ISO 8601 moment in UTC, which is meant where no zone is told; None for no moment.

    For moments that only date something: programs of strangers wrote many of them.
    """
    if not isinstance(told, str):
        return None
    try:
        moment = datetime.fromisoformat(told)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except NO_MOMENT:
        return None


def rest_from(left: float | None, limit: float | None, wait: float | None) -> float:
    """Return seconds to leave an account alone, so that publishing has the rest of an allowance.

    :param left: calls that are left of it; None where that is not told, as with the others.
    :param limit: calls of a whole allowance.
    :param wait: seconds until it is whole again.
    """
    if left is None or limit is None or wait is None or left >= RESERVED_SHARE * limit:
        return 0.0
    return wait


def bounded(seconds: float) -> float:
    """Return a wait of at least a second and at most a day."""
    return min(DAY_SECONDS, max(1.0, seconds))


def seconds_until(response: Response, told: str | None) -> float | None:
    """Read seconds, an epoch in seconds or milliseconds, an ISO 8601 moment or an HTTP date."""
    if told is None:
        return None
    number = number_in(told)
    if number is None:
        moment = _moment(told)
        return None if moment is None else bounded(moment - _their_time(response))
    if number > EPOCH * 1000:
        number /= 1000
    return bounded(number - _their_time(response) if number > EPOCH else number)


def number_in(told: str | None) -> float | None:
    """Return the number that a header is, None for no header and for no usable number."""
    try:
        number = float(told) if told is not None else None
    except ValueError:
        return None
    return number if number is not None and abs(number) < EPOCH**2 else None  # no NaN either


def _moment(told: str) -> float | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(told.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except NO_MOMENT:
            continue
    return None


def _their_time(response: Response) -> float:
    """The network's own clock: its resets are absolute, and ours may be off by a minute."""
    try:
        return parsedate_to_datetime(response.header("date") or "").timestamp()
    except NO_MOMENT:
        return time.time()
