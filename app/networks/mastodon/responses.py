"""What the responses of a Mastodon server mean.

The status decides, not the words: they come in the server's own language.
Facts: docs/networks/mastodon.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import untrusted
from app.networks.base import Outcome, OutcomeKind, Profile
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.http import Response
from app.networks.mastodon.client import Server
from app.networks.responses import (
    RESERVED_SHARE,
    answered,
    doubt_in,
    id_in,
    number_in,
    object_in,
    rest_from,
    seconds_until,
)

USUAL_WAIT_SECONDS = 300.0
"""To wait where a server does not say: Mastodon counts calls in five minutes."""
MOVED = {301, 302, 307, 308, 410}
NOT_OFFERED = {404, 405, 410, 501}
"""What a server answers that lacks a call."""
AWAY = {403, 404, 405, 406}
"""Without an error in JSON: a gateway answers in place of the server."""
MAX_NAME_CHARACTERS = 100
RESERVED_CALLS = 30
"""Of an account's allowance: reads leave them to publishing."""
MAX_READ_REST_SECONDS = 900.0
"""A reset that is further away belongs to another allowance than that of reads."""


def outcome_of(response: Response) -> Outcome:
    """Return how a create call ended whose response names no post."""
    status = response.status
    if status == 429:
        wait = _wait_after(response)
        return _outcome(response, OutcomeKind.LATER, "rate_limited", retry_after=wait)
    if status in MOVED:
        return _outcome(response, OutcomeKind.AUTH, "server_moved")
    if code := doubt_in(response):
        return _outcome(response, OutcomeKind.AMBIGUOUS, code)
    if status == 401:
        return _outcome(response, OutcomeKind.AUTH, "token_refused")
    if status in AWAY and not _words(response):
        return _outcome(response, OutcomeKind.LATER, "unreachable")
    if status == 403:
        return _outcome(response, OutcomeKind.AUTH, "permission_missing")
    return _outcome(response, OutcomeKind.REJECTED, "not_found" if status == 404 else "rejected")


def _outcome(response: Response, kind: OutcomeKind, code: str, **more: Any) -> Outcome:
    trace = response.header("x-request-id")
    return answered(response, kind, code, detail=problem_of(response), request_id=trace, **more)


def reading_of(response: Response) -> Any:
    """Return the JSON of a read that worked: an object or a list.

    :raises LookUpFailed: no usable response.
    :raises LookUpRefused: a permission is missing, or the account is gone.
    :raises TokenRefused: the token is dead, in one of the ways that servers say it.
    """
    if response.status == 200 and isinstance(response.data, dict | list):
        return response.data
    if response.status == 401 or (response.status in {400, 422} and _words(response)):
        raise TokenRefused(problem_of(response))
    if response.status == 410 or (response.status in {403, 404} and _words(response)):
        raise LookUpRefused(problem_of(response))
    wait = _wait_after(response) if response.status == 429 else None
    raise LookUpFailed(problem_of(response), wait)


def problem_of(response: Response) -> str:
    """Return the server's own words, short."""
    return _words(response)[:300] or f"HTTP {response.status}"


def allowance_left_for(response: Response) -> float | None:
    """Return seconds to wait when an accepted post used the last of an allowance."""
    remaining = calls_left(response)
    if remaining is None or remaining > 0:
        return None
    return _reset_in(response)


def calls_left(response: Response) -> float | None:
    """Return how many calls an account has left, None when the server does not say."""
    return number_in(_first(response, "x-ratelimit-remaining", "ratelimit-remaining"))


def rest_after(response: Response) -> float:
    """Return seconds to leave an account alone, so that publishing has the rest of what it may.

    Reads and posts share one allowance, so RESERVED_CALLS of it are left where its size is not
    told. A reset that is further away than MAX_READ_REST_SECONDS belongs to another allowance.
    """
    size = number_in(_first(response, "x-ratelimit-limit", "ratelimit-limit"))
    size = max(size or 0.0, RESERVED_CALLS / RESERVED_SHARE)
    rest = rest_from(calls_left(response), size, wait_in(response))
    return rest if rest <= MAX_READ_REST_SECONDS else 0.0


def wait_in(response: Response) -> float | None:
    """Return seconds to wait after a 429, None when it does not say."""
    return seconds_until(response, response.header("retry-after")) or _reset_in(response)


def _wait_after(response: Response) -> float:
    return wait_in(response) or USUAL_WAIT_SECONDS


def _words(response: Response) -> str:
    """Return the server's words, "" where there are none: then it is a gateway's page.

    Servers differ in where they put them.
    """
    said = [object_in(response).get(name) for name in ("error", "error_description")]
    return ": ".join(word for word in said if isinstance(word, str) and word)


def _reset_in(response: Response) -> float | None:
    return seconds_until(response, _first(response, "x-ratelimit-reset", "ratelimit-reset"))


def _first(response: Response, *names: str) -> str | None:
    return next((told for name in names if (told := response.header(name)) is not None), None)


def profile_of(account: Mapping[str, Any], server: Server) -> Profile:
    """Return who an account is. The handle has the server in it, as people write it."""
    return Profile(
        remote_id=account["id"],
        handle=f"{_name_in(account)}@{server.host}",
        display_name=account.get("display_name") or "",
        avatar_url=page_at(account.get("avatar"), server),
        server=server.host,
        page_url=page_at(account.get("url"), server),
    )


def page_at(url: Any, server: Server) -> str:
    """Return an address if a browser may be sent there, else ""."""
    found = untrusted.web_address(url)
    return found if found.startswith(("https://", f"{server.url}/")) else ""


def _name_in(account: Mapping[str, Any]) -> str:
    """Return the name before the @, cut to a length that handles may have.

    Raises ValueError where there is none.
    """
    name = untrusted.line(account["username"], MAX_NAME_CHARACTERS)
    if not name:
        raise ValueError("an account without a name")
    return name


def link_to(status: Mapping[str, Any], server: Server) -> str:
    """Return a post's page; the address that every Mastodon knows when the server tells none."""
    for name in ("url", "uri"):
        if page := page_at(status.get(name), server):
            return page
    return f"{server.url}/web/statuses/{id_in(status)}"
