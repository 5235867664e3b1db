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
from app.networks.responses import number_in, seconds_until

USUAL_WAIT_SECONDS = 300.0
"""To wait where a server does not say: Mastodon counts calls in five minutes."""
MOVED = {301, 302, 307, 308, 410}
NOT_OFFERED = {404, 405, 410, 501}
"""What a server answers that lacks a call."""
AWAY = {403, 404, 405, 406}
"""Without an error in JSON: a gateway answers in place of the server."""
MAX_NAME_CHARACTERS = 100


def outcome_of(answer: Response) -> Outcome:
    """Return how a create call ended whose response names no post."""
    status = answer.status
    if status == 429:
        return outcome(answer, OutcomeKind.LATER, "rate_limited", _wait_after(answer))
    if status >= 500 or status == 408:
        return outcome(answer, OutcomeKind.AMBIGUOUS, "server_error")
    if 200 <= status < 300:
        return outcome(answer, OutcomeKind.AMBIGUOUS, "garbled_answer")
    if status in MOVED:
        return outcome(answer, OutcomeKind.AUTH, "server_moved")
    if 300 <= status < 400:
        return outcome(answer, OutcomeKind.AMBIGUOUS, "redirected")
    if status == 401:
        return outcome(answer, OutcomeKind.AUTH, "token_refused")
    if status in AWAY and not _words(answer):
        return outcome(answer, OutcomeKind.LATER, "unreachable")
    if status == 403:
        return outcome(answer, OutcomeKind.AUTH, "permission_missing")
    return outcome(answer, OutcomeKind.REJECTED, "not_found" if status == 404 else "rejected")


def outcome(
    answer: Response, kind: OutcomeKind, code: str, retry_after: float | None = None
) -> Outcome:
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


def reading_of(answer: Response) -> Any:
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
    return untrusted.identifier(data.get("id")) if isinstance(data, dict) else None


def problem_of(answer: Response) -> str:
    """Return the server's own words, short."""
    return _words(answer)[:300] or f"HTTP {answer.status}"


def request_id_of(answer: Response) -> str | None:
    """Return the id by which the server's operator finds a call again."""
    return (answer.header("x-request-id") or "")[:64] or None


def allowance_left_for(answer: Response) -> float | None:
    """Return seconds to wait when an accepted post used the last of an allowance."""
    remaining = calls_left(answer)
    if remaining is None or remaining > 0:
        return None
    return _reset_in(answer)


def calls_left(answer: Response) -> float | None:
    """Return how many calls an account has left, None when the server does not say."""
    return number_in(_first(answer, "x-ratelimit-remaining", "ratelimit-remaining"))


def wait_in(answer: Response) -> float | None:
    """Return seconds to wait after a 429, None when it does not say."""
    return seconds_until(answer, answer.header("retry-after")) or _reset_in(answer)


def _wait_after(answer: Response) -> float:
    return wait_in(answer) or USUAL_WAIT_SECONDS


def _words(answer: Response) -> str:
    """Return the server's words, "" where there are none: then it is a gateway's page.

    Servers differ in where they put them.
    """
    data: Mapping[str, Any] = answer.data if isinstance(answer.data, dict) else {}
    said = [data.get("error"), data.get("error_description")]
    return ": ".join(word for word in said if isinstance(word, str) and word)


def _reset_in(answer: Response) -> float | None:
    return seconds_until(answer, _first(answer, "x-ratelimit-reset", "ratelimit-reset"))


def _first(answer: Response, *names: str) -> str | None:
    return next((told for name in names if (told := answer.header(name)) is not None), None)


def profile_of(account: Mapping[str, Any], server: Server) -> Profile:
    """Return who an account is. The handle has the server in it, as people write it."""
    remote_id = id_in(account)
    if remote_id is None:
        raise ValueError("an account without an id")
    avatar, page = account.get("avatar"), account.get("url")
    return Profile(
        remote_id=remote_id,
        handle=f"{_name_in(account)}@{server.host}",
        display_name=account.get("display_name") or "",
        avatar_url=str(avatar) if is_page(avatar, server) else "",
        server=server.host,
        page_url=str(page) if is_page(page, server) else "",
    )


def is_page(url: Any, server: Server) -> bool:
    """Whether this is an address that a browser may be sent to."""
    return untrusted.web_address(url).startswith(("https://", f"{server.url}/"))


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
        if is_page(status.get(name), server):
            return str(status[name])
    return f"{server.url}/web/statuses/{id_in(status)}"
