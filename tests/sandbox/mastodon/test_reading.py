"""What the sandbox's Mastodon shows of a past: posts, favourites, followed accounts."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.mastodon import MastodonSandbox

LISTS = {"likes": "/api/v1/favourites", "follows": "/api/v1/accounts/{id}/following"}


def address(ana: dict[str, Any], what: str) -> str:
    """Return the path of one of Ana's lists."""
    return ({"posts": "/api/v1/accounts/{id}/statuses"} | LISTS)[what].format(id=ana["id"])


def pages(server: MastodonSandbox, ana: dict[str, Any], what: str, limit: int) -> list[list[Any]]:
    """Return every page of a list, led on by the ``Link`` header alone."""
    found, url = [], f"{address(ana, what)}?limit={limit}"
    while url:
        answer = server.call("GET", url.removeprefix(server.url), ana)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        url = answer.links.get("next", {}).get("url", "")
    return found


@pytest.fixture
def reader(server: MastodonSandbox) -> dict[str, Any]:
    """Ana's token, with which everything of hers can be read."""
    return server.mint("ana", scope="read write")


def test_a_long_past(server: MastodonSandbox, reader: dict[str, Any]) -> None:
    """It is paged to its end, each once, newest first, with texts, numbers and pictures."""
    assert server.control(
        "history", handle="ana", posts=205, likes=45, follows=85, topics=["python"], days=30
    ) == {"posts": 205, "likes": 45, "follows": 85}
    mine = server.create(reader, "Today").json()
    posts = pages(server, reader, "posts", 80)
    assert [len(page) for page in posts] == [40, 40, 40, 40, 40, 6]
    listed = [post for page in posts for post in page]
    ids = [int(post["id"]) for post in listed]
    assert ids == sorted(set(ids), reverse=True)
    assert listed[0]["id"] == mine["id"]
    oldest, newest = (datetime.fromisoformat(listed[place]["created_at"]) for place in (-1, 1))
    assert timedelta(days=25) < newest - oldest <= timedelta(days=30)
    silent = [post for post in listed if not post["content"]]
    assert silent
    assert all(post["media_attachments"] for post in silent)
    mentions = {one["acct"] for post in listed for one in post["mentions"]}
    assert mentions == {"ben@friends.example", "chidi@friends.example"}
    assert any('class="u-url mention">@<span>ben</span>' in post["content"] for post in listed)
    assert any('rel="tag">#<span>python</span></a>' in post["content"] for post in listed)
    assert {"name": "python", "url": f"{server.url}/tags/python"} in listed[1]["tags"] + listed[2][
        "tags"
    ] + listed[3]["tags"]
    assert sum(post["favourites_count"] for post in listed) > 1_000
    assert [len(page) for page in pages(server, reader, "likes", 50)] == [40, 5]
    assert [len(page) for page in pages(server, reader, "follows", 80)] == [80, 5]
    facts = server.state()
    assert facts["reads"] == {"ana": {"posts": 206, "likes": 45, "follows": 85}}
    assert (facts["accepted_count"], facts["duplicates"]) == (1, [])


def test_a_past_is_kept(tmp_path: Path) -> None:
    """It is there again after a restart, and grows behind what there was."""
    seen = []
    for seed in (1, 2):
        server = MastodonSandbox(str(tmp_path / "mastodon.sqlite3"))
        try:
            server.control("history", handle="ana", posts=3, likes=3, follows=3, seed=seed)
            token = server.mint("ana", scope="read")
            lists = (pages(server, token, what, 40) for what in ("posts", "likes", "follows"))
            seen.append([[one["id"] for page in found for one in page] for found in lists])
        finally:
            server.close()
    (posts, *others), (more_posts, *more) = seen
    assert (len(more_posts), set(posts) <= set(more_posts)) == (6, True)
    assert [ids[3:] for ids in more] == others


