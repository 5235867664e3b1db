"""Reading from Facebook: a Page's published posts, and which Page a token belongs to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.networks.base import MAX_PAGES, Profile
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.facebook.network import Facebook
from tests.support.scripted import ScriptedServer
from tests.support.waiting import free_port

SINCE = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
CREDENTIALS = {"access_token": "at", "page_id": "77"}


@pytest.fixture
def facebook(scripted: ScriptedServer) -> Facebook:
    """Facebook at the scripted server."""
    return facebook_at(scripted.url)


def facebook_at(url: str) -> Facebook:
    """Return Facebook at this address."""
    return Facebook(
        {
            "FACEBOOK_CLIENT_ID": "id",
            "FACEBOOK_CLIENT_SECRET": "secret",
            "FACEBOOK_GRAPH_URL": f"{url}/v25.0",
            "FACEBOOK_DIALOG_URL": f"{url}/dialog",
            "SEND_TIMEOUT": 15.0,
            "SANDBOX": (),
        }
    )


def post(second: int, message: Any = "hello", **more: Any) -> dict[str, Any]:
    """Return a post as Facebook shows it."""
    return {
        "id": f"77_{second}",
        "message": message,
        "created_time": f"2026-11-21T12:00:{second:02}+0000",
        "permalink_url": f"https://www.facebook.com/77/posts/{second}",
        "is_published": True,
        **more,
    }


def onward(cursor: str) -> dict[str, Any]:
    """Return what leads to the next page."""
    return {"cursors": {"before": "b", "after": cursor}, "next": "http://evil.example/"}


def test_all_pages_are_read_oldest_first(scripted: ScriptedServer, facebook: Facebook) -> None:
    """Pages that come newest first become one list; cursors are followed, not hosts."""
    scripted.answers = [
        (200, {"data": [post(9), post(8)], "paging": onward("two")}),
        (200, {"data": [post(0), {**post(7), "created_time": "2026-11-21T11:59:59+0000"}]}),
    ]
    found = facebook.recent(CREDENTIALS, "77", SINCE, [])
    assert [seen.remote_id for seen in found] == ["77_0", "77_8", "77_9"]
    assert found[1].url == "https://www.facebook.com/77/posts/8"
    assert found[1].created_at == datetime(2026, 11, 21, 12, 0, 8, tzinfo=UTC)
    assert {urlsplit(seen.path).path for seen in scripted.seen} == {"/v25.0/77/published_posts"}
    queries = [parse_qs(urlsplit(seen.path).query) for seen in scripted.seen]
    assert [query.get("after") for query in queries] == [None, ["two"]]
    assert [query["limit"] for query in queries] == [["100"], ["100"]]
    assert all("since" not in query for query in queries)


def test_reading_stops_where_it_is_old_enough(scripted: ScriptedServer, facebook: Facebook) -> None:
    """A Page with a long history is not read to its beginning."""
    old = {**post(1), "created_time": "2026-11-20T12:00:00+0000"}
    scripted.answers = [(200, {"data": [old], "paging": onward("c")})] * 9
    assert facebook.recent(CREDENTIALS, "77", SINCE, []) == []
    assert len(scripted.seen) == 1


def test_a_list_without_end_proves_nothing(scripted: ScriptedServer, facebook: Facebook) -> None:
    """After the last page that we read there is more."""
    scripted.answers = [(200, {"data": [post(1)], "paging": onward("c")})] * 50
    with pytest.raises(LookUpFailed):
        facebook.recent(CREDENTIALS, "77", SINCE, [])
    assert len(scripted.seen) == MAX_PAGES


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("hello", "hello"),
        ("one\r\ntwo", "one\ntwo"),
        (" around \n", "around"),
        ("Zoe\u0308", "Zoë"),
        ("see https://example.com/a?b=c&d", "see https://example.com/a?b=c&d"),
    ],
)
def test_the_same_text(scripted: ScriptedServer, facebook: Facebook, sent: str, shown: str) -> None:
    """Composed letters, line ends and white space around it do not count."""
    scripted.answers = [(200, {"data": [post(1, shown)]})]
    (seen,) = facebook.recent(CREDENTIALS, "77", SINCE, [])
    assert seen.comparable == facebook.comparable({"message": sent})


def test_other_texts(scripted: ScriptedServer, facebook: Facebook) -> None:
    """Letters, case and pictures count; what is not published is not seen."""
    unpublished = post(5, "draft", is_published=False)
    scripted.answers = [(200, {"data": [post(1, "Hello"), post(2, None), unpublished]})]
    found = {seen.comparable for seen in facebook.recent(CREDENTIALS, "77", SINCE, [])}
    assert len(found) == 2
    assert facebook.comparable({"message": "hello"}) not in found
    assert facebook.comparable({"message": "draft"}) not in found
    assert facebook.comparable({"attached_media": [{"media_fbid": "5"}]}) not in found


@pytest.mark.parametrize(
    "attachments",
    [
        {"data": [{"subattachments": {"data": [{"target": {"id": i}} for i in ("8", "9")]}}]},
        {"data": [{"target": {"id": 9}}, {"target": {"id": 8}}]},
    ],
)
def test_pictures_without_a_text(
    scripted: ScriptedServer, facebook: Facebook, attachments: Any
) -> None:
    """They are told by their ids, in an album or not."""
    shown = post(1, attachments=attachments)
    del shown["message"]
    scripted.answers = [(200, {"data": [shown]})]
    (seen,) = facebook.recent(CREDENTIALS, "77", SINCE, [])
    sent = {"attached_media": [{"media_fbid": "9"}, {"media_fbid": "8"}]}
    assert seen.comparable == facebook.comparable(sent)


def error(code: Any, subcode: Any = None) -> dict[str, Any]:
    """Return Facebook's error object."""
    return {"error": {"message": "no", "code": code, "error_subcode": subcode}}


