"""Reading an account's past at its server: lists, their ``Link``, HTML as text, wider consent."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.networks.base import AsksForMore, Consent
from app.networks.errors import ConnectRefused, LookUpFailed, LookUpRefused, TokenRefused
from app.networks.history import Asked, Numbers, ReadKind
from app.networks.mastodon.network import Mastodon
from app.networks.mastodon.text import readable
from tests.support.mastodon import CALLBACK, MastodonSandbox, credentials_at, mastodon, visit
from tests.support.mastodon_apps import AppsInMemory
from tests.support.reading import items_of, pages_of, published
from tests.support.scripted import ScriptedServer

POSTS = Asked(ReadKind.POSTS)
NARROW = "read:accounts read:statuses write:statuses write:media"


def person(server: MastodonSandbox, handle: str = "ana") -> Any:
    """Return credentials that may read everything, with the id of their account."""
    minted = server.mint(handle, scope=f"{NARROW} read:favourites read:follows")
    return credentials_at(server.url, access_token=minted["access_token"]) | {"id": minted["id"]}


# Lists


def test_a_whole_past(server: MastodonSandbox) -> None:
    """Each thing once, as plain text, with its author."""
    client, ana = mastodon(), person(server)
    server.control("history", handle="ana", posts=90, likes=85, follows=170)
    pages = pages_of(client, ana, ana["id"], ReadKind.POSTS)
    assert [page.returned for page in pages] == [40, 40, 10]
    facts = server.http.get(f"{server.url}/control/api/state?history=1", timeout=10).json()
    posts = items_of(pages)
    assert [(item.remote_id, item.text) for item in posts] == [
        (post["id"], post["text"].replace("@friends.example", ""))
        for post in reversed(facts["history"])
    ]
    assert any("\n\n" in item.text for item in posts)
    assert sum(item.numbers.likes or 0 for item in posts) > 1_000
    assert all(item.created_at and item.url.startswith(server.url) for item in posts)
    liked = items_of(pages_of(client, ana, ana["id"], ReadKind.LIKES))
    assert len({item.remote_id for item in liked}) == 85
    assert all(item.author.endswith("@friends.example") for item in liked)
    assert all(item.url.startswith("https://friends.example/@") for item in liked)
    followed = pages_of(client, ana, ana["id"], ReadKind.FOLLOWS)
    assert [page.returned for page in followed] == [80, 80, 10]
    assert len({item.remote_id for item in items_of(followed)}) == 170
    assert all(item.author and item.url for item in items_of(followed))


def test_what_was_published_here(server: MastodonSandbox) -> None:
    """A post has the id that publishing keeps, also when it was edited; a deleted one is gone."""
    client, ana = mastodon(), person(server)
    outcome = published(client, ana, "hello\n\nworld")
    (item,) = client.history(ana, ana["id"], POSTS).items
    assert (item.remote_id, item.text, item.url) == (
        outcome.remote_id,
        "hello\n\nworld",
        outcome.remote_url,
    )
    post = f"{server.url}/control/api/posts/{outcome.remote_id}"
    server.http.patch(post, json={"text": "Better"}, timeout=10).raise_for_status()
    server.create(ana, "between us", visibility="direct")
    server.create(ana, "words", spoiler_text="careful", visibility="private")
    page = client.history(ana, ana["id"], POSTS)
    warned, edited = page.items
    assert (warned.text, page.returned) == ("careful\n\nwords", 3)
    assert (edited.remote_id, edited.text) == (outcome.remote_id, "Better")
    assert client.numbers(ana, [edited.remote_id]) == {edited.remote_id: Numbers(0, 0, 0)}
    server.http.delete(post, timeout=10).raise_for_status()
    assert client.history(ana, ana["id"], POSTS).items == (warned,)
    assert client.numbers(ana, [edited.remote_id]) == {}


def test_pages_lead_on(server: MastodonSandbox) -> None:
    """Pages are as long as was asked for; one that leads to itself says so."""
    client, ana = mastodon(), person(server)
    server.control("history", handle="ana", follows=7)
    pages = pages_of(client, ana, ana["id"], ReadKind.FOLLOWS, most=3)
    assert [len(page.items) for page in pages] == [3, 3, 1]
    second = Asked(ReadKind.FOLLOWS, pages[0].following, most=3)
    server.fault("page_loop", "follows", count=2)
    loop = client.history(ana, ana["id"], second).following
    again = Asked(ReadKind.FOLLOWS, loop, most=3)
    assert client.history(ana, ana["id"], again).following == loop


def test_room_for_publishing(server: MastodonSandbox) -> None:
    """With little left, the rest is publishing's; with nothing left, the wait is told."""
    client, ana = mastodon(), person(server)
    server.settings(limits={"calls": 101})
    assert client.history(ana, ana["id"], POSTS).rest_s == 0.0
    server.settings(limits={"calls": 31})
    assert 0 < client.history(ana, ana["id"], POSTS).rest_s <= 301
    server.settings(limits={"calls": 2})
    with pytest.raises(LookUpFailed) as failed:
        client.history(ana, ana["id"], POSTS)
    assert 0 < (failed.value.retry_after or 0) <= 301


