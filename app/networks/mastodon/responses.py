"""What a Mastodon server's answers mean: by status, for its words come in its own language.

Facts: docs/networks/mastodon.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app import untrusted
from app.networks.base import (
    Limits,
    LookUpFailed,
    LookUpRefused,
    Outcome,
    OutcomeKind,
    Profile,
    TokenRefused,
)
from app.networks.http import Response
from app.networks.mastodon.client import Server
from app.networks.responses import known_shape, number_in, seconds_until

USUAL_WAIT = 300.0
"""Seconds to wait where a server does not say: Mastodon counts calls in five minutes."""
MOVED = {301, 302, 307, 308, 410}
NOT_OFFERED = {404, 405, 410, 501}
"""What a server answers that lacks a call."""
AWAY = {403, 404, 405, 406}


def outcome_of(answer: Response) -> Outcome:
    """Sort an answer that is not an accepted post."""
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
    if status in AWAY and not _words(answer):  # a gateway speaks in its place
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
    return wait_in(answer) or USUAL_WAIT


def _words(answer: Response) -> str:
    """Servers differ in where they put them; a text of its own means it is no gateway's page."""
    data: Mapping[str, Any] = answer.data if isinstance(answer.data, dict) else {}
    said = [data.get("error"), data.get("error_description")]
    return ": ".join(word for word in said if isinstance(word, str) and word)


def _reset_in(answer: Response) -> float | None:
    return seconds_until(answer, _first(answer, "x-ratelimit-reset", "ratelimit-reset"))


def _first(answer: Response, *names: str) -> str | None:
    return next((told for name in names if (told := answer.header(name)) is not None), None)


USUAL = Limits(
    characters=500,
    link_length=23,
    pictures=4,
    picture_bytes=16_777_216,
    picture_pixels=33_177_600,
    alt_length=1_500,
    picture_types=("image/jpeg", "image/png", "image/gif", "image/webp"),
)
MOST = 1_000_000_000
MAX_USERNAME = 100
MAX_VISIBILITY = 20


def profile_of(account: Mapping[str, Any], server: Server) -> Profile:
    """Return who an account is. Its handle is the whole of it, as Mastodon's people write it."""
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
    """Return the name before the @, short enough for the whole to be one; ValueError for none."""
    name = untrusted.line(account["username"], MAX_USERNAME)
    if not name:
        raise ValueError("an account without a name")
    return name


def limits_at(server: Server, token: str, software: str) -> Limits:
    """Return what a server says that it takes, in either generation of its own description.

    :param software: what runs there, as NodeInfo says. Mastodon counts what people see; of others,
        and of what nobody knows, the strictest count is taken.
    :raises LookUpFailed, LookUpRefused, TokenRefused: as ``reading_of``.
    """
    answer = server.read("/api/v2/instance", token=token)
    is_page = answer.status == 200 and not isinstance(answer.data, dict)
    if is_page or answer.status in NOT_OFFERED:
        answer = server.read("/api/v1/instance", token=token)
    with known_shape():
        limits = _limits_in(reading_of(answer))
    return limits if software == "mastodon" else replace(limits, unit="codepoints")


def _limits_in(instance: Mapping[str, Any]) -> Limits:
    told = _part(instance, "configuration")
    statuses, media = _part(told, "statuses"), _part(told, "media_attachments")
    listed = media.get("supported_mime_types")
    types = tuple(kind for kind in USUAL.picture_types if kind in (listed or USUAL.picture_types))
    return Limits(
        characters=_count(
            USUAL.characters, statuses.get("max_characters"), instance.get("max_toot_chars")
        ),
        link_length=_count(USUAL.link_length or 0, statuses.get("characters_reserved_per_url")),
        pictures=_count(USUAL.pictures, statuses.get("max_media_attachments")),
        picture_bytes=_count(
            USUAL.picture_bytes, media.get("image_size_limit"), instance.get("upload_limit")
        ),
        picture_pixels=_count(USUAL.picture_pixels or 0, media.get("image_matrix_limit")),
        alt_length=_count(
            USUAL.alt_length, media.get("description_limit"), instance.get("description_limit")
        ),
        picture_types=types or USUAL.picture_types[:1],
    )


def visibility_of(server: Server, token: str) -> str:
    """Return who sees what the account posts without saying who shall; "" where it is not told."""
    try:
        with known_shape():
            told = reading_of(server.read("/api/v1/accounts/verify_credentials", token=token))
            return untrusted.line((told.get("source") or {}).get("privacy"), MAX_VISIBILITY)
    except (LookUpFailed, LookUpRefused, TokenRefused):
        return ""


def software_of(server: Server) -> tuple[str, str]:
    """Return name and version of what runs there, small letters; two empty texts if unknown."""
    try:
        with known_shape():
            software = reading_of(server.read(_node_info_path(server)))["software"]
            return str(software["name"]).lower()[:60], str(software.get("version") or "")[:60]
    except (LookUpFailed, LookUpRefused, TokenRefused):
        return "", ""


def _node_info_path(server: Server) -> str:
    links = reading_of(server.read("/.well-known/nodeinfo"))["links"]
    paths = (str(link["href"]).removeprefix(server.url) for link in links)
    own = [path for path in paths if path.startswith("/")]  # never another host
    return own[-1] if own else "/nodeinfo/2.0"


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _count(usual: int, *told: Any) -> int:
    for number in told:
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= MOST:
            return number
    return usual
