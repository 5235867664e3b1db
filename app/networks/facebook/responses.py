"""What Facebook's responses mean: its error codes decide, the HTTP status hardly does.

Facts: docs/networks/facebook.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app import untrusted as words
from app.networks.base import Outcome, OutcomeKind, Profile, Scope
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.facebook.usage import HOUR_SECONDS, told_wait, used_up_for
from app.networks.http import Response
from app.networks.responses import answered, doubt_in, id_in, object_at, object_in

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
SUBCODES: dict[int, tuple[OutcomeKind, str]] = {
    1346003: (OutcomeKind.REJECTED, "content_policy"),
    1404102: (OutcomeKind.REJECTED, "content_policy"),
    1366046: (OutcomeKind.REJECTED, "picture_refused"),
    1366051: (OutcomeKind.REJECTED, "duplicate"),
    1609005: (OutcomeKind.REJECTED, "link_refused"),
    1404078: (OutcomeKind.AUTH, "page_not_authorized"),
    4854002: (OutcomeKind.AUTH, "confirm_identity"),
    1363047: (OutcomeKind.AMBIGUOUS, "server_error"),
    1609010: (OutcomeKind.AMBIGUOUS, "server_error"),
    1390008: (OutcomeKind.LATER, "rate_limited"),
}
NO_SUCH_OBJECT = 33

# A refused token is quoted in the message that refuses it.
_SECRET = re.compile(r"[\w|.~+/=-]{32,}")


def outcome_of(response: Response) -> Outcome:
    """Sort a response that is not an accepted post."""
    if code := doubt_in(response):
        return _outcome(response, OutcomeKind.AMBIGUOUS, code)
    error = error_in(response)
    if not error:
        return _without_words(response)
    return _by_subcode(response, error) or _by_code(response, error)


def error_in(response: Response) -> Mapping[str, Any]:
    """Return the ``error`` object of a response, an empty one when it has none."""
    return object_at(object_in(response), "error")


def code_of(response: Response) -> int | None:
    """Return the error's ``code``, None when it has none that is a whole number."""
    return _whole(error_in(response).get("code"))


def subcode_of(response: Response) -> int | None:
    """Return the error's ``error_subcode``, None when it has none that is a whole number."""
    return _whole(error_in(response).get("error_subcode"))


def problem_of(response: Response) -> str:
    """Return Facebook's own words, short, and without anything as long as a token."""
    error = error_in(response)
    words = error.get("error_user_msg") or error.get("message") or ""
    return _SECRET.sub("…", str(words))[:300] or f"HTTP {response.status}"


def trace_of(response: Response) -> str | None:
    """Return the id by which Facebook finds a call again."""
    trace = error_in(response).get("fbtrace_id") or response.header("x-fb-trace-id")
    return str(trace)[:64] if trace else None


def _without_words(response: Response) -> Outcome:
    if response.status == 429:
        return _later(response, Scope.ACCOUNT)
    code = "not_found" if response.status == 404 else "rejected"
    return _outcome(response, OutcomeKind.REJECTED, code)


def _by_subcode(response: Response, error: Mapping[str, Any]) -> Outcome | None:
    for number in (subcode_of(response), code_of(response)):
        kind, code = SUBCODES.get(number or 0, (None, ""))
        if kind == OutcomeKind.LATER:
            return _later(response, Scope.ACCOUNT, at_least=HOUR_SECONDS)
        if kind is not None:
            return _outcome(response, kind, code)
    if code_of(response) == BAD_PARAMETER and subcode_of(response) == NO_SUCH_OBJECT:
        return _outcome(response, OutcomeKind.REJECTED, "not_found")
    return None


def _by_code(response: Response, error: Mapping[str, Any]) -> Outcome:
    code = code_of(response)
    if code in THROTTLED:  # before is_transient, which these carry too
        return _later(response, Scope.NETWORK if code == APP_THROTTLED else Scope.ACCOUNT)
    if code in DEAD_TOKEN:
        word = TOKEN_WORDS.get(subcode_of(response) or 0, "token_refused")
        return _outcome(response, OutcomeKind.AUTH, word)
    if code in NO_PERMISSION:
        return _outcome(response, OutcomeKind.AUTH, "permission_missing")
    if code == DUPLICATE:
        return _outcome(response, OutcomeKind.REJECTED, "duplicate")
    if code == BLOCKED:
        return _outcome(response, OutcomeKind.REJECTED, "blocked", pause_for=HOUR_SECONDS)
    if code == UNKNOWN_APP or _is_wrong_proof(error):
        return _outcome(response, OutcomeKind.HOLD, "app_forbidden", scope=Scope.NETWORK)
    if code in UNCLEAR or error.get("is_transient") is True:
        return _outcome(response, OutcomeKind.AMBIGUOUS, "server_error")
    return _outcome(response, OutcomeKind.REJECTED, "rejected")


