"""Reading an account's past at X: what is asked for, what comes back, what it costs, who may."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests

from app.networks.base import AsksForMore
from app.networks.errors import CursorLost, LookUpFailed, LookUpRefused, TokenRefused
from app.networks.history import Asked, Numbers, ReadKind
from app.networks.x.network import X
from tests.support.reading import items_of, pages_of, published
from tests.support.sandbox import Sandbox
from tests.support.scripted import ScriptedServer

CALLBACK = "http://127.0.0.1:8000/login/x/callback"
TOKEN = {"access_token": "at", "refresh_token": "rt", "expires_at": None}
POSTS = Asked(ReadKind.POSTS)


def x_at(url: str, **settings: Any) -> X:
    """Return X at this address."""
    config = {
        "X_CLIENT_ID": "sandbox-client",
        "X_CLIENT_SECRET": "sandbox-secret",
        "X_CONSUMER_KEY": None,
        "X_CONSUMER_SECRET": None,
        "X_API_URL": url,
        "X_AUTHORIZE_URL": f"{url}/i/oauth2/authorize",
        "X_SITE_URL": "https://x.com",
        "SEND_TIMEOUT": 15.0,
        "SANDBOX": (),
    }
    return X({**config, **settings})


@pytest.fixture
def client(sandbox: Sandbox) -> X:
    """X, as the sandbox plays it."""
    return x_at(sandbox.url)


@pytest.fixture
def x(scripted: ScriptedServer) -> X:
    """X at the scripted server."""
    return x_at(scripted.url)


def state(sandbox: Sandbox) -> Any:
    """Return what the sandbox tells, with the posts of a past."""
    return sandbox.http.get(f"{sandbox.url}/control/api/state?history=1", timeout=10).json()


# Lists


def test_a_whole_past(sandbox: Sandbox, client: X) -> None:
    """Each thing once, as it was typed, with its author; nothing is charged but what is read."""
    ana = sandbox.token("ana")
    sandbox.control("history", handle="ana", posts=130, likes=120, follows=1_100)
    pages = pages_of(client, ana, ana["id"], ReadKind.POSTS)
    assert [page.returned for page in pages] == [100, 30]
    facts, posts = state(sandbox), items_of(pages)
    assert [(item.remote_id, item.text) for item in posts] == [
        (post["id"], post["text"]) for post in reversed(facts["history"])
    ]
    assert {"", *(item.text for item in posts if "&" in item.text)} != {""}
    assert sum(item.numbers.likes or 0 for item in posts) > 1_000
    assert all(item.created_at and item.url.endswith(item.remote_id) for item in posts)
    liked = items_of(pages_of(client, ana, ana["id"], ReadKind.LIKES))
    assert len({item.remote_id for item in liked}) == 120
    assert all(item.author for item in liked)
    assert any("https://example.com/" in item.text for item in liked)
    followed = pages_of(client, ana, ana["id"], ReadKind.FOLLOWS)
    assert [page.returned for page in followed] == [1_000, 100]
    assert len({item.remote_id for item in items_of(followed)}) == 1_100
    one = followed[0].items[0]
    assert (one.url, one.text) == (f"https://x.com/{one.author}", "Lives in the sandbox.")
    assert state(sandbox)["reads"] == {"ana": {"posts": 130, "likes": 120, "follows": 1_100}}


def test_what_was_published_here(sandbox: Sandbox, client: X) -> None:
    """A post has the id that publishing keeps, also after an edit, which gives it another one."""
    ana = sandbox.token("ana")
    outcome = published(client, ana, "a < b & c https://example.com/?a=1&lt=2")
    (item,) = client.history(ana, ana["id"], POSTS).items
    assert (item.remote_id, item.url) == (outcome.remote_id, outcome.remote_url)
    assert item.text == "a < b & c https://example.com/?a=1&lt=2"
    post = f"{sandbox.url}/control/api/posts/{outcome.remote_id}"
    sandbox.http.patch(post, json={"text": "Better"}, timeout=10).raise_for_status()
    (item,) = client.history(ana, ana["id"], POSTS).items
    assert (item.remote_id, item.text) == (outcome.remote_id, "Better")
    assert client.numbers(ana, [item.remote_id, "1"]) == {item.remote_id: Numbers(0, 0, 0)}


def test_only_what_is_new(sandbox: Sandbox, client: X) -> None:
    """What is known is not returned again, so it is not charged; a page may be small."""
    ana = sandbox.token("ana")
    sandbox.control("history", handle="ana", posts=12, likes=12, follows=12)
    everything = items_of(pages_of(client, ana, ana["id"], ReadKind.POSTS))
    known = everything[6].remote_id
    news = pages_of(client, ana, ana["id"], ReadKind.POSTS, newest_id=known, most=5)
    assert [page.returned for page in news] == [5, 1]
    assert items_of(news) == everything[:6]
    nothing = client.history(
        ana, ana["id"], Asked(ReadKind.POSTS, newest_id=everything[0].remote_id)
    )
    assert (nothing.returned, nothing.items, nothing.following) == (0, (), None)
    for kind, least in client.smallest_reads.items():
        page = client.history(ana, ana["id"], Asked(kind, most=1))
        assert (page.returned, bool(page.following)) == (least, True)
    second = Asked(
        ReadKind.LIKES,
        client.history(ana, ana["id"], Asked(ReadKind.LIKES, most=5)).following,
        most=5,
    )
    sandbox.fault("page_loop", "likes")
    assert client.history(ana, ana["id"], second).following == second.cursor
    with pytest.raises(CursorLost):
        client.history(ana, ana["id"], Asked(ReadKind.LIKES, "x"))


def test_room_for_publishing(sandbox: Sandbox, client: X) -> None:
    """With little left, the rest is publishing's; with nothing left, the wait is told."""
    ana = sandbox.token("ana")
    sandbox.settings(limits={"likes": 4})
    likes = Asked(ReadKind.LIKES)
    rests = [client.history(ana, ana["id"], likes).rest_s for _ in range(4)]
    assert rests[:2] == [0.0, 0.0]
    assert all(0 < rest <= 901 for rest in rests[2:])
    with pytest.raises(LookUpFailed) as failed:
        client.history(ana, ana["id"], likes)
    assert 0 < (failed.value.retry_after or 0) <= 901
    sandbox.settings(credits_usd=0)
    with pytest.raises(LookUpRefused) as refused:
        client.history(ana, ana["id"], POSTS)
    assert refused.value.code == "no_credits"


