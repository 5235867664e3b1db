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
from app.networks.responses import (
    answered,
    doubt_in,
    number_in,
    object_in,
    rest_from,
    seconds_until,
)

CODES_DUPLICATE = {187}
CODES_DEAD_TOKEN = {32, 89}
BUCKETS = (
    ("x-rate-limit", Scope.ACCOUNT),
    ("x-user-limit-24hour", Scope.ACCOUNT),
    ("x-app-limit-24hour", Scope.NETWORK),
)


def outcome_of(response: Response) -> Outcome:
    """Sort a response that is not an accepted tweet."""
    if response.status == 429 or _is_usage_cap(response):
        return _later(response)
    if code := doubt_in(response):
        return _outcome(response, OutcomeKind.AMBIGUOUS, code)
    if response.status == 401:
        return _outcome(response, OutcomeKind.AUTH, "token_refused")
    if response.status == 402:
        return _outcome(response, OutcomeKind.HOLD, "no_credits", scope=Scope.NETWORK)
    if response.status == 403:
        return _forbidden(response)
    if response.status == 404:
        return _outcome(response, OutcomeKind.REJECTED, "not_found")
    if response.status == 400 and "media ids are invalid" in response.text.lower():
        return _outcome(response, OutcomeKind.LATER, "pictures_gone", retry_after=3.0)
    return _outcome(response, OutcomeKind.REJECTED, "rejected")


def id_in(data: Any) -> str | None:
    """Return the id of a create response; ids are decimal strings, whatever type they come in."""
    try:
        remote_id = words.identifier(data["data"]["id"])
    except (TypeError, LookupError):
        return None
    return remote_id if remote_id and remote_id.isascii() and remote_id.isdigit() else None


def problem_of(response: Response) -> str:
    """Return the network's own words, short."""
    data = object_in(response)
    errors = data.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    words = first.get("message") if isinstance(first, dict) else None
    found = words or data.get("detail") or data.get("title") or data.get("message") or ""
    return str(found)[:300] or f"HTTP {response.status}"


def allowance_left_for(response: Response) -> float | None:
    """Return seconds to wait when an accepted tweet used the last of an account's allowance."""
    waits = [wait for wait, scope, empty in _buckets(response) if empty and scope == Scope.ACCOUNT]
    return max(waits, default=None)


def _outcome(response: Response, kind: OutcomeKind, code: str, **more: Any) -> Outcome:
    trace = response.header("x-transaction-id") or response.header("x-request-id")
    return answered(response, kind, code, detail=problem_of(response), request_id=trace, **more)


def _forbidden(response: Response) -> Outcome:
    problem = _problem_type(response)
    words = response.text.lower()
    if "duplicate content" in words or _codes(response) & CODES_DUPLICATE:
        return _outcome(response, OutcomeKind.REJECTED, "duplicate")
    if problem in {"client-forbidden", "app-suspended"}:
        return _outcome(response, OutcomeKind.HOLD, "app_forbidden", scope=Scope.NETWORK)
    if problem in {"oauth1-permissions", "user-suspended", "unsupported-authentication"}:
        return _outcome(response, OutcomeKind.AUTH, problem.replace("-", "_"))
    if _codes(response) & CODES_DEAD_TOKEN:
        return _outcome(response, OutcomeKind.AUTH, "token_refused")
    return _outcome(response, OutcomeKind.REJECTED, "rejected")


def _later(response: Response) -> Outcome:
    """Wait for the latest reset among the empty buckets; none empty: what Retry-After says."""
    empty = [(wait, scope) for wait, scope, is_empty in _buckets(response) if is_empty]
    if empty:
        wait, scope = max(empty)
        scope = Scope.NETWORK if (wait, Scope.NETWORK) in empty else scope
        return _outcome(response, OutcomeKind.LATER, "rate_limited", scope=scope, retry_after=wait)
    if _is_usage_cap(response):
        return _outcome(
            response, OutcomeKind.LATER, "usage_cap", scope=Scope.NETWORK, retry_after=DAY_SECONDS
        )
    told = seconds_until(response, response.header("retry-after"))
    return _outcome(response, OutcomeKind.LATER, "rate_limited", retry_after=told)


def _buckets(response: Response) -> Iterator[tuple[float, Scope, bool]]:
    """Yield (seconds until its reset, whom it concerns, whether it is empty) for each bucket."""
    for prefix, scope in BUCKETS:
        remaining = number_in(response.header(f"{prefix}-remaining"))
        wait = seconds_until(response, response.header(f"{prefix}-reset"))
        if remaining is not None and wait is not None:
            yield wait, scope, remaining <= 0


def _is_usage_cap(response: Response) -> bool:
    return response.status in {402, 429} and _problem_type(response) == "usage-capped"


def _problem_type(response: Response) -> str:
    return str(object_in(response).get("type") or "").rsplit("/", 1)[-1]


def _codes(response: Response) -> set[int]:
    data = object_in(response)
    errors = data.get("errors")
    listed = errors if isinstance(errors, list) else []
    found = [data.get("code"), *(e.get("code") for e in listed if isinstance(e, dict))]
    return {code for code in found if isinstance(code, int)}


def reading_of(response: Response) -> dict[str, Any]:
    """Return the JSON of a read that worked; it has ``data``, ``meta`` or both.

    :raises LookUpFailed: no usable response.
    :raises LookUpRefused: reading is not allowed (402, 403, 404).
    :raises TokenRefused: 401.
    """
    data = object_in(response)
    if response.status == 200 and {"data", "meta"} & set(data):
        return data
    if response.status == 401:
        raise TokenRefused(problem_of(response))
    if response.status in {402, 403, 404}:
        code = "no_credits" if response.status == 402 else "not_allowed"
        raise LookUpRefused(problem_of(response), code=code)
    raise LookUpFailed(problem_of(response))


def past_of(response: Response) -> dict[str, Any]:
    """Return the JSON of a page of an account's past, as ``reading_of``.

    :raises LookUpFailed: its ``retry_after`` is that of a post that is refused for the same reason.
    """
    if response.status == 429 or _is_usage_cap(response):
        raise LookUpFailed(problem_of(response), _later(response).retry_after)
    return reading_of(response)


def rest_after(response: Response) -> float:
    """Return seconds to leave an account alone, so that publishing has the rest of what it may."""
    return max(
        rest_from(
            number_in(response.header(f"{prefix}-remaining")),
            number_in(response.header(f"{prefix}-limit")),
            seconds_until(response, response.header(f"{prefix}-reset")),
        )
        for prefix, _ in BUCKETS
    )


def profile_of(user: Mapping[str, Any]) -> Profile:
    """Return who this is; raises KeyError or ValueError for another shape."""
    name, avatar = user.get("name") or "", user.get("profile_image_url") or ""
    return Profile(user["id"], user["username"], name, avatar)
