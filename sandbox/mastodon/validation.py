"""Reads what a new status says, as strictly as Mastodon does (docs: Mastodon endpoints)."""

import re
from typing import Any

from sandbox.mastodon.calls import words
from sandbox.mastodon.errors import MastodonError
from sandbox.mastodon.posts import Draft
from sandbox.mastodon.records import Person
from sandbox.mastodon.state import MastodonState
from sandbox.mastodon.text import length

VISIBILITIES = ("public", "unlisted", "private", "direct")
NOT_PLAYED = ("scheduled_at", "quoted_status_id")
MIN_EXPIRATION, MAX_EXPIRATION = 300, 2_629_746
MAX_OPTION = 50
LANGUAGE = re.compile(r"[a-z]{2,3}")


def read_status(state: MastodonState, person: Person, carried: dict[str, Any]) -> Draft:
    """The post that a call asks for. Call with the lock held. Raises MastodonError."""
    for name in NOT_PLAYED:
        if carried.get(name):
            raise MastodonError(422, "unsupported", name=name)
    media_ids = carried.get("media_ids") or []
    if not isinstance(media_ids, list):
        raise MastodonError(422, "bad_value", name="media_ids")
    text, spoiler = words(carried, "status").strip(), words(carried, "spoiler_text")
    if not text and not media_ids:
        raise MastodonError(422, "blank")
    if length(text) + length(spoiler) > state.settings.characters:
        raise MastodonError(422, "too_long", limit=state.settings.characters)
    visibility = words(carried, "visibility") or state.settings.privacy
    if visibility not in VISIBILITIES:
        raise MastodonError(422, "bad_value", name="Visibility")
    answered = carried.get("in_reply_to_id")
    if answered is not None and state.posts.live(str(answered)) is None:
        raise MastodonError(500 if state.settings.stumbles_without_parent else 404, "not_found")
    poll = _poll_in(state, carried)
    if poll is not None and media_ids:
        raise MastodonError(422, "bad_value", name="poll with media_ids")
    state.posts.check_media(person.id, [str(one) for one in media_ids])
    return Draft(
        text=text,
        media=[str(one) for one in media_ids],
        in_reply_to=None if answered is None else str(answered),
        visibility=visibility,
        spoiler=spoiler,
        language=_language_in(carried) or "en",
        sensitive=_truth_in(carried, "sensitive"),
        poll=poll,
    )


def _language_in(carried: dict[str, Any]) -> str:
    language = words(carried, "language")
    if language and not LANGUAGE.fullmatch(language):
        raise MastodonError(422, "bad_value", name="language")
    return language


def _truth_in(carried: dict[str, Any], name: str) -> bool:
    value = carried.get(name, False)
    if not isinstance(value, bool):
        raise MastodonError(422, "bad_value", name=name)
    return value


def _poll_in(state: MastodonState, carried: dict[str, Any]) -> dict[str, Any] | None:
    """The poll that a call asks for. Raises MastodonError."""
    poll = carried.get("poll")
    if poll is None:
        return None
    known = {"options", "expires_in", "multiple", "hide_totals"}
    if not isinstance(poll, dict) or not set(poll) <= known:
        raise MastodonError(422, "bad_value", name="poll")
    options, runs = poll.get("options"), poll.get("expires_in")
    most = state.settings.poll_options
    if not isinstance(options, list) or not 2 <= len(options) <= most:
        raise MastodonError(422, "bad_value", name="poll[options]")
    if not all(isinstance(one, str) and 1 <= length(one) <= MAX_OPTION for one in options):
        raise MastodonError(422, "bad_value", name="poll[options]")
    if len(set(options)) < len(options):
        raise MastodonError(422, "bad_value", name="poll[options]")
    if type(runs) is not int or not MIN_EXPIRATION <= runs <= MAX_EXPIRATION:
        raise MastodonError(422, "bad_value", name="poll[expires_in]")
    return {"options": options, "expires_in": runs, "multiple": _truth_in(poll, "multiple")}
