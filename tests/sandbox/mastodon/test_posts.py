"""What the sandbox's Mastodon publishes, refuses, shows and remembers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.mastodon import MastodonSandbox, png

GIF = b"GIF89a and so on"


def words(answer: requests.Response, status: int) -> str:
    """Return the words of a refusal, which has Mastodon's shape."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    return str(answer.json()["error"])


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "Text can't be blank"),
        ({"status": "  "}, 422, "Text can't be blank"),
        ({"status": 5}, 422, "status"),
        ({"status": "x" * 501}, 422, "character limit of 500"),
        ({"status": "x" * 490, "spoiler_text": "y" * 11}, 422, "character limit of 500"),
        ({"status": "x", "visibility": "secret"}, 422, "Visibility"),
        ({"status": "x", "in_reply_to_id": "404"}, 404, "Record not found"),
        ({"status": "x", "media_ids": ["404"]}, 422, "404 not found or already attached"),
        ({"status": "x", "media_ids": "5"}, 422, "media_ids"),
        ({"status": "x", "poll": {"options": ["a", "b"]}}, 422, "poll"),
    ],
)
def test_what_is_refused(
    server: MastodonSandbox, ana: dict[str, Any], body: Any, status: int, said: str
) -> None:
    """In Mastodon's words, and nothing is published."""
    assert said in words(server.call("POST", "/api/v1/statuses", ana, json=body), status)
    assert server.texts() == []


def test_forms_and_json_are_the_same(server: MastodonSandbox, ana: dict[str, Any]) -> None:
    """Both carry a text and pictures; broken JSON is neither."""
    media = [server.upload(ana).json()["id"] for _ in range(2)]
    form = {"status": "form", "media_ids[]": media[:1]}
    assert server.call("POST", "/api/v1/statuses", ana, data=form).status_code == 200
    assert server.create(ana, "json", media_ids=media[1:]).status_code == 200
    assert [len(tweet["pictures"]) for tweet in server.state()["tweets"]] == [1, 1]
    kind = {"Content-Type": "application/json"}
    words(server.call("POST", "/api/v1/statuses", ana, data="{", headers=kind), 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/nothing"), ("GET", "/api/v3/media"), ("PUT", "/api/v1/statuses")],
)
def test_unknown_addresses(
    server: MastodonSandbox, ana: dict[str, Any], method: str, path: str
) -> None:
    """Mastodon's own shape, not a page."""
    words(server.call(method, path, ana), 404 if method == "GET" else 405)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody", "Basic YTpi", "bearer x"])
def test_strangers(server: MastodonSandbox, header: str) -> None:
    """A token has to be there, and to be one."""
    answer = server.call("POST", "/api/v1/statuses", headers={"Authorization": header})
    assert words(answer, 401) == "The access token is invalid"


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("read", {"me", "list", "one"}),
        ("read:accounts", {"me"}),
        ("read:statuses", {"list", "one"}),
        ("write", {"create", "upload"}),
        ("write:statuses", {"create"}),
        ("write:media", {"upload"}),
        ("follow", set()),
    ],
)
def test_scopes(
    server: MastodonSandbox, ana: dict[str, Any], scope: str, allowed: set[str]
) -> None:
    """Each call needs its own; a wide one includes the narrow."""
    post = server.create(ana, "hello").json()["id"]
    token = server.mint("ana", scope=scope)
    answers = {
        "me": server.call("GET", "/api/v1/accounts/verify_credentials", token),
        "list": server.call("GET", f"/api/v1/accounts/{ana['id']}/statuses", token),
        "one": server.call("GET", f"/api/v1/statuses/{post}", token),
        "create": server.create(token, "again"),
        "upload": server.upload(token),
    }
    assert {name for name, answer in answers.items() if answer.ok} == allowed
    for answer in answers.values():
        if not answer.ok:
            assert words(answer, 403) == "This action is outside the authorized scopes"


def test_keys(server: MastodonSandbox, ana: dict[str, Any]) -> None:
    """The same key is the same post, whatever the text; another person's is another."""
    first = server.create(ana, "one", "k").json()
    assert server.create(ana, "two", "k").json() == first
    assert server.create(ana, "", "k").json()["id"] == first["id"]
    assert server.create(server.mint("ben"), "three", "k").json()["id"] != first["id"]
    assert server.create(ana, "four").status_code == 200
    assert server.texts() == ["one", "three", "four"]
    server.settings(clock_offset=3599)
    assert server.create(ana, "five", "k").json()["id"] == first["id"]
    server.settings(clock_offset=3600)
    assert server.create(ana, "six", "k").json()["id"] != first["id"]
    server.settings(idempotency=False)
    assert server.create(ana, "seven", "k").json()["content"] == "<p>seven</p>"