def test_what_is_asked(scripted: ScriptedServer, x: X) -> None:
    """Whole texts and numbers of own posts, no reposts; and of likes their authors."""
    scripted.answers = [(200, {"meta": {"result_count": 0}})] * 3
    for kind in ReadKind:
        x.history(TOKEN, "77", Asked(kind, "next", newest_id="9", most=7))
    posts, likes, follows = (
        (urlsplit(seen.path).path, parse_qs(urlsplit(seen.path).query)) for seen in scripted.seen
    )
    assert posts[0] == "/2/users/77/tweets"
    assert (posts[1]["since_id"], posts[1]["exclude"]) == (["9"], ["retweets"])
    assert posts[1]["pagination_token"] == likes[1]["pagination_token"] == ["next"]
    assert (likes[0], likes[1]["expansions"]) == ("/2/users/77/liked_tweets", ["author_id"])
    assert follows[0] == "/2/users/77/following"
    assert "since_id" not in {**likes[1], **follows[1]}


@pytest.mark.parametrize("kind", ReadKind)
@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (401, {"title": "Unauthorized"}, TokenRefused),
        (402, {"title": "CreditsDepleted"}, LookUpRefused),
        (403, {"title": "Forbidden"}, LookUpRefused),
        (404, {"title": "Not Found Error"}, LookUpRefused),
        (400, {"title": "Invalid Request"}, LookUpFailed),
        (429, {"title": "Too Many Requests"}, LookUpFailed),
        (503, "<html>", LookUpFailed),
        (200, "<html>", LookUpFailed),
        (200, {}, LookUpFailed),
        (200, {"data": 5}, LookUpFailed),
        (200, {"data": ["1"]}, LookUpFailed),
        (200, {"data": [{"text": "no id", "username": "ben"}]}, LookUpFailed),
        (200, {"data": [{"id": "1\n2", "username": "ben"}]}, LookUpFailed),
        (200, {"data": [{"id": "one", "username": None}]}, LookUpFailed),
        (200, {"meta": {"next_token": "t" * 2_001}}, LookUpFailed),
        (200, {"meta": ["odd"]}, LookUpFailed),
    ],
)
def test_what_cannot_be_read(
    scripted: ScriptedServer, x: X, kind: ReadKind, status: int, body: Any, failure: type[Exception]
) -> None:
    """Whatever X says: one of three failures."""
    scripted.answers = [(status, body)]
    with pytest.raises(failure) as failed:
        x.history(TOKEN, "77", Asked(kind))
    if isinstance(failed.value, LookUpFailed):
        assert failed.value.unanswered is (status == 200)
    if isinstance(failed.value, LookUpRefused):
        assert failed.value.code == ("no_credits" if status == 402 else "not_allowed")


