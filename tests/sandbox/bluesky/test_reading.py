"""What the sandbox's Bluesky shows of a past: records, and what they lead to."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.bluesky import BlueskySandbox

LIST = "com.atproto.repo.listRecords"
POSTS = "app.bsky.feed.post"
LISTS = {"timeline": POSTS, "likes": "app.bsky.feed.like", "follows": "app.bsky.graph.follow"}


def pages(bluesky: BlueskySandbox, did: str, what: str, **query: Any) -> list[list[Any]]:
    """Return every page of a collection, led on by its cursors, the last one empty."""
    found: list[list[Any]] = []
    query |= {"repo": did, "collection": LISTS[what]}
    while True:
        answer = bluesky.call("GET", LIST, params=query)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["records"])
        if "cursor" not in answer.json():
            return found
        query["cursor"] = answer.json()["cursor"]


def test_a_long_past(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """Each once, in both directions; facets mark what is in the text."""
    bluesky.control("history", handle="ana", posts=205, likes=30, follows=120, topics=["python"])
    posts = pages(bluesky, ana["did"], "timeline", limit=100)
    assert [len(page) for page in posts] == [100, 100, 5, 0]
    listed = [post for page in posts for post in page]
    keys = [post["uri"].rpartition("/")[2] for post in listed]
    assert keys == sorted(set(keys), reverse=True)
    rising = pages(bluesky, ana["did"], "timeline", limit=100, reverse="true")
    assert [post for page in rising for post in page] == listed[::-1]
    assert all("embed" in post["value"] for post in listed if not post["value"]["text"])
    said = set()
    for post in listed:
        text = post["value"]["text"].encode()
        for facet in post["value"].get("facets", []):
            start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
            said.add(text[start:end].decode().partition("/")[0])
    assert said == {"#python", "https:", "@ben.test", "@chidi.test"}
    assert [len(page) for page in pages(bluesky, ana["did"], "likes")] == [30, 0]
    assert [len(page) for page in pages(bluesky, ana["did"], "follows", limit=100)] == [100, 20, 0]
    facts = bluesky.state()
    assert facts["reads"] == {"ana.test": {"posts": 410, "likes": 30, "follows": 120}}
    assert (facts["accepted_count"], facts["duplicates"]) == (0, [])


def test_what_likes_and_follows_lead_to(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """A post with its text, numbers and author; people with their handles; 25 at a time."""
    bluesky.control("history", handle="ana", posts=1, likes=26, follows=26)
    token = ana["access_jwt"]
    likes, follows = (pages(bluesky, ana["did"], what)[0] for what in ("likes", "follows"))
    subjects = [like["value"]["subject"] for like in likes]
    uris = [subject["uri"] for subject in subjects]
    one, unknown = uris[0], f"{uris[0]}x"
    path = "app.bsky.feed.getPosts"
    posts = bluesky.call("GET", path, token, params={"uris": uris[:25]}).json()["posts"]
    assert [{"uri": post["uri"], "cid": post["cid"]} for post in posts] == subjects[:25]
    assert all(post["likeCount"] > 0 and post["author"]["handle"] for post in posts)
    assert posts[0]["author"]["did"] == one.split("/")[2]
    (mine,) = pages(bluesky, ana["did"], "timeline")[0]
    both = bluesky.call("GET", path, token, params={"uris": [unknown, mine["uri"]]}).json()
    assert [post["record"] for post in both["posts"]] == [mine["value"]]
    dids = [follow["value"]["subject"] for follow in follows]
    path = "app.bsky.actor.getProfiles"
    people = bluesky.call("GET", path, token, params={"actors": dids[:25]}).json()["profiles"]
    assert [person["did"] for person in people] == dids[:25]
    for name, query in (("getPosts", {"uris": uris}), ("getProfiles", {"actors": dids})):
        space = "app.bsky.feed" if "uris" in query else "app.bsky.actor"
        for params in (query, {}):
            refused = bluesky.call("GET", f"{space}.{name}", token, params=params)
            assert (refused.status_code, refused.json()["error"]) == (400, "InvalidRequest")
        assert bluesky.call("GET", f"{space}.{name}", params={}).status_code == 401


@pytest.mark.parametrize("reverse", ["false", "true"])
@pytest.mark.parametrize("what", LISTS)
def test_a_page_that_leads_to_itself(
    bluesky: BlueskySandbox, ana: dict[str, Any], what: str, reverse: str
) -> None:
    """The loop is there as often as was asked for; afterwards the pages lead on."""
    bluesky.control("history", handle="ana", posts=7, likes=7, follows=7)
    bluesky.fault("page_loop", what, count=2)
    first, again, *rest = pages(bluesky, ana["did"], what, limit=3, reverse=reverse)
    assert first == again == rest[0]
    assert [len(page) for page in rest[1:]] == [3, 1, 0]


def test_faults(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """Each list can break alone."""
    for what in ("likes", "follows"):
        bluesky.fault("status", what, status=502)
    query = {"repo": ana["did"]}
    statuses = {
        what: bluesky.call("GET", LIST, params=query | {"collection": LISTS[what]}).status_code
        for what in LISTS
    }
    assert statuses == {"timeline": 200, "likes": 502, "follows": 502}


def test_a_person_edits_and_deletes(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """An edited record keeps its key and has another content id."""
    bluesky.control("history", handle="ana", posts=2)
    newest, oldest = pages(bluesky, ana["did"], "timeline")[0]
    post = f"{bluesky.url}/control/api/posts/{quote(newest['uri'], safe='')}"
    edited = bluesky.http.patch(post, json={"text": "Better #now"}, timeout=10).json()["post"]
    assert (edited["id"], edited["edited"]) == (newest["uri"], True)
    listed = pages(bluesky, ana["did"], "timeline")[0]
    assert (listed[0]["uri"], listed[1]) == (newest["uri"], oldest)
    assert listed[0]["cid"] != newest["cid"]
    assert listed[0]["value"]["facets"][0]["index"] == {"byteStart": 7, "byteEnd": 11}
    assert bluesky.http.delete(post, timeout=10).json()["post"]["deleted"]
    assert pages(bluesky, ana["did"], "timeline")[0] == [oldest]
