"""Reading an account's past at its server: records, and what the index knows of them."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks.bluesky.network import Bluesky
from app.networks.errors import CursorLost, LookUpFailed, LookUpRefused, TokenRefused
from app.networks.history import Asked, Numbers, ReadKind
from tests.support.bluesky import DID, BlueskySandbox, bluesky_at, credentials_at
from tests.support.reading import items_of, pages_of, published
from tests.support.scripted import ScriptedServer, Seen

POST, LIKE = f"at://{DID}/app.bsky.feed.post", f"at://{DID}/app.bsky.feed.like"
EMPTY = (200, {"posts": [], "profiles": []})


def record(uri: str, **value: Any) -> dict[str, Any]:
    """Return a record as a repository lists it."""
    return {"uri": uri, "cid": "bafy", "value": value}


def listed(*records: Any, **more: Any) -> tuple[int, Any]:
    """Return a page of a repository."""
    return 200, {"records": list(records), **more}


def test_a_whole_past(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """Each record once, with the words and the handles that it leads to."""
    ana = sandbox.credentials("ana")
    sandbox.control("history", handle="ana", posts=130, likes=120, follows=110)
    pages = pages_of(bluesky, ana, ana["did"], ReadKind.POSTS)
    assert [page.returned for page in pages] == [100, 30, 0]
    facts = sandbox.http.get(f"{sandbox.url}/control/api/state?history=1", timeout=10).json()
    posts = items_of(pages)
    assert [(item.remote_id, item.text) for item in posts] == [
        (post["id"], post["text"]) for post in reversed(facts["history"])
    ]
    assert sum(item.numbers.likes or 0 for item in posts) > 1_000
    assert all(item.created_at and item.url.startswith(sandbox.url) for item in posts)
    some = posts[:25]
    told = bluesky.numbers(ana, [item.remote_id for item in some])
    assert told == {item.remote_id: item.numbers for item in some}
    liked = items_of(pages_of(bluesky, ana, ana["did"], ReadKind.LIKES))
    assert len({item.remote_id for item in liked}) == 120
    assert all(item.author.endswith(".test") and item.numbers.likes for item in liked)
    assert {bool(item.text) for item in liked} == {True, False}
    followed = items_of(pages_of(bluesky, ana, ana["did"], ReadKind.FOLLOWS))
    assert len({item.remote_id for item in followed}) == 110
    assert all(item.author and item.created_at and "/profile/" in item.url for item in followed)


def test_what_was_published_here(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """A post has the id that publishing keeps, also when it was edited; a deleted one is gone."""
    ana, asked = sandbox.credentials("ana"), Asked(ReadKind.POSTS)
    outcome = published(bluesky, ana, "hello")
    post = f"{sandbox.url}/control/api/posts/{outcome.remote_id}"
    sandbox.http.patch(post, json={"text": "Better"}, timeout=10).raise_for_status()
    (item,) = bluesky.history(ana, ana["did"], asked).items
    assert (item.remote_id, item.text, item.url) == (
        outcome.remote_id,
        "Better",
        outcome.remote_url,
    )
    assert bluesky.numbers(ana, [item.remote_id]) == {item.remote_id: Numbers(0, 0, 0)}
    sandbox.http.delete(post, timeout=10).raise_for_status()
    assert bluesky.history(ana, ana["did"], asked).items == ()
    assert bluesky.numbers(ana, [item.remote_id]) == {}


def test_pages_lead_on(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """Pages are as long as was asked for; one that leads to itself says so."""
    ana = sandbox.credentials("ana")
    sandbox.control("history", handle="ana", likes=7)
    pages = pages_of(bluesky, ana, ana["did"], ReadKind.LIKES, most=3)
    assert [len(page.items) for page in pages] == [3, 3, 1, 0]
    sandbox.fault("page_loop", "likes", count=2)
    first = bluesky.history(ana, ana["did"], Asked(ReadKind.LIKES, most=3))
    again = bluesky.history(ana, ana["did"], Asked(ReadKind.LIKES, first.following, most=3))
    assert again == first == pages[0].__class__(pages[0].items, first.following, 3)


def test_room_for_publishing(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """With little left, the rest is publishing's; with nothing left, the wait is told."""
    ana, asked = sandbox.credentials("ana"), Asked(ReadKind.POSTS)
    sandbox.control("history", handle="ana", posts=1)
    sandbox.settings(limits={"ip": 9})
    rests = [bluesky.history(ana, ana["did"], asked).rest_s for _ in range(4)]
    assert rests[:2] == [0.0, 0.0]
    assert 0 < rests[3] <= 301
    sandbox.settings(limits={"ip": 8})
    with pytest.raises(LookUpFailed) as failed:
        bluesky.history(ana, ana["did"], asked)
    assert failed.value.retry_after


