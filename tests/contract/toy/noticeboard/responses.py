"""What the board's responses mean: the status decides."""

from __future__ import annotations

from typing import Any

from app.networks.base import Outcome, OutcomeKind
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.http import Response
from app.networks.responses import answered, object_in, seconds_until


def outcome_of(response: Response) -> Outcome:
    """Return how a create call ended that did not create a notice."""
    kind, code = _meaning_of(response.status)
    wait = seconds_until(response, response.header("retry-after"))
    return answered(response, kind, code, detail=problem_of(response), retry_after=wait)


def _meaning_of(status: int) -> tuple[OutcomeKind, str]:
    if status == 401:
        return OutcomeKind.AUTH, "token_refused"
    if status == 429:
        return OutcomeKind.LATER, "rate_limited"
    if 400 <= status < 500 and status != 408:
        return OutcomeKind.REJECTED, "rejected"
    return OutcomeKind.AMBIGUOUS, "server_error"  # the board may have it


def reading_of(response: Response) -> Any:
    """Return the JSON of a read. Raises TokenRefused, LookUpRefused, LookUpFailed."""
    if response.status == 200 and response.data is not None:
        return response.data
    if response.status == 401:
        raise TokenRefused(problem_of(response))
    if response.status == 403:
        raise LookUpRefused(problem_of(response))
    raise LookUpFailed(problem_of(response))


def problem_of(response: Response) -> str:
    """Return the board's own words, or the status."""
    return str(object_in(response).get("error") or f"HTTP {response.status}")
