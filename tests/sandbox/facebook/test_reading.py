"""What the sandbox's Facebook shows of a Page's past: its posts, and nothing that it likes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.facebook import FacebookSandbox, call, codes, feed

FIELDS = "id,message,created_time,updated_time,shares,likes.limit(0).summary(true),comments"


def pages(facebook: FacebookSandbox, ana: dict[str, Any], edge: str, limit: int) -> list[Any]:
    """Return every page of a list, led on by its cursors."""
    found: list[Any] = []
    params = {"limit": str(limit), "fields": FIELDS}
    while True:
        answer = call(facebook, "GET", f"{ana['page_id']}/{edge}", ana, params=params)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["data"])
        paging = answer.json().get("paging", {})
        if "next" not in paging:
            return found
        params["after"] = paging["cursors"]["after"]


@pytest.mark.parametrize("edge", ["posts", "feed", "published_posts"])
def test_a_long_past(facebook: FacebookSandbox, ana: dict[str, Any], edge: str) -> None:
    """Each post once, newest first, with its numbers; likes and follows are nowhere."""
    made = facebook.control("history", handle="ana", posts=205, likes=5, follows=5, days=30)
    assert made == {"posts": 205, "likes": 0, "follows": 0}
    found = pages(facebook, ana, edge, 100)
    assert [len(page) for page in found] == [100, 100, 5]
    listed = [post for page in found for post in page]
    assert len({post["id"] for post in listed}) == 205
    moments = [post["created_time"] for post in listed]
    assert moments == sorted(moments, reverse=True)
    assert sum(post["likes"]["summary"]["total_count"] for post in listed) > 1_000
    assert {tuple(post["comments"]) for post in listed} == {("data",)}
    assert any("message" not in post for post in listed)
    facts = facebook.state()
    assert facts["reads"] == {"ana": {"posts": 205, "likes": 0, "follows": 0}}
    assert (facts["accepted_count"], facts["duplicates"]) == (0, [])


def test_the_feed_leaves_posts_out(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """It shows some 600 of a year, from a moment to another one."""
    facebook.control("history", handle="ana", posts=1500, days=400)
    assert sum(map(len, pages(facebook, ana, "published_posts", 100))) == 1500
    found = sum(map(len, pages(facebook, ana, "feed", 100)))
    assert 600 < found < 1500
    params = {"since": str(int(time.time()) - 10 * 86_400), "until": str(int(time.time()))}
    path = f"{ana['page_id']}/feed"
    (facts,) = [call(facebook, "GET", path, ana, params=params | {"limit": "100"}).json()]
    assert 20 < len(facts["data"]) < 50
    assert codes(call(facebook, "GET", path, ana, params={"since": "x"}))[:2] == (400, 100)


def test_one_post(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """A post can be asked for by its id, by its own Page alone."""
    facebook.control("history", handle="ana", posts=1)
    ((post,),) = pages(facebook, ana, "posts", 10)
    asked = {"fields": FIELDS}
    assert call(facebook, "GET", post["id"], ana, params=asked).json() == post
    ben = facebook.mint("ben")
    assert codes(call(facebook, "GET", post["id"], ben)) == (400, 100, 33)
    facebook.settings(read_lag=60)
    assert feed(facebook, ana)[0] == 200
    (hidden,) = facebook.state()["tweets"]
    for gone in (hidden["id"], f"{ana['page_id']}_1", "nothing"):
        assert codes(call(facebook, "GET", gone, ana)) == (400, 100, 33)


@pytest.mark.parametrize("edge", ["likes", "friends"])
def test_what_is_not_told(facebook: FacebookSandbox, ana: dict[str, Any], edge: str) -> None:
    """There is no such field of a Page."""
    assert codes(call(facebook, "GET", f"{ana['page_id']}/{edge}", ana))[:2] == (400, 100)


def test_a_page_that_leads_to_itself(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """The loop is there as often as was asked for; afterwards the pages lead on."""
    facebook.control("history", handle="ana", posts=7)
    facebook.fault("page_loop", "timeline", count=2)
    first, again, *rest = pages(facebook, ana, "posts", 3)
    assert first == again == rest[0]
    assert [len(page) for page in rest[1:]] == [3, 1]


def test_a_person_edits_and_deletes(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """An edited post keeps its id and says when; a deleted one is gone."""
    facebook.control("history", handle="ana", posts=2)
    ((newest, oldest),) = pages(facebook, ana, "posts", 10)
    post = f"{facebook.url}/control/api/posts/{newest['id']}"
    assert facebook.http.patch(post, json={"text": "Better"}, timeout=10).json()["post"]["edited"]
    ((edited, _),) = pages(facebook, ana, "posts", 10)
    assert (edited["id"], edited["message"]) == (newest["id"], "Better")
    assert edited["updated_time"] > edited["created_time"] == newest["created_time"]
    assert facebook.http.delete(post, timeout=10).json()["post"]["deleted"]
    assert pages(facebook, ana, "posts", 10) == [[oldest]]
