"""Reads what a new status says, as strictly as Mastodon does (docs: Mastodon endpoints)."""

from typing import Any

from sandbox.mastodon.calls import words
from sandbox.mastodon.errors import MastodonError
from sandbox.mastodon.posts import Draft
from sandbox.mastodon.records import Person
from sandbox.mastodon.state import MastodonState
from sandbox.mastodon.text import length

VISIBILITIES = ("public", "unlisted", "private", "direct")
NOT_PLAYED = ("poll", "scheduled_at", "quoted_status_id")


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
    state.posts.check_media(person.id, [str(one) for one in media_ids])
    return Draft(
        text=text,
        media=[str(one) for one in media_ids],
        in_reply_to=None if answered is None else str(answered),
        visibility=visibility,
        spoiler=spoiler,
        language=words(carried, "language") or "en",
    )
