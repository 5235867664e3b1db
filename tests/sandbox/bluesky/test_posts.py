"""The sandbox's Bluesky refuses what the real one refuses, in its own words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.bluesky import PNG, BlueskySandbox

CREATE = "com.atproto.repo.createRecord"
GET = "com.atproto.repo.getRecord"
POST = "app.bsky.feed.post"
RKEY = "3muheobs62222"
NOW = "2026-11-21T12:00:00.000Z"
UNKNOWN = (401, "AuthenticationRequired")
LINK = {"$type": "app.bsky.richtext.facet#link", "uri": "https://x.com"}


def record(**changes: Any) -> dict[str, Any]:
    """Return a valid record, with changes; None takes a field away."""
    whole = {"$type": POST, "text": "héllo x.com", "createdAt": NOW, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def create(bluesky: BlueskySandbox, who: dict[str, Any], **changes: Any) -> Any:
    """Call createRecord; ``changes`` are of the call's own body."""
    body = {"repo": who["did"], "collection": POST, "rkey": RKEY, "record": record(), **changes}
    return bluesky.call("POST", CREATE, who["access_jwt"], json=body)


def answered(answer: Any) -> tuple[int, str]:
    """Return the status and the word of a refusal."""
    return answer.status_code, answer.json()["error"]


# Tokens


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        (None, (401, "AuthMissing")),
        ("Bearer nonsense", (400, "InvalidToken")),
        ("Basic abc", (400, "InvalidToken")),
        ("refresh", (400, "InvalidToken")),
    ],
)
def test_wrong_tokens(
    bluesky: BlueskySandbox, ana: dict[str, Any], header: str | None, refusal: tuple[int, str]
) -> None:
    """No token, no token of ours, and one of the wrong kind."""
    value = f"Bearer {ana['refresh_jwt']}" if header == "refresh" else header
    headers = {"Authorization": value} if value else {}
    body = {"repo": ana["did"], "collection": POST, "record": record()}
    assert answered(bluesky.call("POST", CREATE, json=body, headers=headers)) == refusal
    assert bluesky.state()["accepted_count"] == 0


def test_an_access_token_does_not_refresh(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """Each kind is good for one thing."""
    name = "com.atproto.server.refreshSession"
    assert answered(bluesky.call("POST", name, ana["access_jwt"])) == (400, "InvalidToken")


def test_tokens_end(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """Access tokens after two hours, sessions after ninety days, both with HTTP 400."""
    name = "com.atproto.server.getSession"
    assert bluesky.call("GET", name, ana["access_jwt"]).json()["handle"] == "ana.test"
    bluesky.settings(clock_offset=7_201)
    assert answered(bluesky.call("GET", name, ana["access_jwt"])) == (400, "ExpiredToken")
    refresh = "com.atproto.server.refreshSession"
    bluesky.settings(clock_offset=90 * 86_400 + 1)
    assert answered(bluesky.call("POST", refresh, ana["refresh_jwt"])) == (400, "ExpiredToken")


def test_refresh_tokens_rotate_with_grace(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """For two hours the old one gives the same successor, then nothing."""
    name = "com.atproto.server.refreshSession"
    first = bluesky.call("POST", name, ana["refresh_jwt"]).json()
    bluesky.settings(clock_offset=7_190)
    again = bluesky.call("POST", name, ana["refresh_jwt"]).json()
    assert again["refreshJwt"] == first["refreshJwt"] != ana["refresh_jwt"]
    bluesky.settings(clock_offset=7_210)
    late = bluesky.call("POST", name, ana["refresh_jwt"])
    assert (answered(late), late.json()["message"]) == (
        (400, "ExpiredToken"),
        "Token has been revoked",
    )
    assert bluesky.call("POST", name, first["refreshJwt"]).ok


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"identifier": "ana.test", "password": "wrong"}, UNKNOWN),
        ({"identifier": "ana", "password": "sandbox-password"}, UNKNOWN),
        ({"identifier": "did:plc:x", "password": "sandbox-password"}, UNKNOWN),
        ({"identifier": "nobody.test", "password": "sandbox-password"}, UNKNOWN),
        ({"identifier": "ana.test"}, (400, "InvalidRequest")),
        ([], (400, "InvalidRequest")),
    ],
)
def test_wrong_words_open_no_session(
    bluesky: BlueskySandbox, body: Any, refusal: tuple[int, str]
) -> None:
    """Any handle has the one password, and nothing else has."""
    name = "com.atproto.server.createSession"
    assert answered(bluesky.call("POST", name, json=body)) == refusal


# Calls


