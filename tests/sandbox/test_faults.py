"""Every fault, once, as a caller sees it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from requests_oauthlib import OAuth1

from tests.support.waiting import wait_for


def create_in_vain(sandbox, token, error=requests.ConnectionError):
    """A create that must end without an answer."""
    with pytest.raises(error):
        sandbox.create(token, "Lost answer")


def accepted(sandbox):
    """How many Tweets were really accepted."""
    return sandbox.state()["accepted_count"]


def test_slow(sandbox, ana):
    """Slow answers late and then normally."""
    sandbox.fault(kind="slow", seconds=0.3)
    started = time.monotonic()
    assert sandbox.create(ana, "Slow").status_code == 201
    assert time.monotonic() - started >= 0.3


def test_slow_for_ever(sandbox, ana):
    """A delay that stays delays each call once, and lets the fault behind it through."""
    sandbox.fault(kind="slow", seconds=0.05, count=None)
    sandbox.fault(kind="status", status=503)
    assert [sandbox.create(ana, f"n{n}").status_code for n in range(3)] == [503, 201, 201]


def test_slow_across_a_reset(sandbox, ana):
    """What was waiting when everything was forgotten is not accepted afterwards."""
    sandbox.fault(kind="slow", seconds=1)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(sandbox.create, ana, "From before")
        wait_for(lambda: not sandbox.state()["faults"], what="the call")
        sandbox.control("reset", keep_tokens=True)
    assert (waiting.result().status_code, accepted(sandbox)) == (503, 0)


@pytest.mark.parametrize(("status", "expected"), [(None, 403), (400, 400)])
def test_refuse(sandbox, ana, status, expected):
    """Refuse says no to the content and accepts nothing."""
    sandbox.fault(kind="refuse", status=status)
    answer = sandbox.create(ana, "Refused")
    assert (answer.status_code, "detail" in answer.json(), accepted(sandbox)) == (expected, True, 0)
    assert sandbox.create(ana, "Refused").status_code == 201


def test_refuse_with_body(sandbox, ana):
    """A body of one's own is sent as it is."""
    sandbox.fault(kind="refuse", body={"errors": [{"code": 187}]})
    assert sandbox.create(ana, "Refused").json() == {"errors": [{"code": 187}]}


@pytest.mark.parametrize("status", [500, 502, 503, 401, 402, 429])
def test_status(sandbox, ana, status):
    """Any status can be answered without accepting."""
    sandbox.fault(kind="status", status=status)
    answer = sandbox.create(ana, "Failed")
    assert (answer.status_code, answer.json()["status"], accepted(sandbox)) == (status, status, 0)


def test_gateway_page(sandbox, ana):
    """A status can come with the HTML page of a gateway."""
    sandbox.fault(kind="status", status=502, body_form="html")
    assert sandbox.create(ana, "Gateway").headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("status", [500, 503])
def test_accept_then_status(sandbox, ana, status):
    """The Tweet is accepted and the answer says it failed."""
    sandbox.fault(kind="accept_then_status", status=status)
    assert sandbox.create(ana, "Taken").status_code == status
    assert [tweet["text"] for tweet in sandbox.timeline(ana)["data"]] == ["Taken"]


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize(("kind", "taken"), [("accept_then_drop", 1), ("drop", 0)])
def test_dropped_line(sandbox, ana, kind, taken, how):
    """The line is dropped without a byte, with or without having accepted."""
    sandbox.fault(kind=kind, how=how)
    create_in_vain(sandbox, ana)
    assert accepted(sandbox) == taken
    assert sandbox.create(ana, "The next one works").status_code == 201


def test_accept_then_hang(sandbox, ana):
    """The Tweet is accepted at once and the answer comes later than the caller waits."""
    sandbox.fault(kind="accept_then_hang", seconds=1)
    with pytest.raises(requests.ReadTimeout):
        sandbox.call("POST", "/2/tweets", ana, json={"text": "Hang"}, timeout=0.3)
    assert accepted(sandbox) == 1


