"""Every fault of the sandbox's Bluesky as a caller sees it, its limits, and its memory."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.bluesky import BlueskySandbox

CREATE = "com.atproto.repo.createRecord"
POST = "app.bsky.feed.post"


def create(
    bluesky: BlueskySandbox, who: dict[str, Any], text: str = "hi", **more: Any
) -> requests.Response:
    """Create a post under a key that the server chooses."""
    record = {"$type": POST, "text": text, "createdAt": "2026-11-21T12:00:00Z"}
    body = {"repo": who["did"], "collection": POST, "record": record}
    return bluesky.call("POST", CREATE, who["access_jwt"], json=body, **more)


@pytest.mark.parametrize(
    ("fault", "status", "word", "accepted"),
    [
        ({"kind": "refuse"}, 400, "InvalidRequest", 0),
        ({"kind": "status"}, 503, "NotEnoughResources", 0),
        ({"kind": "status", "status": 500}, 500, "InternalServerError", 0),
        ({"kind": "status", "status": 502}, 502, "UpstreamFailure", 0),
        ({"kind": "status", "status": 400, "body": {"error": "X"}}, 400, "X", 0),
        ({"kind": "credits"}, 401, "AccountTakedown", 0),
        ({"kind": "accept_then_status", "status": 500}, 500, "InternalServerError", 1),
        ({"kind": "accept_then_status", "status": 504}, 504, "UpstreamTimeout", 1),
    ],
)
def test_statuses(
    bluesky: BlueskySandbox,
    ana: dict[str, Any],
    fault: dict[str, Any],
    status: int,
    word: str,
    accepted: int,
) -> None:
    """A status with the protocol's word for it, with or without having accepted."""
    bluesky.fault(**fault)
    answer = create(bluesky, ana)
    assert (answer.status_code, answer.json()["error"]) == (status, word)
    assert bluesky.state()["accepted_count"] == accepted
    assert create(bluesky, ana, "The next one works").status_code == 200


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        ({"kind": "drop"}, 0),
        ({"kind": "accept_then_drop"}, 1),
        ({"kind": "accept_then_drop", "how": "close"}, 1),
        ({"kind": "truncated"}, 1),
    ],
)
def test_broken_lines(
    bluesky: BlueskySandbox, ana: dict[str, Any], fault: dict[str, Any], accepted: int
) -> None:
    """No answer, or half of one."""
    bluesky.fault(**fault)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        create(bluesky, ana)
    assert bluesky.state()["accepted_count"] == accepted