@pytest.mark.parametrize(
    ("verb", "name", "refusal"),
    [
        ("GET", "com.atproto.repo.putRecord", (501, "MethodNotImplemented")),
        ("GET", CREATE, (400, "InvalidRequest")),
        ("POST", GET, (400, "InvalidRequest")),
    ],
)
def test_unknown_methods_and_verbs(
    bluesky: BlueskySandbox, verb: str, name: str, refusal: tuple[int, str]
) -> None:
    """Each method has one verb; others do not exist."""
    assert answered(bluesky.call(verb, name)) == refusal


def test_unknown_paths(bluesky: BlueskySandbox) -> None:
    """The protocol's own shape there too."""
    answer = bluesky.http.get(f"{bluesky.url}/2/tweets", timeout=10)
    assert answered(answer) == (404, "XRPCNotSupported")


@pytest.mark.parametrize("mimetype", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json(bluesky: BlueskySandbox, ana: dict[str, Any], mimetype: str) -> None:
    """A body of another type is refused before it is read."""
    answer = bluesky.call(
        "POST", CREATE, ana["access_jwt"], data=b"{}", headers={"Content-Type": mimetype}
    )
    assert answered(answer) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"repo": "did:plc:somebodyelse"}, (401, "AuthenticationRequired")),
        ({"repo": None}, (400, "InvalidRequest")),
        ({"collection": "app.bsky.feed.like"}, (400, "InvalidRequest")),
        ({"rkey": "not-a-tid"}, (400, "InvalidRequest")),
        ({"rkey": "zuheobs622222"}, (400, "InvalidRequest")),
        ({"record": None}, (400, "InvalidRequest")),
        ({"record": []}, (400, "InvalidRequest")),
    ],
)
def test_wrong_calls(
    bluesky: BlueskySandbox, ana: dict[str, Any], changes: Any, refusal: tuple[int, str]
) -> None:
    """Somebody else's repository, other collections, keys that are no TIDs."""
    assert answered(create(bluesky, ana, **changes)) == refusal
    assert bluesky.state()["accepted_count"] == 0


def facet(start: Any, end: Any, feature: Any = LINK) -> dict[str, Any]:
    """Return a facet."""
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}


IMAGE = {
    "alt": "",
    "image": {"$type": "blob", "ref": {"$link": "b"}, "mimeType": "image/png", "size": 5},
}


def card(**changes: Any) -> dict[str, Any]:
    """Return the card of a link, changed."""
    told = {"uri": "https://example.com/a", "title": "A page", "description": "", **changes}
    return {"$type": "app.bsky.embed.external", "external": told}


@pytest.mark.parametrize(
    "changes",
    [
        {"$type": "app.bsky.feed.like"},
        {"text": None},
        {"text": 5},
        {"text": ""},
        {"text": "a" * 301},
        {"text": "👩‍👩‍👧‍👦" * 121},
        {"createdAt": None},
        {"createdAt": "today"},
        {"createdAt": "2026-11-21T12:00:00"},
        {"createdAt": "2026-13-21T12:00:00Z"},
        {"langs": ["en", "es", "de", "fr"]},
        {"langs": "en"},
        {"facets": {}},
        {"facets": [{}]},
        {"facets": [facet(0, 13)]},
        {"facets": [facet(3, 3)]},
        {"facets": [facet(0.0, 3)]},
        {"facets": [facet(0, 2)]},  # in the middle of é
        {"facets": [facet(0, 4), facet(3, 6)]},
        {"facets": [facet(4, 6), facet(0, 3)]},
        {"facets": [facet(0, 1, {"$type": "app.bsky.richtext.facet#link", "uri": "x com"})]},
        {"facets": [facet(0, 1, {"$type": "app.bsky.richtext.facet#mention", "did": "ana"})]},
        {"facets": [facet(0, 1, {"$type": "app.bsky.richtext.facet#tag", "tag": "#a"})]},
        {"facets": [facet(0, 1, {"$type": "other"})]},
        {"facets": [{**facet(0, 1), "features": []}]},
        {"reply": {}},
        {"reply": {"root": {"uri": "at://a", "cid": "b"}}},
        {"reply": {"root": {"uri": "at://a", "cid": "b"}, "parent": {"uri": "at://a", "cid": "b"}}},
        {"embed": {"$type": "app.bsky.embed.external"}},
        {"embed": card(uri=None)},
        {"embed": card(uri="not a uri")},
        {"embed": card(uri="https://x.com/" + "a" * 8192)},
        {"embed": card(title=None)},
        {"embed": card(description=5)},
        {"embed": card(thumb="a picture")},
        {"embed": card(thumb={**IMAGE["image"], "mimeType": "text/html"})},
        {"embed": card(thumb={**IMAGE["image"], "size": 1_000_001})},
        {"embed": {"$type": "app.bsky.embed.images", "images": []}},
        {"embed": {"$type": "app.bsky.embed.images", "images": [IMAGE] * 5}},
        {"embed": {"$type": "app.bsky.embed.images", "images": [{**IMAGE, "alt": None}]}},
    ],
    ids=lambda changes: str(changes)[:50],
)
def test_wrong_records(bluesky: BlueskySandbox, ana: dict[str, Any], changes: Any) -> None:
    """Whatever the lexicon forbids, and what would look broken, is refused with its path."""
    answer = create(bluesky, ana, record=record(**changes))
    assert answered(answer) == (400, "InvalidRequest")
    assert bluesky.state()["accepted_count"] == 0


