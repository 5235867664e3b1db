"""What the responses of a Bluesky server mean.

The protocol's word for an error decides, not the status: a refused token is HTTP 400, too.

Facts: docs/networks/bluesky.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app import untrusted
from app.networks.base import Outcome, OutcomeKind
from app.networks.bluesky.identity import is_did
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.http import Response
from app.networks.responses import (
    answered,
    doubt_in,
    number_in,
    object_in,
    rest_from,
    seconds_until,
)

COLLECTION = "app.bsky.feed.post"
"""Where a repository keeps posts."""
CREATE_POINTS = 3
"""What a create takes from the account's allowance."""
DEAD_TOKEN = {"ExpiredToken", "InvalidToken"}
INACTIVE = {"AccountDeactivated", "AccountSuspended", "AccountTakedown"}
BAD_PICTURE = {"BlobTooLarge", "InvalidMimeType"}
NOT_A_PDS = {404, 405}
"""Without a word of the protocol: something else answers there."""

MAX_ERROR_CHARACTERS = 20_000
"""How much of an error is searched for tokens; far less of it is kept."""
# Possessive and from the beginning of a word: in linear time, whatever a server says.
_TOKEN = re.compile(r"(?<![\w-])[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+")
_POST = re.compile(rf"at://(?P<owner>[^/\s]+)/{re.escape(COLLECTION)}/[^/\s]+")


def outcome_of(response: Response) -> Outcome:
    """Return how a create call ended whose response names no new post."""
    if response.status == 429:
        return _outcome(response, OutcomeKind.LATER, "rate_limited", retry_after=wait_in(response))
    if code := doubt_in(response):
        return _outcome(response, OutcomeKind.AMBIGUOUS, code)
    return _refused(response, word_in(response))


def _refused(response: Response, word: str) -> Outcome:
    if word in INACTIVE:
        return _outcome(response, OutcomeKind.AUTH, "account_inactive")
    if word in DEAD_TOKEN or response.status == 401:
        return _outcome(response, OutcomeKind.AUTH, "token_refused")
    if word and response.status == 403:
        return _outcome(response, OutcomeKind.AUTH, "permission_missing")
    if word == "BlobNotFound":
        return _outcome(response, OutcomeKind.LATER, "pictures_gone", retry_after=1.0)
    if word in BAD_PICTURE:
        return _outcome(response, OutcomeKind.REJECTED, "picture_refused")
    if not word and response.status in NOT_A_PDS:  # a gateway answers in place of the server
        return _outcome(response, OutcomeKind.LATER, "unreachable")
    return _outcome(response, OutcomeKind.REJECTED, "rejected")


def reading_of(response: Response) -> dict[str, Any]:
    """Return the JSON of a read that worked.

    :raises LookUpFailed: no usable response.
    :raises LookUpRefused: a definite no; its first argument is the server's word for it.
    :raises TokenRefused: the token is dead.
    """
    if response.status == 200 and isinstance(response.data, dict):
        return response.data
    word = word_in(response)
    if not word or response.status in {408, 429} or not 400 <= response.status < 500:
        wait = wait_in(response) if response.status == 429 else None
        raise LookUpFailed(problem_of(response), wait)
    if word in DEAD_TOKEN or response.status == 401:
        raise TokenRefused(problem_of(response))
    raise LookUpRefused(word, problem_of(response))


def word_in(response: Response) -> str:
    """Return the protocol's word for an error; "" where a gateway answers, which has none."""
    word = object_in(response).get("error")
    return word if isinstance(word, str) else ""


def problem_of(response: Response) -> str:
    """Return the network's own words, short and without tokens."""
    words = [object_in(response).get(name) for name in ("error", "message")]
    said = ": ".join(word for word in words if isinstance(word, str) and word)
    return _TOKEN.sub("…", said[:MAX_ERROR_CHARACTERS])[:300] or f"HTTP {response.status}"


def allowance_left_for(response: Response) -> float | None:
    """Return seconds to wait where the allowance does not suffice for another post, else None."""
    remaining = number_in(response.header("ratelimit-remaining"))
    if remaining is None or remaining >= CREATE_POINTS:
        return None
    return _reset_in(response)


def rest_after(response: Response) -> float:
    """Return seconds to leave an account alone, so that publishing has the rest of what it may."""
    left, limit = (
        number_in(response.header(f"ratelimit-{name}")) for name in ("remaining", "limit")
    )
    return rest_from(left, limit, _reset_in(response))


def wait_in(response: Response) -> float | None:
    """Return seconds to wait after a 429, None when it does not say."""
    return seconds_until(response, response.header("retry-after")) or _reset_in(response)


def _outcome(response: Response, kind: OutcomeKind, code: str, **more: Any) -> Outcome:
    trace = response.header("x-request-id")
    return answered(response, kind, code, detail=problem_of(response), request_id=trace, **more)


def _reset_in(response: Response) -> float | None:
    return seconds_until(response, response.header("ratelimit-reset"))


def reference_in(data: Any, did: str) -> dict[str, str] | None:
    """Return uri and cid where a response is about a post of this account, else None.

    :param data: the JSON of the response. It may name the owner by DID or by handle.
    """
    if not isinstance(data, dict):
        return None
    uri, cid = untrusted.identifier(data.get("uri")), data.get("cid")
    if uri is None or not isinstance(cid, str) or untrusted.identifier(cid) is None:
        return None
    found = _POST.fullmatch(uri)
    if found is None or (is_did(found["owner"]) and found["owner"] != did):
        return None
    return {"uri": uri, "cid": cid}


def key_in(reference: Mapping[str, str]) -> str:
    """Return the record key of a post."""
    return reference["uri"].rpartition("/")[2]


def page_of(site: str, did: str, rkey: str) -> str:
    """Return the page of a post.

    :param site: the address of the website that shows it.
    :param rkey: the post's record key.
    """
    return f"{site}/profile/{did}/post/{rkey}"