# Responses


def read(scripted: ScriptedServer, kind: ReadKind = ReadKind.POSTS, **asked: Any) -> Any:
    """Read a page of the scripted server."""
    return mastodon().history(credentials_at(scripted.url), "7/8", Asked(kind, **asked))


def status(**changes: Any) -> dict[str, Any]:
    """Return a post as a list shows it."""
    account = {"id": "1", "acct": "ben", "username": "ben", "url": "https://example.social/@ben"}
    return {"id": "1", "content": "<p>hello</p>", "account": account, **changes}


def test_what_is_asked(scripted: ScriptedServer) -> None:
    """Of ``Link`` only the query counts, and what is ours stays ours."""
    path = "/api/v1/accounts/7%2F8/statuses"
    scripted.headers = {"Link": f'<{path}?max_id=a%26b&limit=99>; rel="next", </x>; rel="prev"'}
    scripted.answers = [(200, [status()])] * 3
    first = read(scripted)
    read(scripted, cursor=first.following, newest_id="5")
    assert [seen.path for seen in scripted.seen] == [
        f"{path}?limit=40&exclude_reblogs=true",
        f"{path}?max_id=a%26b&limit=40&exclude_reblogs=true",
    ]
    scripted.headers = {"Link": f'<{scripted.url}{path}?max_id=1>; rel="prev"'}
    assert read(scripted).following is None


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/v1/favourites?max_id=1",
        "//evil.example/api/v1/favourites?max_id=1",
        "/api/v1/bookmarks?max_id=1",
        "/api/v1/favourites",
        f"/api/v1/favourites?max_id={'9' * 2_001}",
    ],
)
def test_pages_that_are_elsewhere(scripted: ScriptedServer, link: str) -> None:
    """A list that leads to another server, to another list or to its beginning is not read."""
    scripted.headers = {"Link": f'<{link}>; rel="next"'}
    scripted.answers = [(200, [status()])]
    with pytest.raises(LookUpFailed):
        read(scripted, ReadKind.LIKES)


@pytest.mark.parametrize("kind", ReadKind)
@pytest.mark.parametrize(
    ("code", "body", "failure"),
    [
        (401, {"error": "revoked"}, TokenRefused),
        (403, {"error": "outside the authorized scopes"}, LookUpRefused),
        (404, {"error": "Record not found"}, LookUpRefused),
        (404, "<html>", LookUpFailed),
        (429, {"error": "Too many requests"}, LookUpFailed),
        (503, "<html>", LookUpFailed),
        (200, "<html>", LookUpFailed),
        (200, {"id": "1"}, LookUpFailed),
        (200, ["odd"], LookUpFailed),
        (200, [{"content": "no id", "acct": "ben"}], LookUpFailed),
        (200, [{"id": None, "account": 5}], LookUpFailed),
    ],
)
def test_what_cannot_be_read(
    scripted: ScriptedServer, kind: ReadKind, code: int, body: Any, failure: type[Exception]
) -> None:
    """Whatever a server says: one of three failures."""
    scripted.answers = [(code, body)]
    with pytest.raises(failure):
        read(scripted, kind)