def test_late_answers(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """Accepted at once and answered later, or both later."""
    bluesky.fault("accept_then_hang", seconds=1)
    with pytest.raises(requests.ReadTimeout):
        create(bluesky, ana, timeout=0.3)
    assert bluesky.state()["accepted_count"] == 1
    bluesky.fault("slow", seconds=0.2)
    started = time.monotonic()
    assert create(bluesky, ana).status_code == 200
    assert time.monotonic() - started >= 0.2


def test_odd_answers(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """A page instead of JSON, and a pointer elsewhere."""
    bluesky.fault("garbage")
    answer = create(bluesky, ana)
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")
    bluesky.fault("status", status=502, body_form="html")
    assert create(bluesky, ana).headers["Content-Type"].startswith("text/html")
    bluesky.fault("redirect")
    answer = create(bluesky, ana)
    assert (answer.status_code, answer.headers["Location"].startswith(bluesky.url)) == (302, True)


@pytest.mark.parametrize("handle", ["ben", "Ben.test", "@ben.test"])
def test_faults_for_one_account(bluesky: BlueskySandbox, ana: dict[str, Any], handle: str) -> None:
    """Others are served; a bare name is of .test."""
    bluesky.fault("status", handle=handle)
    assert create(bluesky, ana).status_code == 200
    assert create(bluesky, bluesky.credentials("ben")).status_code == 503


@pytest.mark.parametrize(
    ("operation", "verb", "name"),
    [
        ("timeline", "GET", "com.atproto.repo.getRecord"),
        ("me", "GET", "com.atproto.server.getSession"),
        ("lookup", "GET", "com.atproto.identity.resolveHandle"),
        ("token", "POST", "com.atproto.server.refreshSession"),
        ("code", "POST", "com.atproto.server.createSession"),
        ("upload", "POST", "com.atproto.repo.uploadBlob"),
        ("delete", "POST", "com.atproto.repo.deleteRecord"),
    ],
)
def test_each_operation_can_fail(
    bluesky: BlueskySandbox, ana: dict[str, Any], operation: str, verb: str, name: str
) -> None:
    """Not only the create; each is counted under its own name."""
    bluesky.fault("status", operation, status=503)
    token = ana["refresh_jwt" if operation == "token" else "access_jwt"]
    assert bluesky.call(verb, name, token).status_code == 503
    assert bluesky.state()["calls"] == {operation: 1}


@pytest.mark.parametrize(
    ("group", "policy", "told"),
    [
        ("short", "5000;w=3600", True),
        ("user-day", "35000;w=86400", True),
        ("app-day", "3000;w=300", True),
        ("retry-after", None, True),
        ("none", None, False),
    ],
)
def test_rate_limits_on_demand(
    bluesky: BlueskySandbox, ana: dict[str, Any], group: str, policy: str | None, told: bool
) -> None:
    """Epoch resets with Retry-After, the latter alone, or no word of when."""
    bluesky.fault("rate_limit", group=group, reset_in=40)
    answer = create(bluesky, ana)
    assert (answer.status_code, answer.json()["error"]) == (429, "RateLimitExceeded")
    assert answer.headers.get("RateLimit-Policy") == policy
    assert ("Retry-After" in answer.headers) == told
    if policy:
        assert answer.headers["RateLimit-Remaining"] == "0"
        assert 35 <= int(answer.headers["RateLimit-Reset"]) - time.time() <= 45
    assert bluesky.state()["accepted_count"] == 0


def test_points_are_spent(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """Three for a create; what does not fit spends nothing, and a new hour brings new ones."""
    bluesky.settings(limits={"hour": 8})
    left = [create(bluesky, ana, f"{n}").headers["RateLimit-Remaining"] for n in range(2)]
    refused = create(bluesky, ana)
    assert left == ["5", "2"]
    assert (refused.status_code, refused.headers["RateLimit-Remaining"]) == (429, "2")
    assert 3_590 <= int(refused.headers["Retry-After"]) <= 3_600
    bluesky.settings(clock_offset=3_601)
    assert create(bluesky, ana).status_code == 200


def test_reset_forgets(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """Posts, faults and settings go; sessions stay if told so."""
    create(bluesky, ana)
    bluesky.fault("status")
    bluesky.settings(auth_factor=True)
    after = bluesky.control("reset", keep_tokens=True)
    assert (after["tweets"], after["faults"], after["calls"]) == ([], [], {})
    assert after["settings"]["auth_factor"] is False
    assert create(bluesky, ana).status_code == 200
    bluesky.control("reset")
    assert create(bluesky, ana).json()["error"] == "InvalidToken"


@pytest.mark.parametrize(
    "wrong", [{"limits": {"minute": 1}}, {"auth_factor": 1}, {"blob_seconds": -1}, {"read_lag": 5}]
)
def test_wrong_settings(bluesky: BlueskySandbox, wrong: dict[str, Any]) -> None:
    """Refused with a sentence."""
    answer = bluesky.http.post(f"{bluesky.url}/control/api/settings", json=wrong, timeout=10)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    """Accounts, sessions and posts; a key that was taken stays taken."""
    data = str(tmp_path / "bluesky.sqlite3")
    with closing(BlueskySandbox(data)) as first:
        dora = first.credentials("dora.example.com")
        create(first, dora, "Kept")
        before = first.state()["tweets"]
    with closing(BlueskySandbox(data)) as second:
        assert second.state()["tweets"] == before
        name = "com.atproto.server.refreshSession"
        assert second.call("POST", name, dora["refresh_jwt"]).ok
        assert create(second, dora, "More").status_code == 200
        rkey = before[0]["id"].rpartition("/")[2]
        record = {"$type": POST, "text": "Again", "createdAt": "2026-11-21T12:00:00Z"}
        body = {"repo": dora["did"], "collection": POST, "rkey": rkey, "record": record}
        assert second.call("POST", CREATE, dora["access_jwt"], json=body).status_code == 500


def test_pages_and_strangers(bluesky: BlueskySandbox, ana: dict[str, Any]) -> None:
    """People can read what was posted; other hosts' names get nothing."""
    create(bluesky, ana, "Read <me>")
    for path in ("/", "/ana.test", "/ana", "/profile/ana.test"):
        assert "Read &lt;me&gt;" in bluesky.http.get(bluesky.url + path, timeout=10).text
    missing = bluesky.http.get(
        f"{bluesky.url}/zoe.test", timeout=10, headers={"Accept": "text/html"}
    )
    assert (missing.status_code, "There is nobody" in missing.text) == (404, True)
    stranger = bluesky.http.get(bluesky.url, headers={"Host": "evil.example"}, timeout=10)
    assert stranger.status_code == 404
