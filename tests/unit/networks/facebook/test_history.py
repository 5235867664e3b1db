"""Reading a Page's past, from the sandbox and from a server that says what the test wrote down."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks.errors import CursorLost, LookUpFailed, LookUpRefused, TokenRefused
from app.networks.facebook.network import Facebook
from app.networks.history import Asked, Numbers, ReadKind
from tests.support.facebook import FacebookSandbox
from tests.support.reading import items_of, pages_of, published
from tests.support.scripted import ScriptedServer

POSTS = Asked(ReadKind.POSTS)
PAGE = {"page_id": "7", "access_token": "token"}


@pytest.fixture
def client(facebook: FacebookSandbox) -> Facebook:
    """A client that speaks to the sandbox."""
    return facebook.network()


@pytest.fixture
def scripted_client(scripted: ScriptedServer, facebook_sandbox: FacebookSandbox) -> Facebook:
    """A client that speaks to the scripted server."""
    return facebook_sandbox.network(FACEBOOK_GRAPH_URL=scripted.url)


def test_a_whole_past(facebook: FacebookSandbox, client: Facebook) -> None:
    """Each post once, the latest first, with its numbers; one may be a picture without words."""
    ana = facebook.mint("ana")
    facebook.control("history", handle="ana", posts=230)
    pages = pages_of(client, ana, ana["page_id"], ReadKind.POSTS)
    assert [page.returned for page in pages] == [100, 100, 30]
    facts = facebook.http.get(f"{facebook.url}/control/api/state?history=1", timeout=10).json()
    items = items_of(pages)
    assert [(item.remote_id, item.text) for item in items] == [
        (post["id"], post["text"]) for post in reversed(facts["history"])
    ]
    assert "" in {item.text for item in items}
    assert all(item.created_at and item.url.startswith(facebook.url) for item in items)
    assert client.numbers(ana, [items[0].remote_id]) == {items[0].remote_id: items[0].numbers}
    assert sum(item.numbers.likes or 0 for item in items) > 1_000
    assert {page.rest_s for page in pages} == {0.0}


def test_what_was_published_here(facebook: FacebookSandbox, client: Facebook) -> None:
    """A post has the id that publishing keeps, also when it was edited; a deleted one is gone."""
    ana = facebook.mint("ana")
    outcome = published(client, ana, "hello")
    post = f"{facebook.url}/control/api/posts/{outcome.remote_id}"
    facebook.http.patch(post, json={"text": "Better"}, timeout=10).raise_for_status()
    (item,) = client.history(ana, ana["page_id"], POSTS).items
    assert (item.remote_id, item.text, item.url) == (
        outcome.remote_id,
        "Better",
        outcome.remote_url,
    )
    assert client.numbers(ana, [item.remote_id, "7_7"]) == {item.remote_id: Numbers(0, 0, 0)}
    facebook.http.delete(post, timeout=10).raise_for_status()
    assert client.history(ana, ana["page_id"], POSTS).items == ()
    assert client.numbers(ana, [item.remote_id]) == {}


def test_pages_lead_on(facebook: FacebookSandbox, client: Facebook) -> None:
    """Pages are as long as was asked for; one that leads to itself says so."""
    ana = facebook.mint("ana")
    facebook.control("history", handle="ana", posts=7)
    pages = pages_of(client, ana, ana["page_id"], ReadKind.POSTS, most=3)
    assert [len(page.items) for page in pages] == [3, 3, 1]
    second = Asked(ReadKind.POSTS, pages[0].following, most=3)
    facebook.fault("page_loop", "timeline")
    assert client.history(ana, ana["page_id"], second).following == second.cursor
    with pytest.raises(CursorLost):
        client.history(ana, ana["page_id"], Asked(ReadKind.POSTS, "after=x"))


def test_room_for_publishing(facebook: FacebookSandbox, client: Facebook) -> None:
    """With little left, the rest is publishing's; with nothing left, the wait is told."""
    ana = facebook.mint("ana")
    facebook.settings(limits={"timeline": 4})
    rests = [client.history(ana, ana["page_id"], POSTS).rest_s for _ in range(4)]
    assert rests[:2] == [0.0, 0.0]
    assert all(rest > 0 for rest in rests[2:])
    with pytest.raises(LookUpFailed) as failed:
        client.history(ana, ana["page_id"], POSTS)
    assert failed.value.retry_after