def test_a_refused_post_does_not_use_up_its_key(
    server: MastodonSandbox, ana: dict[str, Any]
) -> None:
    """Only an accepted one is remembered, and a deleted one is not found."""
    words(server.create(ana, "", "k"), 422)
    made = server.create(ana, "one", "k").json()
    deleted = server.call("DELETE", f"/api/v1/statuses/{made['id']}", ana)
    assert deleted.json()["text"] == "one"
    words(server.create(ana, "one", "k"), 404)
    words(server.call("GET", f"/api/v1/statuses/{made['id']}", ana), 404)
    assert server.state()["tweets"][0]["deleted"] is True


def test_what_an_author_sees(server: MastodonSandbox, ana: dict[str, Any]) -> None:
    """HTML, the source, and from which app it came; others see less."""
    made = server.create(ana, "a & b\n\nhttps://example.com/" + "x" * 40).json()
    assert made["content"].startswith("<p>a &amp; b</p><p><a href=")
    assert 'class="invisible">https://' in made["content"]
    assert made["application"] == {"name": "Tweet Later", "website": None}
    path = f"/api/v1/statuses/{made['id']}"
    assert server.call("GET", f"{path}/source", ana).json()["text"].startswith("a & b\n\nhttps")
    ben = server.mint("ben")
    assert "application" not in server.call("GET", path, ben).json()
    words(server.call("GET", f"{path}/source", ben), 404)
    page = requests.get(made["url"], timeout=10)
    assert (page.status_code, "a &amp; b" in page.text) == (200, True)


def test_lists_come_in_pages(server: MastodonSandbox, ana: dict[str, Any]) -> None:
    """Newest first, at most 40, and only the Link header tells how it goes on."""
    ids = [server.create(ana, str(number)).json()["id"] for number in range(45)]
    path = f"/api/v1/accounts/{ana['id']}/statuses"
    first = server.call("GET", path, ana, params={"limit": 100})
    assert [one["id"] for one in first.json()] == ids[:4:-1]
    second = server.call("GET", first.links["next"]["url"].removeprefix(server.url), ana)
    assert [one["id"] for one in second.json()] == ids[4::-1]
    assert "next" not in second.links
    newer = server.call("GET", path, ana, params={"min_id": ids[40], "limit": 2})
    assert [one["id"] for one in newer.json()] == [ids[42], ids[41]]
    assert server.call("GET", path, ana, params={"since_id": ids[44]}).json() == []


def test_lag(server: MastodonSandbox, ana: dict[str, Any]) -> None:
    """A post shows after a while."""
    path = f"/api/v1/accounts/{ana['id']}/statuses"
    server.settings(read_lag=300)
    server.create(ana, "hello")
    assert server.call("GET", path, ana).json() == []
    server.settings(clock_offset=301)
    assert len(server.call("GET", path, ana).json()) == 1


def test_pictures_are_attached_once_and_by_their_owner(
    server: MastodonSandbox, ana: dict[str, Any]
) -> None:
    """Not twice, not another's, not five, not after a day; then they are asked for in vain."""
    media = [server.upload(ana).json()["id"] for _ in range(6)]
    words(server.create(server.mint("ben"), "x", media_ids=media[:1]), 422)
    words(server.create(ana, "x", media_ids=media[:1] * 2), 422)
    assert "more than 4" in words(server.create(ana, "x", media_ids=media[:5]), 422)
    assert server.call("GET", f"/api/v1/media/{media[0]}", ana).status_code == 200
    assert server.create(ana, "x", media_ids=media[:4]).status_code == 200
    words(server.call("GET", f"/api/v1/media/{media[0]}", ana), 404)
    words(server.create(ana, "y", media_ids=media[:1]), 422)
    server.settings(clock_offset=86_401)
    words(server.create(ana, "z", media_ids=media[4:5]), 422)


def test_what_moves_goes_alone(server: MastodonSandbox, ana: dict[str, Any]) -> None:
    """A GIF becomes a film there, and a film stands beside nothing else, not even another."""
    photo, moving, other = (server.upload(ana, data).json() for data in (png(), GIF, GIF))
    assert (photo["type"], moving["type"]) == ("image", "gifv")
    for beside in (photo, other):
        answer = server.create(ana, "x", media_ids=[beside["id"], moving["id"]])
        assert "Cannot attach a video" in words(answer, 422)
    assert server.create(ana, "x", media_ids=[moving["id"]]).status_code == 200