def test_a_card_is_shown(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """Its words as text, its thumb if it has one, and no address but one of the web."""
    thumb = upload(bluesky, ana)["images"][0]["image"]
    embed = card(title="<b>Bold</b>", description="About it", thumb=thumb)
    assert create(bluesky, ana, record=record(embed=embed)).status_code == 200
    page = bluesky.http.get(bluesky.url, timeout=10).text
    assert 'href="https://example.com/a"' in page
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert "About it" in page
    assert f"/i/blob/{thumb['ref']['$link']}" in page
    odd = create(bluesky, ana, rkey=RKEY[:-1] + "3", record=record(embed=card(uri="javascript:x")))
    assert odd.status_code == 200
    assert 'href="javascript' not in bluesky.http.get(bluesky.url, timeout=10).text


def test_a_cards_picture_must_be_there(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """One that was never stored is refused like any other."""
    refused = create(bluesky, ana, record=record(embed=card(thumb=IMAGE["image"])))
    assert answered(refused) == (400, "BlobNotFound")


# Keys


def test_a_key_that_is_taken_is_a_500(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """As on the real one, even for the very same record; somebody else's key is free."""
    assert create(bluesky, ana).status_code == 200
    assert answered(create(bluesky, ana)) == (500, "InternalServerError")
    assert create(bluesky, bluesky.credentials("ben")).status_code == 200
    assert bluesky.state()["accepted_count"] == 2
    assert bluesky.state()["duplicates"] == []


def test_reading_is_exact(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """At once, without a token, and gone as soon as it was deleted."""
    where = {"repo": ana["did"], "collection": POST, "rkey": RKEY}
    assert answered(bluesky.call("GET", GET, params=where)) == (400, "RecordNotFound")
    created = create(bluesky, ana).json()
    shown = bluesky.call("GET", GET, params=where).json()
    assert (shown["uri"], shown["cid"]) == (created["uri"], created["cid"])
    assert shown["value"] == record()
    where.pop("rkey")
    listed = bluesky.call("GET", "com.atproto.repo.listRecords", params=where).json()
    assert listed == {"records": [shown], "cursor": RKEY}
    gone = {"repo": ana["did"], "collection": POST, "rkey": RKEY}
    delete = bluesky.call("POST", "com.atproto.repo.deleteRecord", ana["access_jwt"], json=gone)
    assert delete.status_code == 200
    assert answered(bluesky.call("GET", GET, params=gone)) == (400, "RecordNotFound")
    assert [tweet["deleted"] for tweet in bluesky.state()["tweets"]] == [True]


# Pictures


def upload(bluesky: BlueskySandbox, who: dict[str, Any], content: bytes = PNG) -> dict[str, Any]:
    """Store a picture; return what an embed needs."""
    name, mime = "com.atproto.repo.uploadBlob", {"Content-Type": "image/png"}
    answer = bluesky.call("POST", name, who["access_jwt"], data=content, headers=mime)
    image = {"alt": "A wall", "image": answer.json()["blob"]}
    return {"$type": "app.bsky.embed.images", "images": [image]}


def test_pictures_of_ones_own_only(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """Another account's, a dropped one, and one that is called what it is not."""
    embed = upload(bluesky, bluesky.credentials("ben"))
    assert answered(create(bluesky, ana, record=record(embed=embed))) == (400, "BlobNotFound")
    embed = upload(bluesky, ana)
    bluesky.settings(clock_offset=3_601)
    assert answered(create(bluesky, ana, record=record(embed=embed))) == (400, "BlobNotFound")
    assert upload(bluesky, ana) == embed
    wrong = {**embed["images"][0]["image"], "mimeType": "image/jpeg"}
    misnamed = {**embed, "images": [{"alt": "", "image": wrong}]}
    answer = create(bluesky, ana, record=record(embed=misnamed))
    assert answered(answer) == (400, "InvalidMimeType")
    assert create(bluesky, ana, record=record(embed=embed)).status_code == 200
    (tweet,) = bluesky.state()["tweets"]
    (picture,) = tweet["pictures"]
    shown = bluesky.http.get(f"{bluesky.url}/i/blob/{picture['id']}", timeout=10)
    assert (picture["alt"], shown.content) == ("A wall", PNG)