def test_garbage(sandbox, ana):
    """The Tweet is accepted and the 201 cannot be read."""
    sandbox.fault(kind="garbage")
    answer = sandbox.create(ana, "Garbage")
    assert answer.status_code == 201
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert accepted(sandbox) == 1


def test_truncated(sandbox, ana):
    """The Tweet is accepted and the 201 breaks off before its announced end."""
    sandbox.fault(kind="truncated")
    create_in_vain(sandbox, ana, requests.exceptions.ChunkedEncodingError)
    assert accepted(sandbox) == 1


def test_redirect(sandbox, ana):
    """A redirect leads to this machine and nothing is accepted."""
    sandbox.fault(kind="redirect")
    answer = sandbox.create(ana, "Elsewhere")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(sandbox.url)
    assert accepted(sandbox) == 0


@pytest.mark.parametrize(
    ("group", "empty"),
    [
        ("short", {"x-rate-limit-remaining"}),
        ("user-day", {"x-user-limit-24hour-remaining"}),
        ("app-day", {"x-app-limit-24hour-remaining"}),
        ("retry-after", set()),
        ("none", set()),
    ],
)
def test_rate_limit(sandbox, ana, group, empty):
    """A 429 tells of the empty bucket in its group's headers, or does not tell."""
    sandbox.fault(kind="rate_limit", group=group, reset_in=40)
    answer = sandbox.create(ana, "Limited")
    remaining = {name.lower() for name in answer.headers if name.lower().endswith("-remaining")}
    assert answer.status_code == 429
    assert {name for name in remaining if answer.headers[name] == "0"} == empty
    for name in empty:
        reset = int(answer.headers[name.replace("remaining", "reset")])
        assert 35 <= reset - time.time() <= 45
    assert ("Retry-After" in answer.headers) == (group == "retry-after")
    assert bool(remaining) == (group not in ("retry-after", "none"))
    assert accepted(sandbox) == 0


@pytest.mark.parametrize(
    ("form", "title"), [("old", "CreditsDepleted"), ("new", "Payment Required")]
)
def test_credits(sandbox, ana, form, title):
    """Both bodies of "out of credits"."""
    sandbox.fault(kind="credits", body_form=form)
    answer = sandbox.create(ana, "Poor")
    assert (answer.status_code, answer.json()["title"]) == (402, title)


def test_timeline_unreadable(sandbox, ana):
    """Reading can fail while posting works."""
    sandbox.fault(operation="timeline", kind="status", status=503, count=None)
    assert sandbox.create(ana, "Unseen").status_code == 201
    for _ in range(2):
        assert sandbox.call("GET", f"/2/users/{ana['id']}/tweets", ana).status_code == 503


def test_me_fails(sandbox, ana):
    """Asking who one is can fail by itself."""
    sandbox.fault(operation="me", kind="status", status=500)
    assert sandbox.call("GET", "/2/users/me", ana).status_code == 500
    assert sandbox.call("GET", "/2/users/me", ana).status_code == 200


def test_refresh_answer_lost(sandbox, ana):
    """The refresh token is spent and the answer with its successor is lost."""
    sandbox.fault(operation="token", kind="accept_then_drop")
    with pytest.raises(requests.ConnectionError):
        sandbox.refresh(ana)
    assert sandbox.refresh(ana).status_code == 400


def test_refresh_answer_late(sandbox, ana):
    """The refresh token is spent and the answer comes later than the caller waits."""
    sandbox.fault(operation="token", kind="accept_then_hang", seconds=1)
    with pytest.raises(requests.ReadTimeout):
        sandbox.refresh(ana, timeout=0.3)
    assert sandbox.refresh(ana).status_code == 400


def test_refresh_fails_without_spending(sandbox, ana):
    """A refresh that failed before it was carried out may be tried again."""
    sandbox.fault(operation="token", kind="status", status=503, handle="ana")
    assert sandbox.refresh(ana).status_code == 503
    assert sandbox.refresh(ana).status_code == 200


