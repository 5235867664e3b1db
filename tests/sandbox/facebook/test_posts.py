"""What the sandbox's Facebook publishes, refuses, shows and remembers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.facebook import PNG, FacebookSandbox, call, codes, feed, upload


@pytest.mark.parametrize(
    "content",
    [
        {"data": {}},
        {"json": {"message": ""}},
        {"json": {"message": "x", "colour": "red"}},
        {"json": {"message": 5}},
        {"json": {"message": "x" * 63_207}},
        {"json": {"message": "👍" * 31_604}},
        {"json": {"message": "x", "attached_media": "5"}},
        {"json": {"message": "x", "attached_media": [{"media_fbid": "404"}]}},
        {"json": {"message": "x", "published": False}},
        {"json": ["x"]},
        {"json": {"message": "x"}, "params": {"fields": "id,colour"}},
        {"json": {"message": "x"}, "params": {"fields": "id,{"}},
        {"data": "message=x", "type": "text/plain"},
    ],
)
def test_what_is_refused(facebook: FacebookSandbox, ana: dict[str, Any], content: Any) -> None:
    """100, and nothing is published."""
    headers = {"Authorization": f"Bearer {ana['access_token']}"}
    if kind := content.pop("type", None):
        headers["Content-Type"] = kind
    answer = call(facebook, "POST", f"{ana['page_id']}/feed", ana, headers=headers, **content)
    assert codes(answer)[:2] == (400, 100)
    assert facebook.texts() == []


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "nothing/here", 2500), ("GET", "me/likes", 2500), ("PUT", "me", 100)],
)
def test_unknown_addresses(
    facebook: FacebookSandbox, ana: dict[str, Any], method: str, path: str, code: int
) -> None:
    """Facebook's own shape, not a page."""
    assert codes(call(facebook, method, path, ana))[:2] == (400, code)


def test_forms_and_json_are_the_same(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """Both carry a text and pictures; the answer has what was asked for."""
    first, second = (upload(facebook, ana, published="false")["id"] for _ in range(2))
    form = {"message": "form", "attached_media[0]": json.dumps({"media_fbid": first})}
    params = {"fields": "id,permalink_url,created_time"}
    path = f"{ana['page_id']}/feed"
    answer = call(facebook, "POST", path, ana, data=form, params=params).json()
    assert set(answer) == {"id", "permalink_url", "created_time"}
    assert answer["id"].startswith(f"{ana['page_id']}_")
    assert feed(facebook, ana, "json", attached_media=[{"media_fbid": second}])[0] == 200
    assert [len(tweet["pictures"]) for tweet in facebook.state()["tweets"]] == [1, 1]


def test_equal_texts_in_a_row(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """506, on the same Page, one after the other, within the window, if at all."""
    ben = facebook.mint("ben")
    assert [feed(facebook, ana)[0], feed(facebook, ben)[0]] == [200, 200]
    status, answer = feed(facebook, ana)
    assert (status, answer["error"]["code"]) == (400, 506)
    assert [feed(facebook, ana, "other")[0], feed(facebook, ana)[0]] == [200, 200]
    facebook.settings(duplicate_window=0)
    assert feed(facebook, ana)[0] == 200
    (twice,) = facebook.state()["duplicates"]
    assert (twice["handle"], twice["text"], twice["count"]) == ("ana", "hello", 3)


def test_a_photo_is_a_post_unless_told_otherwise(
    facebook: FacebookSandbox, ana: dict[str, Any]
) -> None:
    """The trap of the real network: ``published`` is true when it is not said."""
    assert set(upload(facebook, ana, published="false")) == {"id"}
    assert facebook.state()["accepted_count"] == 0
    assert set(upload(facebook, ana, caption="oops")) == {"id", "post_id"}
    assert facebook.texts() == ["oops"]


def test_photos_are_attached_once_and_by_their_owner(
    facebook: FacebookSandbox, ana: dict[str, Any]
) -> None:
    """Not twice, not another Page's, not after a day."""
    photo = [{"media_fbid": upload(facebook, ana, published="false")["id"]}]
    late = [{"media_fbid": upload(facebook, ana, published="false")["id"]}]
    assert feed(facebook, facebook.mint("ben"), attached_media=photo)[0] == 400
    assert feed(facebook, ana, "x", attached_media=photo * 2)[0] == 400
    assert feed(facebook, ana, "x", attached_media=photo)[0] == 200
    assert feed(facebook, ana, "y", attached_media=photo)[1]["error"]["error_subcode"] == 1366051
    facebook.settings(clock_offset=86_401)
    assert feed(facebook, ana, "z", attached_media=late)[0] == 400


@pytest.mark.parametrize("data", [b"<svg/>", b"RIFF....WEBP", PNG + b"\0" * 4_000_000])
def test_bad_photos(facebook: FacebookSandbox, ana: dict[str, Any], data: bytes) -> None:
    """Type and size are looked at."""
    answer = upload(facebook, ana, data, published="false")
    assert answer["error"]["error_subcode"] == 1366046


def test_lag(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """A post shows after a while, or never."""

    def shown() -> int:
        answer = call(facebook, "GET", f"{ana['page_id']}/published_posts", ana)
        return len(answer.json()["data"])

    assert feed(facebook, ana)[0] == 200
    facebook.settings(read_lag=300)
    assert shown() == 0
    facebook.settings(clock_offset=301)
    assert shown() == 1
    facebook.settings(read_lag=None)
    assert shown() == 0


def test_lists_come_in_pages(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """At most 100 a page; ``next`` is there while there is more."""
    path = f"{ana['page_id']}/published_posts"
    for number in range(3):
        feed(facebook, ana, str(number))
    first = call(facebook, "GET", path, ana, params={"limit": "2"}).json()
    after = first["paging"]["cursors"]["after"]
    assert [post["message"] for post in first["data"]] == ["2", "1"]
    assert "access_token=" in first["paging"]["next"]
    last = call(facebook, "GET", path, ana, params={"limit": "2", "after": after}).json()
    assert [post["message"] for post in last["data"]] == ["0"]
    assert "next" not in last["paging"]
    for params in ({"limit": "101"}, {"after": "x"}, {"since": "1"}):
        assert codes(call(facebook, "GET", path, ana, params=params))[:2] == (400, 100)


def test_it_remembers(tmp_path: Path) -> None:
    """Posts, people and tokens survive a restart; what was attached stays attached."""
    data = str(tmp_path / "facebook.sqlite3")
    before = FacebookSandbox(data)
    dora = before.mint("dora")
    photo = [{"media_fbid": upload(before, dora, published="false")["id"]}]
    assert feed(before, dora, attached_media=photo)[0] == 200
    before.close()
    after = FacebookSandbox(data)
    try:
        assert after.texts() == ["hello"]
        assert feed(after, dora, "again")[0] == 200
        assert feed(after, dora, "x", attached_media=photo)[0] == 400
    finally:
        after.close()
