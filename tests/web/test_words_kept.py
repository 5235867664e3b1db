"""What was written is given back: after the session ended, and by every form that is refused."""

from __future__ import annotations

import html
import re
import uuid

import pytest
import requests

from tests.conftest import MakeWorld
from tests.support.visitor import Visitor

WORDS = 'Five <b>paragraphs</b> & a "quotation"\n</textarea>'


def send(visitor: Visitor, path: str, token: str = "", **fields: str) -> requests.Response:
    """Send a form with this token as it is, and follow no redirect."""
    return visitor.http.post(
        f"{visitor.site}{path}",
        data={"csrf_token": token, **fields},
        headers={"Accept": "text/html"},
        timeout=20,
        allow_redirects=False,
    )


def end_session(visitor: Visitor) -> Visitor:
    """End the visitor's session from another browser; return that one."""
    other = Visitor(visitor.site)
    other.sign_in("ana")
    assert other.post("/settings/sessions/end").status_code == 200
    return other


def shown(answer: requests.Response, name: str = "text") -> str:
    """Return what stands in the text box of this name."""
    pattern = rf'<textarea[^>]*name="{name}"[^>]*>\n(.*?)</textarea>'
    found = re.search(pattern, answer.text, re.DOTALL)
    assert found, answer.text
    return html.unescape(found[1])


@pytest.mark.parametrize("how", ["lost", "ended", "signed out"])
def test_a_form_of_somebody_who_is_signed_out(ana: Visitor, how: str) -> None:
    """However the session ended: 401, the words, no store; then they wait in the composer."""
    token, words = ana.token(), f"{WORDS} {uuid.uuid4().hex}"
    if how == "lost":
        ana.http.cookies.clear()
    elif how == "ended":
        end_session(ana)
    else:
        assert send(ana, "/logout", token).status_code == 303
    answer = send(ana, "/tweets", token, text=words, when="in two hours", mode="later")
    assert answer.status_code == 401
    assert answer.headers["Cache-Control"] == "no-store"
    assert shown(answer) == words
    assert 'name="when" value="in two hours"' in answer.text
    assert "<b>paragraphs" not in answer.text
    ana.sign_in("ana")
    again = send(ana, "/tweets", token, text=shown(answer), when="in two hours", mode="later")
    assert again.status_code == 400
    assert shown(again) == words
    assert 'value="in two hours"' in again.text
    assert words[-32:] not in ana.get("/").text
    fresh = re.search(
        r'name="csrf_token" value="([^"]+)"', again.text[again.text.index("composer") :]
    )
    assert fresh
    stored = send(ana, "/tweets", fresh[1], text=shown(again), when="in two hours")
    assert stored.status_code == 303


def test_programs_are_told_that_they_are_signed_out(ana: Visitor) -> None:
    """401 whatever the token; with a session it is still the token that is judged."""
    headers = {"Accept": "application/json", "X-CSRFToken": ana.token()}
    url = f"{ana.site}/tweets"
    ana.http.cookies.clear()
    answer = ana.http.post(url, json={"text": "x"}, headers=headers, timeout=20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "http_401")
    ana.sign_in("ana")
    answer = ana.http.post(url, json={"text": "x"}, headers=headers, timeout=20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "csrf")


def test_the_edit_page(ana: Visitor) -> None:
    """The same on Edit; what is saved is what is sent again from the page that gives it back."""
    tweet_id = ana.post("/tweets", text="Before", when="in two hours").json()["tweet"]["id"]
    path, token = f"/tweets/{tweet_id}/edit", ana.token()
    ana.http.cookies.clear()
    answer = send(ana, path, token, text=WORDS, when="in three hours")
    assert (answer.status_code, shown(answer)) == (401, WORDS)
    ana.sign_in("ana")
    again = send(ana, path, token, text=WORDS, when="in three hours")
    assert (again.status_code, shown(again)) == (400, WORDS)
    assert 'value="in three hours"' in again.text
    ben = Visitor(ana.site)
    ben.sign_in("ben")
    foreign = send(ben, path, token, text=WORDS)
    assert foreign.status_code == 404
    assert "paragraphs" not in foreign.text


def test_another_site_gets_no_words_into_our_pages(ana: Visitor) -> None:
    """Neither signed out nor signed in."""
    foreign = {"Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for status in (400, 401):
        answer = ana.http.post(
            f"{ana.site}/tweets", data={"text": "Forged"}, headers=foreign, timeout=20
        )
        assert answer.status_code == status
        assert "Forged" not in answer.text
        ana.http.cookies.clear()


def test_settings_and_connecting(ana: Visitor) -> None:
    """Their forms give back what was typed, too; never a password."""
    answer = send(ana, "/settings", "old", timezone="Europe/Madrid", late_tolerance_hours="7.25")
    assert answer.status_code == 400
    assert 'value="7.25"' in answer.text
    answer = send(ana, "/login/bluesky", "old", identifier="ana.test", password="secret-words")
    assert answer.status_code == 400
    assert 'value="ana.test"' in answer.text
    assert "secret-words" not in answer.text
    long = send(ana, "/login/mastodon", ana.token(), server="y" * 600)
    assert long.status_code == 422
    assert "yyyy" in long.text


def test_signing_out_twice(ana: Visitor) -> None:
    """A page of a session that has ended signs out without a complaint."""
    token = ana.token()
    end_session(ana)
    ana.http.cookies.clear()
    assert send(ana, "/logout", token).status_code == 303


def test_too_late_to_change(ana: Visitor) -> None:
    """A page that says that it is being sent has the words, and can send them again."""
    tweet = ana.post("/tweets", text="Quick", when="in one hour").json()["tweet"]
    assert ana.post(f"/tweets/{tweet['id']}/cancel").status_code == 200
    answer = send(ana, f"/tweets/{tweet['id']}/edit", ana.token(), text=WORDS, now="1")
    assert (answer.status_code, shown(answer)) == (409, WORDS)
    assert 'name="now"' not in answer.text


def test_too_fast(make_world: MakeWorld, sqlite_url: str) -> None:
    """A limit gives the words back, with a token that is good for sending them again."""
    world = make_world(sqlite_url, RATE_LIMIT_WRITES="2 per minute")
    ana = Visitor(world.start_web())
    ana.sign_in("ana")
    for _number in range(2):
        assert send(ana, "/settings", ana.token(), timezone="UTC").status_code == 303
    answer = send(ana, "/tweets", ana.token(), text=WORDS, when="in one hour", check="1")
    assert (answer.status_code, shown(answer)) == (429, WORDS)
    assert 'name="check" value="1"' in answer.text