def test_a_cap_that_is_used_up(scripted: ScriptedServer, x: X) -> None:
    """A daily or monthly cap is no lack of credits: it ends."""
    cap = {"type": "https://api.x.com/2/problems/usage-capped", "period": "Monthly"}
    scripted.answers = [(402, cap), (429, cap)]
    for _ in scripted.answers:
        with pytest.raises(LookUpFailed) as failed:
            x.history(TOKEN, "77", POSTS)
        assert failed.value.retry_after == 86_400


def test_odd_posts(scripted: ScriptedServer, x: X) -> None:
    """Long texts, both generations of names, clocks that are wrong, and a repost in between."""
    long = "word " * 100
    page = [
        {
            "id": str(2**63 - 1),
            "text": long[:270] + "… https://t.co/cut",
            "note_tweet": {
                "text": f"{long}https://t.co/a",
                "entities": {
                    "urls": [{"url": "https://t.co/a", "expanded_url": "https://a.example/"}]
                },
            },
            "created_at": "2199-01-01T00:00:00.000Z",
            "public_metrics": {"like_count": 3, "retweet_count": 2, "reply_count": 1},
        },
        {
            "id": "8",
            "text": "fish &amp;amp; chips",
            "created_at": "noon",
            "edit_history_post_ids": ["8", "7"],
            "public_metrics": {"repost_count": "2", "like_count": -1},
        },
        {"id": "6", "text": "RT", "referenced_tweets": [{"type": "retweeted", "id": "5"}]},
    ]
    scripted.answers = [(200, {"data": page, "errors": [{"title": "a quoted post is gone"}]})]
    read = x.history(TOKEN, "77", POSTS)
    first, second = read.items
    assert first.text == f"{long}https://a.example/"
    assert (first.remote_id, first.numbers) == (str(2**63 - 1), Numbers(3, 2, 1))
    assert str(first.created_at).startswith("2199-01-01")
    assert (second.remote_id, second.text) == ("7", "fish &amp; chips")
    assert (second.created_at, second.numbers) == (None, Numbers(None, 2, None))
    assert (read.returned, read.following) == (3, None)


# Who may


def test_wider_consent(sandbox: Sandbox, client: X) -> None:
    """A sign-in asks for nothing to read; the consent page does, and what was granted is kept."""
    assert isinstance(client, AsksForMore)
    (signed_in,) = client.finish(*walk(client.begin({}, CALLBACK)))
    both = [ReadKind.LIKES, ReadKind.FOLLOWS]
    assert client.lets_read(signed_in.credentials, [ReadKind.POSTS])
    assert not client.lets_read(signed_in.credentials, [ReadKind.LIKES])
    with pytest.raises(LookUpRefused):
        client.history(signed_in.credentials, signed_in.profile.remote_id, Asked(ReadKind.LIKES))
    consent = client.begin_reading(signed_in.credentials, [ReadKind.LIKES], CALLBACK)
    (likes,) = client.finish(*walk(consent))
    assert likes.profile == signed_in.profile
    assert client.lets_read(likes.credentials, [ReadKind.POSTS, ReadKind.LIKES])
    assert not client.lets_read(likes.credentials, both)
    (wide,) = client.finish(*walk(client.begin_reading(likes.credentials, both, CALLBACK)))
    refreshed = client.refresh(wide.credentials)
    assert client.lets_read(refreshed, ReadKind)
    assert client.history(refreshed, wide.profile.remote_id, Asked(ReadKind.FOLLOWS)).items == ()


def walk(consent: Any) -> tuple[Any, dict[str, str], str]:
    """Approve on the consent page; return what ``finish`` takes."""
    answer = requests.post(
        consent.url,
        data={"person": "ana", "decision": "approve"},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 302, answer.text
    return consent.memory, dict(parse_qsl(urlsplit(answer.headers["Location"]).query)), CALLBACK


def test_access_of_other_times(scripted: ScriptedServer, x: X) -> None:
    """Credentials without a scope are of a plain sign-in; those of OAuth 1.0a read everything."""
    assert x.lets_read(TOKEN, [ReadKind.POSTS])
    assert not x.lets_read(TOKEN, [ReadKind.FOLLOWS])
    assert x.lets_read({"token": "t", "token_secret": "s"}, ReadKind)
    kept = {**TOKEN, "scope": "tweet.read like.read"}
    scripted.answers = [
        (200, {"access_token": "new"}),
        (200, {"access_token": "n", "scope": "a b"}),
    ]
    assert x.refresh(kept)["scope"] == "tweet.read like.read"
    assert x.refresh(kept)["scope"] == "a b"