def test_what_is_asked(scripted: ScriptedServer) -> None:
    """Records without the token, unless a server wants it; the index in batches of 25."""
    subjects = [f"at://did:plc:b/app.bsky.feed.post/{number}" for number in range(30)]
    likes = [record(f"{LIKE}/{n}", subject={"uri": uri}) for n, uri in enumerate(subjects)]
    scripted.answers = [(401, {"error": "AuthMissing"}), listed(*likes), EMPTY, EMPTY]
    page = read(scripted, ReadKind.LIKES, "c")
    unsigned, signed, first, second = scripted.seen
    assert (unsigned.headers["Authorization"], signed.headers["Authorization"]) == (
        None,
        "Bearer access",
    )
    for asked in ("collection=app.bsky.feed.like", "limit=100", "cursor=c"):
        assert asked in signed.path
    assert (first.path.count("uris="), second.path.count("uris=")) == (25, 5)
    assert {(item.text, item.author, item.created_at) for item in page.items} == {("", "", None)}
    assert page.items[0].url.endswith("/profile/did:plc:b/post/0")


def read(scripted: ScriptedServer, kind: ReadKind, cursor: str | None = None) -> Any:
    """Read a page of the scripted server."""
    client = bluesky_at(scripted.url)
    return client.history(credentials_at(scripted.url), DID, Asked(kind, cursor))


def test_what_is_no_post(scripted: ScriptedServer) -> None:
    """Feeds are liked, too, and people are gone, or were never there."""
    feed = record(f"{LIKE}/1", subject={"uri": "at://did:plc:b/app.bsky.feed.generator/x"})
    scripted.answers = [listed(feed)]
    page = read(scripted, ReadKind.LIKES)
    assert (page.items, page.returned, len(scripted.seen)) == ((), 1, 1)
    follow = f"at://{DID}/app.bsky.graph.follow"
    people = [record(f"{follow}/1", subject="did:plc:gone"), record(f"{follow}/2", subject="x")]
    scripted.answers = [*scripted.answers, listed(*people), EMPTY]
    (item,) = read(scripted, ReadKind.FOLLOWS).items
    assert (item.remote_id, item.author) == ("did:plc:gone", "")


def test_an_index_that_is_silent(scripted: ScriptedServer) -> None:
    """Own posts are in the repository; one that asks us to wait is obeyed all the same."""
    dates = ("2199-01-01T00:00:00Z", "2026-11-21T12:00:00", "long ago", 5)
    posts = [record(f"{POST}/{n}", text=f"t{n}", createdAt=at) for n, at in enumerate(dates)]
    scripted.answers = [listed(*posts, cursor="on"), (502, {"error": "UpstreamFailure"})]
    page = read(scripted, ReadKind.POSTS)
    assert [item.text for item in page.items] == ["t0", "t1", "t2", "t3"]
    assert [item.created_at and item.created_at.year for item in page.items] == [
        2199,
        2026,
        None,
        None,
    ]
    assert {item.numbers for item in page.items} == {Numbers()}
    assert page.following == "on"
    scripted.headers = {"Retry-After": "30"}
    scripted.play = lambda seen: listed(*posts) if "listRecords" in seen.path else limited(seen)
    with pytest.raises(LookUpFailed) as failed:
        read(scripted, ReadKind.POSTS)
    assert failed.value.retry_after == 30


def limited(_seen: Seen) -> tuple[int, Any]:
    """Return what a server says that asks us to wait."""
    return 429, {"error": "RateLimitExceeded"}


@pytest.mark.parametrize("kind", ReadKind)
@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (400, {"error": "ExpiredToken"}, TokenRefused),
        (400, {"error": "InvalidRequest", "message": "Could not find repo"}, LookUpRefused),
        (403, {"error": "AccountTakedown"}, LookUpRefused),
        (429, {"error": "RateLimitExceeded"}, LookUpFailed),
        (502, {"error": "UpstreamFailure"}, LookUpFailed),
        (502, "<html>", LookUpFailed),
        (200, "<html>", LookUpFailed),
        (200, {}, LookUpFailed),
        (200, {"records": 5}, LookUpFailed),
        (200, {"records": ["odd"]}, LookUpFailed),
        (200, {"records": [{"uri": "x"}]}, LookUpFailed),
        (200, {"records": [{"value": {"subject": 5}}], "cursor": "c" * 2_001}, LookUpFailed),
    ],
)
def test_what_cannot_be_read(
    scripted: ScriptedServer, kind: ReadKind, status: int, body: Any, failure: type[Exception]
) -> None:
    """Whatever a server says: one of three failures."""
    scripted.answers = [(status, body)]
    with pytest.raises(failure):
        read(scripted, kind)


def test_a_cursor_that_is_gone(scripted: ScriptedServer) -> None:
    """What is refused only with a cursor is the cursor."""
    scripted.answers = [(400, {"error": "InvalidRequest"})]
    with pytest.raises(CursorLost):
        read(scripted, ReadKind.POSTS, "old")


def test_who_may_read(bluesky: Bluesky) -> None:
    """An app password opens every list."""
    assert bluesky.lets_read({}, ReadKind)
    assert bluesky.reads == tuple(ReadKind)
