"""Options of posts on Bluesky: gates come with their post or not at all, and quotes are asked."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import pytest

from app.networks import http
from app.networks.base import Outcome, OutcomeKind, Part
from app.networks.bluesky.network import Bluesky
from app.networks.errors import QuoteRefused
from tests.support.bluesky import BlueskySandbox
from tests.support.creates import created

THREADGATE, POSTGATE = "app.bsky.feed.threadgate", "app.bsky.feed.postgate"
GATED = {"threadgate": ["mentionRule", "followerRule"], "postgate": "disableRule"}


def fresh(text: str, **more: Any) -> Part:
    """Return a part that begins now."""
    return Part(text, secrets.token_hex(16), now := datetime.now(UTC), now, **more)


def send(bluesky: Bluesky, who: dict[str, Any], body: dict[str, Any]) -> Outcome:
    """Make one create call."""
    return created(bluesky, who, body, http.boottime() + 5)


def test_what_was_set_is_there(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """Languages, labels and gates; a later part of a thread has no gate of its own for replies."""
    ana = sandbox.credentials()
    given = {"langs": ["es", "pt"], "labels": ["nudity"], **GATED}
    first = send(bluesky, ana, bluesky.body(fresh("One", options=given, languages=("en",))))
    assert first.kind == OutcomeKind.OK
    reply = {"reply_to": first.reference, "root": first.reference, "is_first": False}
    assert send(bluesky, ana, bluesky.body(fresh("Two", options=given, **reply))).kind == "ok"
    one, two = sandbox.state()["tweets"]
    assert (one["langs"], one["labels"]) == (["es", "pt"], ["nudity"])
    assert [rule["$type"] for rule in one["threadgate"]["allow"]] == [
        f"{THREADGATE}#mentionRule",
        f"{THREADGATE}#followerRule",
    ]
    assert one["threadgate"]["post"] == one["postgate"]["post"] == one["id"]
    assert (two["labels"], two["threadgate"]) == (["nudity"], None)
    assert two["postgate"]["embeddingRules"] == [{"$type": f"{POSTGATE}#disableRule"}]
    nobody = bluesky.body(fresh("Alone", options={"threadgate": ["nobody"]}))
    assert send(bluesky, ana, nobody).kind == OutcomeKind.OK
    assert sandbox.state()["tweets"][2]["threadgate"]["allow"] == []


@pytest.mark.parametrize("kind", ["accept_then_drop", "accept_then_status"])
def test_a_lost_answer_leaves_post_and_gates(
    sandbox: BlueskySandbox, bluesky: Bluesky, kind: str
) -> None:
    """The post is found by its key and has its gates; a resend makes neither anew."""
    ana, body = sandbox.credentials(), bluesky.body(fresh("Gated", options=GATED))
    sandbox.fault(kind)
    assert send(bluesky, ana, body).kind == OutcomeKind.AMBIGUOUS
    (seen,) = bluesky.recent(ana, ana["did"], datetime.now(UTC), [body])
    assert seen.comparable == body["rkey"]
    (post,) = sandbox.state()["tweets"]
    assert post["threadgate"]
    assert post["postgate"]
    assert send(bluesky, ana, body).kind != OutcomeKind.REJECTED
    assert len(sandbox.state()["tweets"]) == 1


def test_what_is_refused_makes_nothing(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """A gate that is no gate takes its post with it."""
    ana, body = sandbox.credentials(), bluesky.body(fresh("Gated", options=GATED))
    body["gates"][THREADGATE] = ["strangeRule"]
    assert send(bluesky, ana, body).kind == OutcomeKind.REJECTED
    assert sandbox.state()["tweets"] == []


def test_a_quote(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """By page or URI, with pictures or alone; what is gone or closed to quotes is refused."""
    ana, ben = sandbox.credentials(), sandbox.credentials("ben")
    quoted = send(bluesky, ben, bluesky.body(fresh("Quote me")))
    given = {"quote": quoted.remote_url}
    assert bluesky.needs_preparation("I agree", False, given)
    prepared = bluesky.prepare(ana, "I agree", False, given)
    assert prepared["quote"] == quoted.reference
    assert prepared == bluesky.prepare(ana, "I agree", False, {"quote": quoted.remote_id})
    part = fresh("I agree", options=given)
    assert send(bluesky, ana, bluesky.body(part, prepared)).kind == OutcomeKind.OK
    assert sandbox.state()["tweets"][-1]["quote"] == quoted.remote_id
    card = {"uri": "https://example.com/", "title": "A page", "description": ""}
    with_card = bluesky.body(fresh("And this", options=given), {**prepared, "card": card})
    assert send(bluesky, ana, with_card).kind == OutcomeKind.OK
    newest = sandbox.state()["tweets"][-1]
    assert (newest["quote"], newest["card"]["title"]) == (quoted.remote_id, "A page")

    closed = send(bluesky, ben, bluesky.body(fresh("Not me", options={"postgate": "disableRule"})))
    gone = quoted.remote_url[:-13] + "2222222222222"  # type: ignore[index]
    for address, code in ((closed.remote_url, "quote_closed"), (gone, "quote_gone")):
        with pytest.raises(QuoteRefused) as refusal:
            bluesky.prepare(ana, "I agree", False, {"quote": address})
        assert refusal.value.code == code
