"""Every fault of the sandbox's Facebook, and its dialog, as a caller sees them."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from sandbox.facebook import APP_ID, APP_SECRET, SCOPES, proof_of
from tests.support.facebook import CALLBACK, FacebookSandbox, visit


def feed(facebook: FacebookSandbox, handle: str = "ana", **more: Any) -> requests.Response:
    """Publish a text."""
    token = facebook.mint(handle)
    value = token["access_token"]
    return requests.post(
        f"{facebook.graph}/{token['page_id']}/feed",
        params={"appsecret_proof": proof_of(value)},
        json={"message": "hello"},
        headers={"Authorization": f"Bearer {value}"},
        allow_redirects=False,
        **{"timeout": 10, **more},
    )


def error(answer: requests.Response) -> Any:
    """Return what a refusal says."""
    return answer.json()["error"]


@pytest.mark.parametrize(("kind", "taken"), [("status", 0), ("accept_then_status", 1)])
def test_code_2(facebook: FacebookSandbox, kind: str, taken: int) -> None:
    """HTTP 500, code 2, called transient: the same whether it was published or not."""
    facebook.fault(kind)
    answer = feed(facebook)
    assert (answer.status_code, error(answer)["code"]) == (500, 2)
    assert error(answer)["is_transient"] is True
    assert facebook.state()["accepted_count"] == taken


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize(("kind", "taken"), [("drop", 0), ("accept_then_drop", 1)])
def test_dropped_lines(facebook: FacebookSandbox, kind: str, taken: int, how: str) -> None:
    """No byte comes back."""
    facebook.fault(kind, how=how)
    with pytest.raises(requests.ConnectionError):
        feed(facebook)
    assert facebook.state()["accepted_count"] == taken


def test_hanging(facebook: FacebookSandbox) -> None:
    """It is published at once and the answer comes later than the caller waits."""
    facebook.fault("accept_then_hang", seconds=1)
    with pytest.raises(requests.ReadTimeout):
        feed(facebook, timeout=0.3)
    assert facebook.state()["accepted_count"] == 1


def test_slowness(facebook: FacebookSandbox) -> None:
    """It answers late and then normally."""
    facebook.fault("slow", seconds=0.3)
    started = time.monotonic()
    assert feed(facebook).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_unreadable_answers(facebook: FacebookSandbox) -> None:
    """A 200 that is a page, and one that breaks off; both were published."""
    facebook.settings(duplicate_window=0)
    facebook.fault("garbage")
    answer = feed(facebook)
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")
    facebook.fault("truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        feed(facebook)
    assert facebook.state()["accepted_count"] == 2


def test_refusals(facebook: FacebookSandbox) -> None:
    """A refused content, a body of one's own, a block by policy, a redirect: nothing is taken."""
    facebook.fault("refuse")
    assert error(feed(facebook))["code"] == 100
    own = {"error": {"message": "x", "code": 1, "error_subcode": 1346003}}
    facebook.fault("refuse", body=own)
    assert feed(facebook).json() == own
    facebook.fault("credits")
    assert error(feed(facebook))["code"] == 368
    facebook.fault("redirect")
    answer = feed(facebook)
    assert (answer.status_code, answer.headers["Location"].startswith(facebook.url)) == (302, True)
    assert facebook.state()["accepted_count"] == 0


@pytest.mark.parametrize(
    ("group", "code", "header"),
    [
        ("short", 32, "X-Business-Use-Case-Usage"),
        ("user-day", 17, "X-Business-Use-Case-Usage"),
        ("app-day", 4, "X-App-Usage"),
        ("retry-after", 613, "X-Business-Use-Case-Usage"),
        ("none", 32, None),
    ],
)
def test_throttling(facebook: FacebookSandbox, group: str, code: int, header: str | None) -> None:
    """The code tells who is throttled, a header at 100 percent for how long, or none does."""
    facebook.fault("rate_limit", group=group, reset_in=90)
    answer = feed(facebook)
    assert (answer.status_code, error(answer)["code"]) == (400, code)
    usages = {name for name in answer.headers if name.endswith("-Usage")}
    full = {name for name in usages if '"call_count": 100' in answer.headers[name]}
    assert full == ({header} if header else set())
    if header == "X-Business-Use-Case-Usage":
        ((usage,),) = json.loads(answer.headers[header]).values()
        assert usage["estimated_time_to_regain_access"] == 2
    assert facebook.state()["accepted_count"] == 0


def test_real_limits(facebook: FacebookSandbox) -> None:
    """Pages have an allowance each, the app one for all."""
    facebook.settings(limits={"create": 1}, duplicate_window=0)
    answers = [feed(facebook), feed(facebook), feed(facebook, "ben")]
    assert [answer.status_code for answer in answers] == [200, 400, 200]
    assert error(answers[1])["code"] == 32
    facebook.settings(app_limit=2)
    assert error(feed(facebook, "chidi"))["code"] == 4


