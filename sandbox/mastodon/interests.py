"""What somebody favourited and whom they follow (docs: Mastodon endpoints).

The pages go by the ids of the favourite and of the following, which nobody sees but in ``Link``.
"""

from collections.abc import Sequence
from typing import TypeVar

from flask import Response, jsonify, request

from sandbox.control import Follow, Like
from sandbox.mastodon.calls import Caller
from sandbox.mastodon.errors import MastodonError
from sandbox.mastodon.paging import add_links, number_in, page_size
from sandbox.mastodon.render import liked_json, remote_account_json
from sandbox.mastodon.state import MastodonState

Entry = TypeVar("Entry", Like, Follow)


def favourites(state: MastodonState, caller: Caller) -> Response:
    """``GET /favourites``: the caller's own, the latest first."""
    limit, handle = page_size(20, 40), caller.person.handle
    with state.lock:
        page = _page(state.interests.likes_of(caller.person.id), limit)
        state.reads.count(handle, "likes", len(page))
    answer = jsonify([liked_json(like) for like in page])
    loops = bool(page) and state.faults.loops("likes", handle)
    add_links(answer, [like.number for like in page], limit, loops)
    return answer


def following(state: MastodonState, caller: Caller, account_id: str) -> Response:
    """``GET /accounts/<id>/following``: anybody's, the latest first."""
    limit = page_size(40, 80)
    with state.lock:
        person = state.person_by_id(account_id)
        if person is None:
            raise MastodonError(404, "not_found")
        page = _page(state.interests.follows_of(account_id), limit)
        state.reads.count(person.handle, "follows", len(page))
    answer = jsonify([remote_account_json(follow.handle, follow.name) for follow in page])
    loops = bool(page) and state.faults.loops("follows", caller.person.handle)
    add_links(answer, [follow.number for follow in page], limit, loops)
    return answer


def _page(entries: Sequence[Entry], limit: int) -> list[Entry]:
    """The part that the query asks for of what is listed with the latest first."""
    query, above = request.args, max(number_in("since_id"), number_in("min_id"))
    found = [
        one
        for one in entries
        if one.number > above and ("max_id" not in query or one.number < number_in("max_id"))
    ]
    return found[-limit:] if "min_id" in query else found[:limit]