def test_revoke_by_handle(sandbox, ana):
    """All tokens of a handle can be revoked; or only its access tokens, so that a refresh helps."""
    keys = ("consumer_key", "consumer_secret", "oauth_token", "oauth_token_secret")
    signed = sandbox.mint("ana", kind="oauth1")
    signature, url = OAuth1(*(signed[key] for key in keys)), f"{sandbox.url}/2/users/me"
    sandbox.control("revoke", handle="ana", what="access")
    assert requests.get(url, auth=signature, timeout=10).status_code == 200
    assert sandbox.call("GET", "/2/users/me", ana).status_code == 401
    new = sandbox.refresh(ana).json()
    sandbox.control("revoke", handle="@ana")
    auth = {"auth": {"Authorization": f"Bearer {new['access_token']}"}}
    assert sandbox.call("GET", "/2/users/me", auth).status_code == 401
    assert sandbox.refresh(new).status_code == 400
    assert requests.get(url, auth=signature, timeout=10).status_code == 401


def test_for_one_handle(sandbox, ana):
    """A fault for one handle leaves the others alone."""
    sandbox.fault(kind="status", status=503, handle="Ben", count=None)
    assert sandbox.create(ana, "Fine").status_code == 201
    assert sandbox.create(sandbox.mint("ben"), "Not fine").status_code == 503


def test_count_and_time(sandbox, ana):
    """A fault happens as often, or as long, as it was set for."""
    sandbox.fault(kind="status", status=503, count=2)
    assert [sandbox.create(ana, f"n{n}").status_code for n in range(3)] == [503, 503, 201]
    sandbox.fault(kind="status", status=503, for_seconds=60)
    assert [sandbox.create(ana, f"m{n}").status_code for n in range(3)] == [503] * 3
    sandbox.control("settings", clock_offset=61)
    assert sandbox.create(ana, "m").status_code == 201
    assert sandbox.state()["faults"] == []


def test_skip(sandbox, ana):
    """A fault lets as many calls through as was said, and then happens."""
    sandbox.fault(kind="status", status=503, skip=2, count=1)
    assert [sandbox.create(ana, f"n{n}").status_code for n in range(4)] == [201, 201, 503, 201]


def test_probability(sandbox, ana):
    """A fault of probability 0 never happens and stays set."""
    sandbox.fault(kind="status", status=503, probability=0)
    assert sandbox.create(ana, "Lucky").status_code == 201
    assert len(sandbox.state()["faults"]) == 1


def test_waits_for_an_accepted_tweet(sandbox, ana):
    """A fault after accepting is not used up by a create that was refused."""
    sandbox.fault(kind="accept_then_status", status=500)
    assert sandbox.create(ana, "").status_code == 400
    assert sandbox.create(ana, "Now").status_code == 500


def test_remove(sandbox, ana):
    """Faults can be taken away, one or all."""
    first = sandbox.fault(kind="drop", count=None)
    sandbox.fault(kind="refuse", count=None)
    url = f"{sandbox.url}/control/api/faults"
    left = sandbox.http.delete(f"{url}/{first['id']}", timeout=10).json()["faults"]
    assert [fault["kind"] for fault in left] == ["refuse"]
    assert sandbox.http.delete(url, timeout=10).json() == {"faults": []}
    assert sandbox.create(ana, "All clear").status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": "unheard-of"},
        {"kind": "drop", "operation": "sleep"},
        {"kind": "drop", "skip": -1},
        {"kind": "drop", "count": 0},
        {"kind": "status", "status": 200},
        {"kind": "drop", "surprise": 1},
        {"kind": "rate_limit", "group": "weekly"},
    ],
)
def test_wrong_fault(sandbox, wrong):
    """A fault that makes no sense is refused with a sentence."""
    answer = sandbox.http.post(f"{sandbox.url}/control/api/faults", json=wrong, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sandbox.state()["faults"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"read_lag": 301}, {"limits": {"nothing": 1}}, {"surprise": 1}, {"duplicate_window": "day"}],
)
def test_wrong_setting(sandbox, wrong):
    """A setting that makes no sense is refused and changes nothing."""
    before = sandbox.state()["settings"]
    answer = sandbox.http.post(f"{sandbox.url}/control/api/settings", json=wrong, timeout=10)
    assert answer.status_code == 400
    assert sandbox.state()["settings"] == before