def test_faults_for_one_page(facebook: FacebookSandbox) -> None:
    """The others are spared."""
    facebook.fault("status", handle="ana.shop")
    assert feed(facebook, "ana").status_code == 200
    assert feed(facebook, "ana.shop").status_code == 500


# The dialog and the exchanges


def dialog(facebook: FacebookSandbox, **changes: str) -> str:
    """Return the dialog's address."""
    query = {
        "client_id": APP_ID,
        "redirect_uri": CALLBACK,
        "state": "s1",
        "response_type": "code",
        "scope": ",".join(SCOPES),
    }
    return f"{facebook.graph}/dialog/oauth?{urlencode(query | changes)}"


def exchange(facebook: FacebookSandbox, **form: str) -> requests.Response:
    """Ask for a token as the app."""
    app = {"client_id": APP_ID, "client_secret": APP_SECRET, "redirect_uri": CALLBACK}
    return requests.post(f"{facebook.graph}/oauth/access_token", data=app | form, timeout=10)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "7"},
        {"redirect_uri": "https://evil.example/login/facebook/callback"},
        {"redirect_uri": CALLBACK + "/more"},
        {"response_type": "token"},
        {"state": ""},
        {"scope": "pages_show_list,everything"},
        {"scope": " ".join(SCOPES)},
        {"prompt": "none"},
    ],
)
def test_the_dialog_is_strict(facebook: FacebookSandbox, changes: dict[str, str]) -> None:
    """A wrong request ends on a page that says so; nobody is sent anywhere."""
    answer = requests.get(dialog(facebook, **changes), timeout=10)
    assert (answer.status_code, "sign-in request is not right" in answer.text) == (400, True)


def test_the_dialog_shows_its_boxes(facebook: FacebookSandbox) -> None:
    """A person sees who, which Pages and what for; a bad handle is explained."""
    page = requests.get(dialog(facebook), timeout=10).text
    assert page.count('type="checkbox"') == 6
    answer = requests.post(
        dialog(facebook), data={"handle": "no way!", "decision": "approve"}, timeout=10
    )
    assert (answer.status_code, "1 to 30 letters" in answer.text) == (422, True)


def test_refusing(facebook: FacebookSandbox) -> None:
    """The words of the real network, and the state."""
    back = visit(dialog(facebook), decision="refuse")
    assert (back["error"], back["error_reason"]) == ("access_denied", "user_denied")
    assert back["state"] == "s1"


def test_codes(facebook: FacebookSandbox) -> None:
    """Good once, in time, for the same address, with the app's own secret."""
    code = visit(dialog(facebook), handle="ana")["code"]
    assert error(exchange(facebook, code=code, client_secret="x"))["code"] == 1
    assert error(exchange(facebook, code=code, client_id="7"))["code"] == 101
    assert exchange(facebook, code=code).json()["token_type"] == "bearer"
    assert error(exchange(facebook, code=code))["error_subcode"] == 36009
    code = visit(dialog(facebook), handle="ana")["code"]
    assert error(exchange(facebook, code=code, redirect_uri="x"))["error_subcode"] == 36008
    code = visit(dialog(facebook), handle="ana")["code"]
    facebook.settings(clock_offset=601)
    assert error(exchange(facebook, code=code))["error_subcode"] == 36007
    assert error(exchange(facebook, code="x"))["code"] == 100


def test_long_tokens(facebook: FacebookSandbox) -> None:
    """A short one becomes a long one while it lives, and never after."""
    short = facebook.mint("ana", kind="short")["access_token"]
    form = {"grant_type": "fb_exchange_token", "fb_exchange_token": short}
    assert exchange(facebook, **form).json()["expires_in"] == 60 * 86_400
    facebook.settings(clock_offset=3601)
    assert error(exchange(facebook, **form))["error_subcode"] == 463


def test_pages_for_people(facebook: FacebookSandbox) -> None:
    """The timeline shows what was published, and so do the Page and the post."""
    post_id = feed(facebook).json()["id"]
    page_id, _, number = post_id.partition("_")
    paths = ("", "ana", page_id, post_id, f"{page_id}/posts/{number}")
    for path in paths:
        answer = requests.get(f"{facebook.url}/{path}", timeout=10)
        assert (answer.status_code, "hello" in answer.text) == (200, True)
    assert requests.get(f"{facebook.url}/nobody", timeout=10).status_code in (400, 404)
    assert requests.get(f"{facebook.url}/i/avatar/ana.png", timeout=10).status_code == 200


def test_other_sites_get_nowhere(facebook: FacebookSandbox) -> None:
    """A page of another site cannot decide on the dialog or use the panel."""
    headers = {"Origin": "http://evil.example"}
    answer = requests.post(
        dialog(facebook), data={"decision": "approve"}, headers=headers, timeout=10
    )
    assert answer.status_code == 400
    answer = requests.post(
        f"{facebook.url}/control/api/reset", json={}, headers=headers, timeout=10
    )
    assert answer.status_code == 400