def _is_wrong_proof(error: Mapping[str, Any]) -> bool:
    """The app's own secret is wrong: no text and no person can change that."""
    return error.get("code") == BAD_PARAMETER and "appsecret_proof" in str(error.get("message"))


def _later(response: Response, scope: Scope, at_least: float = 0.0) -> Outcome:
    wait = max(used_up_for(response) or told_wait(response) or HOUR_SECONDS, at_least)
    return _outcome(response, OutcomeKind.LATER, "rate_limited", scope=scope, retry_after=wait)


def _outcome(response: Response, kind: OutcomeKind, code: str, **more: Any) -> Outcome:
    trace = trace_of(response)
    return answered(response, kind, code, detail=problem_of(response), request_id=trace, **more)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_PERSON = re.compile(r"[!-~]{1,100}")
_OURS = {"access_token", "appsecret_proof"}
"""What stands in a link of Facebook's and is sent in our own way."""


def reading_of(response: Response) -> dict[str, Any]:
    """Return the JSON of a read that worked.

    :raises LookUpFailed: no usable response.
    :raises LookUpRefused: a permission is missing, or the Page is gone for us.
    :raises TokenRefused: the token is dead.
    """
    if response.status == 200 and isinstance(response.data, dict) and "error" not in response.data:
        return response.data
    code = code_of(response)
    if response.status < 500 and code in DEAD_TOKEN:
        raise TokenRefused(problem_of(response))
    if response.status < 500 and (lacks_permission(response) or is_gone(response)):
        raise LookUpRefused(problem_of(response))
    raise LookUpFailed(problem_of(response))


def past_of(response: Response) -> dict[str, Any]:
    """Return the JSON of a page of a Page's past, as ``reading_of``.

    :raises LookUpFailed: its ``retry_after`` is that of a post that is refused for the same reason.
    """
    if response.status == 429 or code_of(response) in THROTTLED:
        raise LookUpFailed(problem_of(response), outcome_of(response).retry_after)
    return reading_of(response)


def lacks_permission(response: Response) -> bool:
    """Whether this token may not read all that was asked for."""
    return code_of(response) in NO_PERMISSION


def is_gone(response: Response) -> bool:
    """Whether there is no such object, or not for this token."""
    return (code_of(response), subcode_of(response)) == (BAD_PARAMETER, NO_SUCH_OBJECT)


def is_bad_cursor(response: Response) -> bool:
    """Whether the only parameter that is not always the same is refused, which is the cursor."""
    return code_of(response) == BAD_PARAMETER and not is_gone(response)


def person_in(data: Mapping[str, Any], name: str) -> str:
    """Return the id of a person that a response names, "" for none that can be read."""
    found = words.identifier(data.get(name)) or ""
    return found if _PERSON.fullmatch(found) else ""


def link_to(post: Mapping[str, Any], site: str) -> str:
    """Return a post's page; Facebook names some without a host, others not at all."""
    link = post.get("permalink_url")
    if isinstance(link, str) and link.startswith("/") and not link.startswith("//"):
        link = f"{site}{link}"
    found = words.web_address(link)
    return found if found.startswith(("https://", f"{site}/")) else f"{site}/{id_in(post)}"


def next_page(page: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what to add to the query to get the page that follows; None after the last one.

    Never ``paging.next`` itself: it is a whole URL, and carries the token in its query.
    """
    paging = page.get("paging") or {}
    link = paging.get("next")
    if not link:
        return None
    after = (paging.get("cursors") or {}).get("after")
    told = {"after": str(after)} if after else dict(parse_qsl(urlsplit(link).query))
    onward = {name: value for name, value in told.items() if name not in _OURS}
    if not onward:
        raise ValueError("a next page without a way to it")
    return onward


def profile_of(page: Mapping[str, Any]) -> Profile:
    """Return who a Page is. One without a name of its own is known by its number."""
    picture = page.get("picture") or {}
    return Profile(
        remote_id=page["id"],
        handle=words.line(page.get("username")) or words.identifier(page["id"]) or "",
        display_name=page.get("name") or "",
        avatar_url=(picture.get("data") or {}).get("url") or "",
    )