def test_odd_posts(scripted: ScriptedServer) -> None:
    """Ids that are numbers, other clocks, boosts, and counts that are none."""
    page = [
        status(id=2**63, created_at="2199-01-01T00:00:00.000Z", favourites_count="3"),
        status(id="flake", created_at="2026-11-21T12:00:00", reblogs_count=-1, content=None),
        status(id="2", reblog={"id": "3"}),
        status(id="3", created_at="yesterday"),
    ]
    scripted.answers = [(200, page), (200, [status()])]
    found = read(scripted).items
    assert [item.remote_id for item in found] == [str(2**63), "flake", "3"]
    assert [item.text for item in found] == ["hello", "", "hello"]
    assert [item.created_at and item.created_at.year for item in found] == [2199, 2026, None]
    assert [item.numbers.likes for item in found] == [3, None, None]
    (liked,) = read(scripted, ReadKind.LIKES).items
    assert liked.author == f"ben@{urlsplit(scripted.url).netloc}"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>one<br />two</p><p>three &amp;amp; &lt;b&gt;</p>", "one\ntwo\n\nthree &amp; <b>"),
        (
            '<p>@<span>ben</span> <a href="https://a"><span>https://</span>a</a></p>',
            "@ben https://a",
        ),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        ("a < b & c <script>alert(1)</script><!-- no -->", "a < b & c"),
        ("<p>open", "open"),
        ("", ""),
    ],
)
def test_readable(content: str, text: str) -> None:
    """HTML of any server becomes plain text."""
    assert readable(content) == text


@pytest.mark.parametrize("tag", ["<div>", "<li><ul>", "<a ", "<b><i>", "<p>x"])
def test_deep_markup(tag: str) -> None:
    """What is nested without end is cut, not understood."""
    assert readable(f"<p>begin</p>{tag * 200_000}").startswith("begin")


# Consent


def connect(client: Mastodon, consent: Any) -> Any:
    """Go through the consent page; return the connection."""
    assert isinstance(consent, Consent)
    (connection,) = client.finish(consent.memory, visit(consent), CALLBACK)
    return connection


def scope_of(consent: Consent) -> str:
    """Return what a consent page asks for."""
    return parse_qs(urlsplit(consent.url).query)["scope"][0]


def begin(client: Mastodon, server: MastodonSandbox) -> Consent:
    """Type the server's name as people do."""
    consent = client.begin({"server": server.url}, CALLBACK)
    assert isinstance(consent, Consent)
    return consent


def test_wider_consent(server: MastodonSandbox) -> None:
    """The same app asks for little at a sign-in, and for more when its owner wants that."""
    client = mastodon()
    assert isinstance(client, AsksForMore)
    signing_in = begin(client, server)
    assert scope_of(signing_in) == NARROW
    ana = connect(client, signing_in)
    assert client.lets_read(ana.credentials, [ReadKind.POSTS])
    assert not client.lets_read(ana.credentials, [ReadKind.LIKES])
    with pytest.raises(LookUpRefused):
        client.history(ana.credentials, ana.profile.remote_id, Asked(ReadKind.LIKES))
    asking = client.begin_reading(ana.credentials, [ReadKind.LIKES], CALLBACK)
    assert scope_of(asking) == f"{NARROW} read:favourites"
    likes = connect(client, asking)
    assert likes.profile == ana.profile
    assert likes.credentials["client_id"] == ana.credentials["client_id"]
    assert client.lets_read(likes.credentials, [ReadKind.POSTS, ReadKind.LIKES])
    assert not client.lets_read(likes.credentials, ReadKind)
    wide = connect(client, client.begin_reading(likes.credentials, list(ReadKind), CALLBACK))
    assert client.lets_read(wide.credentials, ReadKind)
    assert (
        client.history(wide.credentials, wide.profile.remote_id, Asked(ReadKind.LIKES)).items == ()
    )