def test_the_same_seed_gives_the_same_past(server: MastodonSandbox, reader: dict[str, Any]) -> None:
    """Texts, moments, numbers, authors; another seed gives another."""
    seen = []
    for seed in (7, 7, 8):
        server.control("reset", keep_tokens=True)
        server.control("history", handle="ana", posts=20, likes=5, follows=5, seed=seed)
        posts, likes, follows = (
            server.call("GET", address(reader, what), reader).json()
            for what in ("posts", "likes", "follows")
        )
        seen.append(
            (
                [(one["id"], one["content"], one["favourites_count"]) for one in posts],
                [(one["id"], one["content"], one["account"]["acct"]) for one in likes],
                [(one["id"], one["acct"]) for one in follows],
            )
        )
    assert seen[0] == seen[1]
    assert all(first != second for first, second in zip(seen[1], seen[2], strict=True))


@pytest.mark.parametrize(
    ("what", "scopes"),
    [
        ("likes", {"read", "read:favourites"}),
        ("follows", {"read", "read:follows", "read:accounts"}),
    ],
)
def test_scopes(server: MastodonSandbox, what: str, scopes: set[str]) -> None:
    """Each list has scopes of its own."""
    allowed = set()
    for scope in ("read", "read:favourites", "read:follows", "read:accounts", "read:statuses"):
        token = server.mint("ana", scope=scope)
        answer = server.call("GET", address(token, what), token)
        assert answer.status_code in (200, 403)
        allowed |= {scope} if answer.ok else set()
    assert allowed == scopes


@pytest.mark.parametrize("what", ["posts", *LISTS])
def test_a_page_that_leads_to_itself(
    server: MastodonSandbox, reader: dict[str, Any], what: str
) -> None:
    """The loop is there as often as was asked for; afterwards the pages lead on."""
    server.control("history", handle="ana", posts=7, likes=7, follows=7)
    server.fault("page_loop", {"posts": "timeline"}.get(what, what), count=2)
    first, again, *rest = pages(server, reader, what, 3)
    assert first == again == rest[0]
    assert [len(page) for page in rest[1:]] == [3, 1]


@pytest.mark.parametrize("what", LISTS)
def test_faults(server: MastodonSandbox, reader: dict[str, Any], what: str) -> None:
    """The other faults fit these lists, too."""
    server.fault("rate_limit", what)
    server.fault("status", what, status=502)
    assert [server.call("GET", address(reader, what), reader).status_code for _ in range(3)] == [
        429,
        502,
        200,
    ]


def test_a_person_edits_and_deletes(server: MastodonSandbox, reader: dict[str, Any]) -> None:
    """An edited post keeps its id and says when; a deleted one is gone."""
    server.control("history", handle="ana", posts=2)
    newest, oldest = server.call("GET", address(reader, "posts"), reader).json()
    post = f"{server.url}/control/api/posts/{newest['id']}"
    assert server.http.patch(post, json={"text": "Better"}, timeout=10).json()["post"]["edited"]
    listed = server.call("GET", address(reader, "posts"), reader).json()
    assert [one["content"] for one in listed] == ["<p>Better</p>", oldest["content"]]
    assert (newest["edited_at"], listed[0]["created_at"]) == (None, newest["created_at"])
    assert listed[0]["edited_at"] > newest["created_at"]
    assert server.http.delete(post, timeout=10).json()["post"]["deleted"]
    assert server.call("GET", address(reader, "posts"), reader).json() == [oldest]
    gone = server.http.patch(post, json={"text": "Once more"}, timeout=10)
    assert (gone.status_code, list(gone.json())) == (404, ["error"])


@pytest.mark.parametrize(
    "wish",
    [{}, {"handle": "a b"}, {"posts": -1}, {"days": 0}, {"topics": []}, {"topics": "python"}],
)
def test_a_wish_that_cannot_be_met(server: MastodonSandbox, wish: dict[str, Any]) -> None:
    """It is refused with the reason."""
    body = ({"handle": "ana"} if wish else {}) | wish
    answer = server.http.post(f"{server.url}/control/api/history", json=body, timeout=10)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
