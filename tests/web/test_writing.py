"""Writing a tweet: stored at once, sent by a worker, followed by polling."""

from __future__ import annotations

import re
import threading
import uuid

import pytest
import requests

from tests.support.visitor import Visitor
from tests.support.world import World


def test_now_is_accepted_at_once_and_becomes_done(ana: Visitor, running: World) -> None:
    """202 with a job id and a status URL; then pending becomes done with a link that works."""
    answer = ana.post("/tweets", text="Hello from a test", when="")
    assert answer.status_code == 202
    made = answer.json()
    assert made["tweet"]["text"] == "Hello from a test"
    assert made["status_url"] == f"/status/{made['job_id']}"
    assert made["jobs"] == [
        {
            "job_id": made["job_id"],
            "status_url": made["status_url"],
            "network": "x",
            "handle": "ana",
            "due_at": made["tweet"]["due_at"],
        }
    ]
    status = ana.until_final(made["job_id"])
    assert status["status"] == "done"
    assert status["state"] == "published"
    assert status["error"] is None
    assert status["attempts"] == 1
    assert status["lateness_ms"] >= 0
    assert status["poll_after_ms"] is None
    assert "Hello from a test" in requests.get(status["url"], timeout=10).text
    assert running.sandbox.texts()["Hello from a test"] == 1


def test_celery_agrees_in_the_end(ana: Visitor) -> None:
    """AsyncResult's word stands beside the row's."""
    made = ana.post("/tweets", text="For Celery").json()
    ana.until_final(made["job_id"])
    assert ana.status(made["job_id"])["celery_state"] in {"SUCCESS", "PENDING"}


def test_in_one_hour_waits(ana: Visitor, running: World) -> None:
    """A tweet for later is scheduled, polled seldom, and not sent."""
    made = ana.post("/tweets", text="Later, please", when="in one hour").json()
    status = ana.status(made["job_id"])
    assert (status["status"], status["state"]) == ("pending", "scheduled")
    assert status["poll_after_ms"] > 60_000
    assert status["celery_state"] == "PENDING"
    assert "Later, please" not in running.sandbox.texts()


def test_spanish_words_are_understood(ana: Visitor) -> None:
    """mañana a las 9 is a time."""
    answer = ana.post("/tweets", text="Hasta mañana", when="mañana a las 9")
    assert answer.status_code == 202


def test_a_double_click_makes_one_tweet(ana: Visitor) -> None:
    """The same submit id, sent side by side, is one tweet and one answer."""
    submit_id = str(uuid.uuid4())
    answers: list[requests.Response] = []

    def click() -> None:
        answers.append(ana.post("/tweets", text="Only once", when="", submit_id=submit_id))

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job_id"] for answer in answers}) == 1


def test_idempotency_key_is_the_header_form_of_the_submit_id(ana: Visitor) -> None:
    """The same key with another text is refused; with the same text it is the same answer."""
    headers = {
        "X-CSRFToken": ana.token(),
        "Accept": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
    }
    url = f"{ana.site}/tweets"
    first = ana.http.post(url, json={"text": "One", "when": "in 2 hours"}, headers=headers)
    again = ana.http.post(url, json={"text": "One", "when": "in 2 hours"}, headers=headers)
    other = ana.http.post(url, json={"text": "Two", "when": "in 2 hours"}, headers=headers)
    assert first.json() == again.json()
    assert other.status_code == 422
    assert other.json()["error"]["code"] == "submit_id_reused"


def test_without_javascript(ana: Visitor) -> None:
    """A plain form post stores the tweet and leads back to the list."""
    page = ana.submit("/tweets", text="Plain old form", when="in 3 hours")
    assert page.status_code == 200
    assert page.history[0].status_code == 303
    assert "Plain old form" in page.text


def test_more_fields_without_javascript(ana: Visitor) -> None:
    """The start page is asked for them, keeps what was typed, and stores nothing."""
    assert "picture-files" not in ana.get("/").text
    page = ana.submit("/tweets", text="Not yet a thread", when="in one hour", more="1").text
    assert "Not yet a thread" not in "".join(re.findall(r"<article.*?</article>", page, re.DOTALL))
    assert "Not yet a thread" in page
    assert 'value="in one hour"' in page
    for name in ("picture-files", "new-alt", "picture-files-3", "part"):
        assert f'name="{name}"' in page