def test_an_app_of_before(server: MastodonSandbox) -> None:
    """One that may not ask for more makes room for one that may; its own tokens live on."""
    apps = AppsInMemory()
    client, address = mastodon(MASTODON_APPS=apps), f"{CALLBACK}/{urlsplit(server.url).netloc}"
    form = {"client_name": "Tweet Later", "redirect_uris": address, "scopes": NARROW}
    old = server.http.post(f"{server.url}/api/v1/apps", data=form, timeout=10).json()
    apps.made_once(server.url, address, lambda: {k: old[k] for k in ("client_id", "client_secret")})
    on_the_way = begin(client, server)
    before = connect(client, begin(client, server))
    assert before.credentials["client_id"] == old["client_id"]
    asking = client.begin_reading(before.credentials, [ReadKind.FOLLOWS], CALLBACK)
    after = connect(client, asking)
    assert after.credentials["client_id"] != old["client_id"]
    assert client.lets_read(after.credentials, [ReadKind.FOLLOWS])
    assert client.who_am_i(before.credentials) == client.who_am_i(after.credentials)
    assert connect(client, on_the_way).credentials["client_id"] == old["client_id"]
    again = client.begin_reading(before.credentials, [ReadKind.LIKES], CALLBACK)
    assert again.memory["client"] == asking.memory["client"]
    assert begin(client, server).memory["client"] == asking.memory["client"]
    client.revoke(before.credentials)
    assert client.who_am_i(after.credentials) == after.profile


def test_an_error_at_the_consent_page(server: MastodonSandbox) -> None:
    """Who goes there again with another app asks for the same."""
    client = mastodon()
    ana = connect(client, begin(client, server))
    asking = client.begin_reading(ana.credentials, [ReadKind.LIKES], CALLBACK)
    anew = client.begin_anew(asking.memory, CALLBACK, False)
    assert scope_of(anew) == scope_of(asking)
    assert client.lets_read(connect(client, anew).credentials, [ReadKind.LIKES])


def test_a_server_that_checks_no_codes(server: MastodonSandbox) -> None:
    """Each connection has an app of its own there, for reading, too."""
    client = mastodon()
    ana = connect(client, begin(client, server))
    server.settings(checks_codes=False)
    own = connect(client, client.begin_reading(ana.credentials, [ReadKind.LIKES], CALLBACK))
    assert own.proves_nobody
    assert client.lets_read(own.credentials, [ReadKind.LIKES])


def test_a_server_without_such_scopes(scripted: ScriptedServer) -> None:
    """People sign in there as before; reading is refused in words, and tried again in an hour."""
    apps: list[str] = []
    wide = f"{NARROW} read:favourites read:follows"

    def play(seen: Any) -> tuple[int, Any]:
        if seen.path == "/api/v1/apps":
            apps.append(scopes := parse_qs(seen.body.decode())["scopes"][0])
            refusal = (422, {"error": "Scopes doesn't match configured on the server."})
            made = (200, {"client_id": f"c{len(apps)}", "client_secret": "s"})
            return made if scopes == NARROW else refusal
        if seen.path == "/oauth/token":
            return 400, {"error": "invalid_grant"}
        return 404, {"error": "Not Found"}

    scripted.play = play
    client = mastodon()
    assert scope_of(begin_at(client, scripted)) == NARROW
    assert apps == [wide, NARROW]
    for code in ("scope_missing", "just_registered"):
        with pytest.raises(ConnectRefused, match=code):
            client.begin_reading(credentials_at(scripted.url), [ReadKind.LIKES], CALLBACK)
    assert apps == [wide, NARROW] * 2


def begin_at(client: Mastodon, scripted: ScriptedServer) -> Consent:
    """Type the scripted server's name."""
    consent = client.begin({"server": scripted.url}, CALLBACK)
    assert isinstance(consent, Consent)
    return consent


@pytest.mark.parametrize(
    ("scope", "kinds", "suffices"),
    [
        ("read write", list(ReadKind), True),
        ("write:statuses read:follows", [ReadKind.FOLLOWS], True),
        ("write:statuses read:follows", [ReadKind.LIKES], False),
        ("", [ReadKind.LIKES], False),
        ("", [ReadKind.POSTS], True),
    ],
)
def test_scopes(scope: str, kinds: list[ReadKind], suffices: bool) -> None:
    """What is granted for all reading counts, and credentials of before are of a sign-in."""
    granted = credentials_at("https://example.social", **({"scope": scope} if scope else {}))
    assert mastodon().lets_read(granted, kinds) is suffices