@pytest.mark.parametrize("kind", [ReadKind.LIKES, ReadKind.FOLLOWS])
def test_other_lists(scripted: ScriptedServer, scripted_client: Facebook, kind: ReadKind) -> None:
    """There are none, so nothing is asked."""
    with pytest.raises(LookUpRefused):
        scripted_client.history(PAGE, "7", Asked(kind))
    assert scripted.seen == []
    assert scripted_client.reads == (ReadKind.POSTS,)
    assert scripted_client.lets_read(PAGE, [ReadKind.POSTS])


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (400, {"error": {"code": 190}}, TokenRefused),
        (400, {"error": {"code": 10}}, LookUpRefused),
        (400, {"error": {"code": 100, "error_subcode": 33}}, LookUpRefused),
        (400, {"error": {"code": 100}}, LookUpFailed),
        (500, {"error": {"code": 2}}, LookUpFailed),
        (429, "", LookUpFailed),
        (502, "<html>", LookUpFailed),
        (200, "<html>", LookUpFailed),
        (200, {"data": {}, "x": 1}, LookUpFailed),
        (200, {}, LookUpFailed),
        (200, {"data": [{"message": "no id"}]}, LookUpFailed),
        (200, {"data": ["odd"]}, LookUpFailed),
        (200, {"data": [], "paging": {"next": "https://graph.example/"}}, LookUpFailed),
    ],
)
def test_what_cannot_be_read(
    scripted: ScriptedServer,
    scripted_client: Facebook,
    status: int,
    body: Any,
    failure: type[Exception],
) -> None:
    """Whatever Facebook says: one of three failures."""
    scripted.answers = [(status, body)] * 2
    with pytest.raises(failure):
        scripted_client.history(PAGE, "7", POSTS)


def test_numbers_that_are_not_told(scripted: ScriptedServer, scripted_client: Facebook) -> None:
    """Without the permission to read comments, the posts are read."""
    denied = (403, {"error": {"code": 10, "message": "(#10) pages_read_user_content"}})
    scripted.answers = [denied, (200, {"data": [{"id": "7_1", "message": "hello"}]})]
    (item,) = scripted_client.history(PAGE, "7", POSTS).items
    assert (item.text, item.numbers) == ("hello", Numbers())
    assert "comments" in scripted.seen[0].path
    assert "comments" not in scripted.seen[1].path


def test_odd_posts(scripted: ScriptedServer, scripted_client: Facebook) -> None:
    """Numbers as ids, other clocks, hidden posts, no numbers, and a next page without cursors."""
    page = [
        {"id": 2**63, "created_time": "2199-01-01T00:00:00+0000", "likes": {"summary": []}},
        {"id": "7_2", "message": "a\u0000b", "created_time": "noon", "is_published": True},
        {"id": "7_1", "is_published": False},
    ]
    link = "https://graph.example/7/published_posts?access_token=secret&__paging_token=p&limit=9"
    scripted.answers = [(200, {"data": page, "paging": {"next": link}}), (200, {"data": []})]
    pages = pages_of(scripted_client, PAGE, "7", ReadKind.POSTS)
    first, second = pages[0].items
    assert (first.remote_id, first.created_at and first.created_at.year) == (str(2**63), 2199)
    assert (second.text, second.created_at) == ("a\ufffdb", None)
    assert (pages[0].returned, first.numbers, second.numbers) == (3, Numbers(reposts=0), Numbers())
    assert "access_token" not in scripted.seen[1].path
    assert "__paging_token=p" in scripted.seen[1].path
    assert "limit=100" in scripted.seen[1].path