def test_pictures_take_their_time(server: MastodonSandbox, ana: dict[str, Any]) -> None:
    """202, 206, and a refusal of a post that comes too early."""
    server.settings(media_seconds=60)
    answer = server.upload(ana)
    assert (answer.status_code, answer.json()["url"]) == (202, None)
    media = answer.json()["id"]
    assert server.call("GET", f"/api/v1/media/{media}", ana).status_code == 206
    assert "finished processing" in words(server.create(ana, "x", media_ids=[media]), 422)
    server.settings(clock_offset=61)
    assert server.call("GET", f"/api/v1/media/{media}", ana).status_code == 200
    assert server.create(ana, "x", media_ids=[media]).status_code == 200


@pytest.mark.parametrize(
    ("data", "form"),
    [(b"<svg/>", {}), (png() + b"\0" * 2000, {}), (png(), {"description": "x" * 1501})],
)
def test_bad_pictures(server: MastodonSandbox, ana: dict[str, Any], data: bytes, form: Any) -> None:
    """Type, size and description are looked at."""
    server.settings(picture_bytes=2000)
    words(server.upload(ana, data, **form), 422)


@pytest.mark.parametrize("operation", ["create", "calls", "upload"])
def test_allowances(server: MastodonSandbox, ana: dict[str, Any], operation: str) -> None:
    """Counted for each account; the headers tell of the tightest, in ISO 8601, no Retry-After."""
    server.settings(limits={operation: 2})
    send = server.upload if operation == "upload" else (lambda who: server.create(who, "x"))
    left = [send(ana).headers["X-RateLimit-Remaining"] for _ in range(2)]
    refused = send(ana)
    assert left == ["1", "0"]
    assert words(refused, 429) == "Too many requests"
    assert "Retry-After" not in refused.headers
    assert refused.headers["X-RateLimit-Reset"].endswith("Z")
    assert send(server.mint("ben")).status_code == 200


def test_another_language(server: MastodonSandbox, ana: dict[str, Any]) -> None:
    """Words change, statuses do not."""
    server.settings(language="de")
    assert "Überprüfung" in words(server.create(ana, ""), 422)


def test_everything_is_kept(tmp_path: Path) -> None:
    """People, tokens, apps and posts outlive the server; a reset empties it."""
    data = str(tmp_path / "mastodon.sqlite3")
    first = MastodonSandbox(data)
    ana = first.mint("ana")
    made = first.create(ana, "hello", "k").json()
    first.close()
    second = MastodonSandbox(data)
    try:
        assert second.call("GET", f"/api/v1/statuses/{made['id']}", ana).status_code == 200
        assert json.dumps(second.state()["apps"]) == '["Tweet Later"]'
        second.control("reset", keep_tokens=True)
        assert second.create(ana, "again").status_code == 200
        second.control("reset")
        words(second.create(ana, "again"), 401)
    finally:
        second.close()


def test_pages_for_people(server: MastodonSandbox, ana: dict[str, Any]) -> None:
    """The timeline, the profile, and nobody's page."""
    server.create(ana, "hello <b>")
    for path in ("/", "/@ana", "/@ANA"):
        page = server.call("GET", path)
        assert (page.status_code, "hello &lt;b&gt;" in page.text) == (200, True)
    html = {"Accept": "text/html"}
    assert server.call("GET", "/@nobody", headers=html).status_code == 404
    assert server.call("GET", "/i/avatar/ana.png").headers["Content-Type"].startswith("image/png")


def test_who_sees_a_post(server: MastodonSandbox) -> None:
    """Its author sees every post of hers; others see what is open. The front page says which."""
    server.settings(privacy="unlisted")
    ana, ben = server.mint("ana"), server.mint("ben")
    for visibility in ("", "public", "unlisted", "private", "direct"):
        more = {"visibility": visibility} if visibility else {}
        posted = server.create(ana, f"For {visibility or 'nobody said'}", **more).json()
        assert posted["visibility"] == (visibility or "unlisted")
    path = f"/api/v1/accounts/{ana['id']}/statuses"
    hers = server.call("GET", path, ana).json()
    assert [post["visibility"] for post in hers] == [
        *("direct", "private", "unlisted", "public", "unlisted")
    ]
    his = server.call("GET", path, ben).json()
    assert [post["visibility"] for post in his] == ["unlisted", "public", "unlisted"]
    for post in hers:
        may = post["visibility"] in ("public", "unlisted")
        one = server.call("GET", f"/api/v1/statuses/{post['id']}", ben)
        assert one.status_code == (200 if may else 404)
    assert server.call("GET", "/").text.count(">private<") == 1