def test_the_time_can_be_checked_before_sending(ana: Visitor) -> None:
    """The echo says how a time is understood; nothing is stored."""
    echo = ana.get("/when", params={"when": "in one hour", "timezone": "Europe/Berlin"})
    assert echo.status_code == 200
    assert re.search(r"\d\d:\d\d \(.+\), in 1 hour", echo.json()["echo"])
    nonsense = ana.get("/when", params={"when": "banana"})
    assert nonsense.status_code == 422
    page = ana.submit("/tweets", text="Not yet", when="in one hour", check="1")
    assert "in 1 hour" in page.text
    assert "Not yet" in page.text
    assert not any(
        "Not yet" in card for card in re.findall(r"<article.*?</article>", page.text, re.DOTALL)
    )


@pytest.mark.parametrize(
    ("text", "when", "field"),
    [
        ("", "", "text"),
        (" \n\u200b ", "", "text"),
        ("x" * 281, "", "text"),
        ("bell \x07", "", "text"),
        ("fine", "yesterday at 5", "when"),
        ("fine", "banana", "when"),
        ("fine", "2001-01-01T00:00:00Z", "when"),
    ],
)
def test_bad_input_is_explained_and_not_stored(
    ana: Visitor, text: str, when: str, field: str
) -> None:
    """422 with the field and a sentence, as JSON and as a page; the list is as before."""
    before = ana.get("/").text.count("<article")
    answer = ana.post("/tweets", text=text, when=when)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert len(answer.json()["error"]["message"]) > 10
    page = ana.submit("/tweets", text=text, when=when)
    assert page.status_code == 422
    assert ana.get("/").text.count("<article") == before


def test_a_time_that_does_not_exist(ana: Visitor) -> None:
    """02:30 on the night the clocks go forward is refused by name."""
    ana.submit("/settings", timezone="Europe/Berlin", locale="en", late_tolerance_hours="6")
    answer = ana.post("/tweets", text="In the gap", when="2027-03-28T02:30")
    assert answer.status_code == 422
    message = answer.json()["error"]["message"]
    assert "02:30" in message
    assert "Europe/Berlin" in message
    ana.submit("/settings", timezone="UTC", locale="en", late_tolerance_hours="6")


@pytest.mark.parametrize("accounts", [[999_999], ["nonsense"]])
def test_unknown_account(ana: Visitor, accounts: list[object]) -> None:
    """An account that is not one's own is refused and named as the field."""
    answer = ana.post("/tweets", text="To nobody", accounts=accounts)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "accounts"


def test_missing_csrf_token(ana: Visitor) -> None:
    """Without the token nothing is stored."""
    headers = {"Accept": "application/json"}
    answer = ana.http.post(f"{ana.site}/tweets", json={"text": "Forged"}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "csrf"
    assert "Forged" not in ana.get("/").text


@pytest.mark.parametrize("as_json", [True, False])
def test_ten_megabytes(ana: Visitor, as_json: bool) -> None:
    """A huge body is refused as too large, not as a mystery."""
    huge = {"text": "x" * 10_000_000}
    answer = ana.post("/tweets", **huge) if as_json else ana.submit("/tweets", **huge)
    assert answer.status_code == 413


@pytest.mark.parametrize("body", ["{", "[]", '"text"', '{"text": 5}', "null"])
def test_json_of_another_shape(ana: Visitor, body: str) -> None:
    """Broken JSON gets a sentence, never a traceback."""
    headers = {
        "X-CSRFToken": ana.token(),
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    answer = ana.http.post(f"{ana.site}/tweets", data=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.json()["error"]["message"]


def test_signed_out(visitor: Visitor) -> None:
    """Programs get 401, people are led to the sign-in."""
    answer = visitor.post("/tweets", text="Who am I")
    assert answer.status_code == 401
    assert visitor.get("/settings", allow_redirects=False).status_code == 302
    json = {"Accept": "application/json"}
    assert visitor.get("/status/anything", headers=json).status_code == 401