UNREADABLE: list[tuple[int, Any, type[Exception]]] = [
    (400, error(190, 463), TokenRefused),
    (401, error(102), TokenRefused),
    (400, error(10), LookUpRefused),
    (403, error(200), LookUpRefused),
    (400, error(100, 33), LookUpRefused),
    (400, error(100), LookUpFailed),
    (400, error(4), LookUpFailed),
    (400, error("190"), LookUpFailed),
    (500, error(190), LookUpFailed),
    (500, error(2), LookUpFailed),
    (503, "<html>", LookUpFailed),
    (302, "", LookUpFailed),
    (429, "", LookUpFailed),
    (200, error(190), TokenRefused),  # the code decides, not the status
    (200, error(2), LookUpFailed),
    (200, "<html>", LookUpFailed),
    (200, '{"data": [', LookUpFailed),
    (200, [], LookUpFailed),
    (200, {}, LookUpFailed),
]


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        *UNREADABLE,
        (200, {"data": {"id": "1"}}, LookUpFailed),
        (200, {"data": ["1"]}, LookUpFailed),
        (200, {"data": [{"message": "no id"}]}, LookUpFailed),
        (200, {"data": [{**post(1), "created_time": "noon"}]}, LookUpFailed),
        (200, {"data": [{**post(1), "created_time": 5}]}, LookUpFailed),
        (200, {"data": [{**post(1), "created_time": "2026-11-21T12:00:00"}]}, LookUpFailed),
        (200, {"data": [{**post(1), "message": 5}]}, LookUpFailed),
        (200, {"data": [{**post(1), "message": "", "attachments": []}, 1]}, LookUpFailed),
        (200, {"data": [post(1)], "paging": ["odd"]}, LookUpFailed),
        (200, {"data": [post(1)], "paging": {"next": "on"}}, LookUpFailed),
    ],
)
def test_what_cannot_be_read_proves_nothing(
    scripted: ScriptedServer,
    facebook: Facebook,
    page: int,
    status: int,
    body: Any,
    failure: type[Exception],
) -> None:
    """Whatever page it is and whatever Facebook says: one of three failures."""
    first = [(200, {"data": [post(9)], "paging": onward("c")})] * (page - 1)
    scripted.answers = [*first, (status, body)]
    with pytest.raises(failure):
        facebook.recent(CREDENTIALS, "77", SINCE, [])


@pytest.mark.parametrize(("status", "body", "failure"), UNREADABLE)
def test_whose_token_it_is_not(
    scripted: ScriptedServer,
    facebook: Facebook,
    status: int,
    body: Any,
    failure: type[Exception],
) -> None:
    """The same three failures."""
    scripted.answers = [(status, body)]
    with pytest.raises(failure):
        facebook.who_am_i(CREDENTIALS)


def test_whose_token_it_is(scripted: ScriptedServer, facebook: Facebook) -> None:
    """The Page's name, or its number where it has none."""
    picture = {"data": {"url": "https://cdn.example/77.jpg"}}
    scripted.answers = [
        (200, {"id": "77", "name": "Zoë's", "username": "zoe", "picture": picture}),
        (200, {"id": 77}),
    ]
    full = Profile("77", "zoe", "Zoë's", "https://cdn.example/77.jpg")
    assert facebook.who_am_i(CREDENTIALS) == full
    assert facebook.who_am_i(CREDENTIALS) == Profile("77", "77")


def test_nobody_listens() -> None:
    """No answer is no answer, and the reason tells no proof."""
    with pytest.raises(LookUpFailed) as failed:
        facebook_at(f"http://127.0.0.1:{free_port()}").who_am_i(CREDENTIALS)
    assert "proof" not in str(failed.value)
