"""What is read of a server: what it is, what fits into a post, and who somebody is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app import words
from app.networks.answers import known_shape
from app.networks.base import Limits, LookUpFailed, LookUpRefused, Profile, TokenRefused
from app.networks.mastodon_answers import NOT_OFFERED, id_in, reading_of
from app.networks.mastodon_calls import Server

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
    return words.web_address(url).startswith(("https://", f"{server.url}/"))


def _name_in(account: Mapping[str, Any]) -> str:
    """Return the name before the @, short enough for the whole to be one; ValueError for none."""
    name = words.line(account["username"], MAX_USERNAME)
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
            return words.line((told.get("source") or {}).get("privacy"), MAX_VISIBILITY)
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
