"""What X's responses mean. The status decides first: the bodies have had several generations.

Facts: docs/networks/x.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app import untrusted as words
from app.networks.base import Outcome, OutcomeKind, Profile, Scope
from app.networks.errors import DAY_SECONDS, LookUpFailed, LookUpRefused, TokenRefused
from app.networks.http import Response
from app.networks.responses import number_in, seconds_until

CODES_DUPLICATE = {187}
CODES_DEAD_TOKEN = {32, 89}
BUCKETS = (
    ("x-rate-limit", Scope.ACCOUNT),
    ("x-user-limit-24hour", Scope.ACCOUNT),
    ("x-app-limit-24hour", Scope.NETWORK),
)


def outcome_of(answer: Response) -> Outcome:
    """Sort an answer that is not an accepted tweet."""
    if answer.status == 429 or _is_usage_cap(answer):
        return _later(answer)
    if answer.status >= 500 or answer.status == 408:
        return _outcome(answer, OutcomeKind.AMBIGUOUS, "server_error")
    if 200 <= answer.status < 300:
        return _outcome(answer, OutcomeKind.AMBIGUOUS, "garbled_answer")
    if answer.status == 401:
        return _outcome(answer, OutcomeKind.AUTH, "token_refused")
    if answer.status == 402:
        return _outcome(answer, OutcomeKind.HOLD, "no_credits", Scope.NETWORK)
    if answer.status == 403:
        return _forbidden(answer)
    if answer.status == 404:
        return _outcome(answer, OutcomeKind.REJECTED, "not_found")
    if 300 <= answer.status < 400:
        return _outcome(answer, OutcomeKind.AMBIGUOUS, "redirected")
    if answer.status == 400 and "media ids are invalid" in answer.text.lower():
        return _outcome(answer, OutcomeKind.LATER, "pictures_gone", retry_after=3.0)
    return _outcome(answer, OutcomeKind.REJECTED, "rejected")


def id_in(data: Any) -> str | None:
    """Return the id of a create answer; ids are decimal strings, whatever type they come in."""
    try:
        remote_id = words.identifier(data["data"]["id"])
    except (TypeError, LookupError):
        return None
    return remote_id if remote_id and remote_id.isascii() and remote_id.isdigit() else None


def problem_of(answer: Response) -> str:
    """Return the network's own words, short."""
    data = answer.data if isinstance(answer.data, dict) else {}
    errors = data.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    words = first.get("message") if isinstance(first, dict) else None
    found = words or data.get("detail") or data.get("title") or data.get("message") or ""
    return str(found)[:300] or f"HTTP {answer.status}"


def allowance_left_for(answer: Response) -> float | None:
    """Return seconds to wait when an accepted tweet used the last of an account's allowance."""
    waits = [wait for wait, scope, empty in _buckets(answer) if empty and scope == Scope.ACCOUNT]
    return max(waits, default=None)


def _outcome(
    answer: Response, kind: OutcomeKind, code: str, scope: Scope = Scope.ACCOUNT, **more: Any
) -> Outcome:
    return Outcome(
        kind,
        code,
        problem_of(answer),
        scope=scope,
        http_status=answer.status,
        request_id=answer.header("x-transaction-id") or answer.header("x-request-id"),
        answered_at=answer.at,
        **more,
    )


def _forbidden(answer: Response) -> Outcome:
    problem = _problem_type(answer)
    words = answer.text.lower()
    if "duplicate content" in words or _codes(answer) & CODES_DUPLICATE:
        return _outcome(answer, OutcomeKind.REJECTED, "duplicate")
    if problem in {"client-forbidden", "app-suspended"}:
        return _outcome(answer, OutcomeKind.HOLD, "app_forbidden", Scope.NETWORK)
    if problem in {"oauth1-permissions", "user-suspended", "unsupported-authentication"}:
        return _outcome(answer, OutcomeKind.AUTH, problem.replace("-", "_"))
    if _codes(answer) & CODES_DEAD_TOKEN:
        return _outcome(answer, OutcomeKind.AUTH, "token_refused")
    return _outcome(answer, OutcomeKind.REJECTED, "rejected")


def _later(answer: Response) -> Outcome:
    """Wait for the latest reset among the empty buckets; none empty: what Retry-After says."""
    empty = [(wait, scope) for wait, scope, is_empty in _buckets(answer) if is_empty]
    if empty:
        wait, scope = max(empty)
        scope = Scope.NETWORK if (wait, Scope.NETWORK) in empty else scope
        return _outcome(answer, OutcomeKind.LATER, "rate_limited", scope, retry_after=wait)
    if _is_usage_cap(answer):
        return _outcome(
            answer, OutcomeKind.LATER, "usage_cap", Scope.NETWORK, retry_after=DAY_SECONDS
        )
    told = seconds_until(answer, answer.header("retry-after"))
    return _outcome(answer, OutcomeKind.LATER, "rate_limited", retry_after=told)


def _buckets(answer: Response) -> Iterator[tuple[float, Scope, bool]]:
    """Yield (seconds until its reset, whom it concerns, whether it is empty) for each bucket."""
    for prefix, scope in BUCKETS:
        remaining = number_in(answer.header(f"{prefix}-remaining"))
        wait = seconds_until(answer, answer.header(f"{prefix}-reset"))
        if remaining is not None and wait is not None:
            yield wait, scope, remaining <= 0


def _is_usage_cap(answer: Response) -> bool:
    return answer.status in {402, 429} and _problem_type(answer) == "usage-capped"


def _problem_type(answer: Response) -> str:
    data = answer.data if isinstance(answer.data, dict) else {}
    return str(data.get("type") or "").rsplit("/", 1)[-1]


def _codes(answer: Response) -> set[int]:
    data = answer.data if isinstance(answer.data, dict) else {}
    errors = data.get("errors")
    listed = errors if isinstance(errors, list) else []
    found = [data.get("code"), *(e.get("code") for e in listed if isinstance(e, dict))]
    return {code for code in found if isinstance(code, int)}


def reading_of(answer: Response) -> dict[str, Any]:
    """Return the JSON of a read that worked; it has ``data``, ``meta`` or both.

    :raises LookUpFailed: no usable answer.
    :raises LookUpRefused: reading is not allowed (402, 403, 404).
    :raises TokenRefused: 401.
    """
    if (
        answer.status == 200
        and isinstance(answer.data, dict)
        and {"data", "meta"} & set(answer.data)
    ):
        return answer.data
    if answer.status == 401:
        raise TokenRefused(problem_of(answer))
    if answer.status in {402, 403, 404}:
        raise LookUpRefused(problem_of(answer))
    raise LookUpFailed(problem_of(answer))


def profile_of(user: Mapping[str, Any]) -> Profile:
    """Return who this is; raises KeyError or ValueError for another shape."""
    name, avatar = user.get("name") or "", user.get("profile_image_url") or ""
    return Profile(user["id"], user["username"], name, avatar)
