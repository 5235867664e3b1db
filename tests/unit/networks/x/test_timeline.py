"""Reading from X: the account's timeline, page by page, and whose token it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.networks.base import MAX_PAGES
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.x.network import X
from tests.support.scripted import ScriptedServer, part
from tests.support.waiting import free_port

SINCE = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
TOKEN = {"access_token": "at", "refresh_token": "rt", "expires_at": None}


@pytest.fixture
def x(scripted: ScriptedServer) -> X:
    """X at the scripted server."""
    return x_at(scripted.url)


def x_at(url: str) -> X:
    """Return X at this address."""
    return X(
        {
            "X_CLIENT_ID": "client",
            "X_CLIENT_SECRET": None,
            "X_CONSUMER_KEY": None,
            "X_CONSUMER_SECRET": None,
            "X_API_URL": url,
            "X_AUTHORIZE_URL": f"{url}/authorize",
            "X_SITE_URL": "https://x.com",
            "SEND_TIMEOUT": 15.0,
            "SANDBOX": (),
        }
    )


def post(number: int, text: str = "hello", **more: Any) -> dict[str, Any]:
    """Return a post as X shows it."""
    return {
        "id": str(number),
        "text": text,
        "created_at": f"2026-11-21T12:00:{number:02}.000Z",
        **more,
    }


def query_of(path: str) -> dict[str, str]:
    """Return the query of a request, each name once."""
    return {name: value for name, (value,) in parse_qs(urlsplit(path).query).items()}


def test_all_pages_are_read_oldest_first(scripted: ScriptedServer, x: X) -> None:
    """Newest-first pages become one list; every page asks for the same window."""
    scripted.answers = [
        (200, {"data": [post(9), post(8)], "meta": {"next_token": "two"}}),
        (200, {"data": [post(7)], "meta": {"next_token": "three"}}),
        (200, {"meta": {"result_count": 0}}),
    ]
    found = x.recent(TOKEN, "77", SINCE)
    assert [seen.remote_id for seen in found] == ["7", "8", "9"]
    assert found[0].created_at == datetime(2026, 11, 21, 12, 0, 7, tzinfo=UTC)
    assert found[0].url == "https://x.com/i/web/status/7"
    queries = [query_of(seen.path) for seen in scripted.seen]
    assert [query.get("pagination_token") for query in queries] == [None, "two", "three"]
    assert {query["start_time"] for query in queries} == {"2026-11-21T12:00:00Z"}
    assert {query["max_results"] for query in queries} == {"100"}
    assert all("end_time" not in query and "exclude" not in query for query in queries)
    assert {urlsplit(seen.path).path for seen in scripted.seen} == {"/2/users/77/tweets"}


def test_an_empty_timeline_is_an_answer(scripted: ScriptedServer, x: X) -> None:
    """Without results X leaves ``data`` out."""
    scripted.answers = [(200, {"meta": {"result_count": 0}})]
    assert x.recent(TOKEN, "77", SINCE) == []


def test_a_timeline_without_end_proves_nothing(scripted: ScriptedServer, x: X) -> None:
    """After the last page that we read there is more: absence is not shown."""
    scripted.answers = [(200, {"data": [post(1)], "meta": {"next_token": "on"}})] * 50
    with pytest.raises(LookUpFailed):
        x.recent(TOKEN, "77", SINCE)
    assert len(scripted.seen) == MAX_PAGES


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (401, {"title": "Unauthorized"}, TokenRefused),
        (402, {"title": "CreditsDepleted"}, LookUpRefused),
        (403, {"title": "Forbidden"}, LookUpRefused),
        (404, {"title": "Not Found Error"}, LookUpRefused),
        (302, "", LookUpFailed),
        (429, {"title": "Too Many Requests"}, LookUpFailed),
        (500, "<html>", LookUpFailed),
        (503, {"title": "Service Unavailable"}, LookUpFailed),
        (200, "<html>welcome</html>", LookUpFailed),
        (200, '{"data": [', LookUpFailed),
        (200, [], LookUpFailed),
        (200, {}, LookUpFailed),
        (200, {"errors": [{"message": "not now"}]}, LookUpFailed),
        (200, {"data": {"id": "1"}}, LookUpFailed),
        (200, {"data": ["1"], "meta": {}}, LookUpFailed),
        (200, {"data": [{"text": "no id"}], "meta": {}}, LookUpFailed),
        (200, {"data": [{**post(1), "created_at": "noon"}], "meta": {}}, LookUpFailed),
        (200, {"data": [{**post(1), "created_at": 5}], "meta": {}}, LookUpFailed),
        (200, {"data": [{**post(1), "created_at": "2026-11-21"}, post(2)]}, LookUpFailed),
        (200, {"data": [{**post(1), "entities": []}, {**post(2), "text": 5}]}, LookUpFailed),
        (200, {"data": [post(1)], "meta": ["odd"]}, LookUpFailed),
    ],
)
def test_what_cannot_be_read_proves_nothing(
    scripted: ScriptedServer, x: X, page: int, status: int, body: Any, failure: type[Exception]
) -> None:
    """Whatever page it is and whatever X says: one of three failures, never an absence."""
    first = (200, {"data": [post(9)], "meta": {"next_token": "two"}})
    scripted.answers = [*[first] * (page - 1), (status, body)]
    with pytest.raises(failure):
        x.recent(TOKEN, "77", SINCE)


def test_errors_beside_data_do_not_hide_it(scripted: ScriptedServer, x: X) -> None:
    """A 200 may carry both."""
    partial = {"data": [post(1)], "errors": [{"message": "a quoted post is gone"}]}
    scripted.answers = [(200, partial)]
    assert [seen.remote_id for seen in x.recent(TOKEN, "77", SINCE)] == ["1"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain", {"text": "plain"}),
        ("a < b & c", {"text": "a &lt; b &amp; c"}),
        (
            "see https://example.com/x",
            {
                "text": "see https://t.co/abc",
                "entities": {
                    "urls": [{"url": "https://t.co/abc", "expanded_url": "https://example.com/x"}]
                },
            },
        ),
        ("long " * 60, {"text": "long long …", "note_tweet": {"text": "long " * 60}}),
        ("long " * 60, {"text": "long long …", "note_post": {"text": "long " * 60}}),
    ],
)
def test_a_tweet_is_recognised_as_x_shows_it(
    scripted: ScriptedServer, x: X, written: str, shown: dict[str, Any]
) -> None:
    """Links, entities and long texts come back changed, and are the same tweet."""
    scripted.answers = [(200, {"data": [{**post(1), **shown}], "meta": {}})]
    (seen,) = x.recent(TOKEN, "77", SINCE)
    assert seen.comparable == x.comparable(x.body(part(written)))


def test_nobody_listening_proves_nothing() -> None:
    """A look-up that could not be made is not an absence."""
    with pytest.raises(LookUpFailed):
        x_at(f"http://127.0.0.1:{free_port()}").recent(TOKEN, "77", SINCE)


def test_whose_token_it_is(scripted: ScriptedServer, x: X) -> None:
    """The id is text whatever it came as; the name may be missing."""
    scripted.answers = [(200, {"data": {"id": 77, "username": "ana"}})]
    profile = x.who_am_i(TOKEN)
    assert (profile.remote_id, profile.handle, profile.display_name) == ("77", "ana", "")
    assert scripted.seen[0].path.startswith("/2/users/me?")


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (401, {"title": "Unauthorized"}, TokenRefused),
        (403, {"title": "Forbidden"}, LookUpRefused),
        (429, {}, LookUpFailed),
        (500, "", LookUpFailed),
        (200, "<html>", LookUpFailed),
        (200, {}, LookUpFailed),
        (200, {"meta": {}}, LookUpFailed),
        (200, {"data": []}, LookUpFailed),
        (200, {"data": {"id": "77"}}, LookUpFailed),
        (200, {"data": {"username": "ana"}}, LookUpFailed),
        (200, {"data": None, "errors": [{"message": "odd"}]}, LookUpFailed),
    ],
)
def test_an_unclear_identity_is_none(
    scripted: ScriptedServer, x: X, status: int, body: Any, failure: type[Exception]
) -> None:
    """Nobody is signed in by half an answer."""
    scripted.answers = [(status, body)]
    with pytest.raises(failure):
        x.who_am_i(TOKEN)
