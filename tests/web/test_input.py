"""What a call does not know or cannot read is refused by name, and never means now."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest
import requests

from app.db import db
from app.models import Tweet
from tests.support import photos
from tests.support.visitor import Visitor
from tests.support.world import World


def scheduled(visitor: Visitor, **changes: Any) -> tuple[int, str]:
    """Write a tweet for later; return its id and its job."""
    body = {"text": f"Later {uuid.uuid4()}", "when": "in 5 hours", **changes}
    made = visitor.post("/tweets", **body).json()
    return made["tweet"]["id"], made["job_id"]


def refused(answer: requests.Response) -> tuple[int, str, str | None]:
    """Return what matters of a refusal."""
    error = answer.json()["error"]
    assert len(error["message"]) > 10
    return answer.status_code, error["code"], error["field"]


def is_waiting(visitor: Visitor, job: str) -> bool:
    """True while nothing was sent, and nothing will be soon."""
    status = visitor.status(job)
    return status["state"] == "scheduled" and status["poll_after_ms"] > 60_000


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"whem": "in 2 hours"}, "unknown_name", "whem"),
    ({"at": "in 2 hours"}, "unknown_name", "at"),
    ({"Text": "a"}, "unknown_name", "Text"),
    ({"job_id": "x"}, "unknown_name", "job_id"),
    ({"accounts": [23.9]}, "wrong_type", "accounts"),
    ({"accounts": [True]}, "wrong_type", "accounts"),
    ({"accounts": ["1"]}, "wrong_type", "accounts"),
    ({"accounts": 1}, "wrong_type", "accounts"),
    ({"accounts": [-1]}, "unknown_account", "accounts"),
    ({"accounts": [2**31]}, "unknown_account", "accounts"),
    ({"text": 5}, "wrong_type", "text"),
    ({"when": 5}, "wrong_type", "when"),
    ({"when": "x" * 201}, "too_long", "when"),
    ({"mode": "later"}, "empty_time", "when"),
    ({"mode": "now", "when": "in 2 hours"}, "now_or_later", "when"),
    ({"mode": "soon"}, "wrong_type", "mode"),
    ({"check": "yes"}, "wrong_type", "check"),
    ({"timezone": "Europe/Berln"}, "unknown_zone", "timezone"),
    ({"submit_id": 5}, "wrong_type", "submit_id"),
    ({"submit_id": "k" * 201}, "too_long", "submit_id"),
    ({"variants": {"99999": "Not mine"}}, "not_chosen", "variant-99999"),
    ({"variants": {"99999": None}}, "not_chosen", "variant-99999"),
    ({"variants": {"01": "a"}}, "unknown_account", "variant-01"),
    ({"variants": {"9" * 5000: "a"}}, "unknown_account", f"variant-{'9' * 52}"),
    ({"variants": {"1": {"txet": "a"}}}, "unknown_name", "variants.1.txet"),
    ({"parts": [{"text": "a"}, {"text": 1}]}, "wrong_type", "part-1"),
    ({"parts": [{"text": "a"}, {"pictures": ["x"]}]}, "unknown_picture", "pictures-1"),
    ({"parts": [{"text": "Other words"}]}, "text_and_parts", "text"),
    ({"parts": [{"text": "a"}] * 26}, "too_many_parts", "text"),
    ({"pictures": [str(uuid.UUID(int=n)) for n in range(5)]}, "too_many_pictures", "pictures"),
]


def test_what_a_new_tweet_does_not_take(ana: Visitor) -> None:
    """Each is a 422 that names the field, and nothing goes out."""
    words = f"Not like this {uuid.uuid4()}"
    for wrong, code, field in WRONG:
        assert refused(ana.post("/tweets", **{"text": words, **wrong})) == (422, code, field)
    assert words not in ana.get("/").text


def test_nothing_said_about_the_time_is_now(ana: Visitor) -> None:
    """As the contract has it: left out, null, empty, and said."""
    for said in ({}, {"when": None}, {"when": ""}, {"when": "now"}, {"when": "¡Ahora!"}):
        made = ana.post("/tweets", text=f"At once {uuid.uuid4()}", **said)
        assert made.status_code == 202
        assert ana.until_final(made.json()["job_id"])["status"] == "done"


def test_checking_stores_nothing(ana: Visitor) -> None:
    """A program may ask how a time is understood without publishing."""
    words = f"Only asking {uuid.uuid4()}"
    answer = ana.post("/tweets", text=words, when="in 2 hours", check=True)
    assert answer.status_code == 200
    assert answer.json()["due_at"]
    assert words not in ana.get("/").text


def test_rescheduling_needs_a_time(ana: Visitor) -> None:
    """Whatever is missing or unknown moves nothing, and publishes nothing."""
    tweet, job = scheduled(ana)
    bodies: list[dict[str, Any]] = [{}, {"when": ""}, {"when": " "}, {"when": None}, {"when": 5}]
    for body in [*bodies, {"at": "in 5 days"}]:
        status, _code, field = refused(ana.post(f"/tweets/{tweet}/reschedule", **body))
        assert (status, field) == (422, "at" if "at" in body else "when")
    assert ana.submit(f"/tweets/{tweet}/reschedule").status_code == 422
    assert is_waiting(ana, job)


def test_post_now_without_scripts(ana: Visitor) -> None:
    """The button on the card says now."""
    tweet, job = scheduled(ana)
    card = ana.get(f"/tweets/{tweet}/card").text
    assert f'formaction="/tweets/{tweet}/reschedule" name="when" value="now"' in card
    assert ana.submit(f"/tweets/{tweet}/reschedule", when="now").status_code == 200
    assert ana.until_final(job)["status"] == "done"


def test_a_change_of_nothing(ana: Visitor) -> None:
    """Nothing to change is an error, a change to the same is said to be none."""
    text = f"As it is {uuid.uuid4()}"
    tweet, job = scheduled(ana, text=text)
    path = f"/tweets/{tweet}"
    assert refused(ana.post(path, "PATCH")) == (422, "nothing_to_change", None)
    assert refused(ana.post(path, "PATCH", job_id=job)) == (422, "nothing_to_change", None)
    assert refused(ana.post(path, "PATCH", txet="a")) == (422, "unknown_name", "txet")
    assert refused(ana.post(path, "PATCH", text="a", when="")) == (422, "empty_time", "when")
    same = ana.post(path, "PATCH", text=text)
    assert (same.status_code, same.json()["message"]) == (200, "Nothing was changed.")
    other = ana.post(path, "PATCH", text=text + "!")
    assert (other.status_code, other.json()["message"]) == (200, "Saved.")
    strange = ana.post(path, "PATCH", variants={"99999": "a"})
    assert refused(strange) == (422, "not_chosen", "variant-99999")
    timed = ana.post(path, "PATCH", text="b", when="in 9 hours", job_id=job)
    assert refused(timed) == (422, "not_for_one_job", "when")
    assert is_waiting(ana, job)


def test_verbs_take_a_job_and_nothing_else(ana: Visitor) -> None:
    """A name that means nothing there is not passed over, nor a job of another tweet."""
    tweet, job = scheduled(ana)
    _other, foreign = scheduled(ana)
    assert ana.post(f"/tweets/{tweet}/retry").status_code == 409
    assert ana.post(f"/tweets/{tweet}/confirm").status_code == 409
    path = f"/tweets/{tweet}/cancel"
    assert refused(ana.post(path, job=job)) == (422, "unknown_name", "job")
    for unknown in (foreign, "", "\0"):
        assert ana.post(path, job_id=unknown).status_code == 404
    assert is_waiting(ana, job)
    assert ana.post(path, job_id=job).status_code == 200


def test_saving_never_publishes(ana: Visitor) -> None:
    """An emptied or unreadable time on the edit page is an error at its field; the words stay."""
    tweet, job = scheduled(ana)
    words = f"Changed {uuid.uuid4()}"
    for when in ("", "  ", "now", "in 0 minutes", "banana"):
        page = ana.submit(f"/tweets/{tweet}/edit", text=words, when=when)
        assert page.status_code == 422
        assert page.text.split('id="when-error">')[1].split("</p>")[0].strip()
        assert words in page.text
    assert is_waiting(ana, job)


def test_save_and_post_now(ana: Visitor, running: World) -> None:
    """It has a button of its own, which stores the words, too."""
    tweet, job = scheduled(ana)
    assert 'name="now"' in ana.get(f"/tweets/{tweet}/edit").text
    words = f"Changed and out {uuid.uuid4()}"
    ana.submit(f"/tweets/{tweet}/edit", text=words, when="", now="1")
    assert ana.until_final(job)["status"] == "done"
    assert running.sandbox.texts()[words] == 1


def test_now_or_later_without_scripts(ana: Visitor) -> None:
    """The page asks for a choice, holds to it, and gives back what was typed."""
    page = ana.get("/").text
    assert 'name="mode" value="now" checked' in page
    words = f"Now or later {uuid.uuid4()}"
    for mode, when in (("later", ""), ("now", "banana"), ("later", "banana")):
        page = ana.submit("/tweets", text=words, mode=mode, when=when)
        assert page.status_code == 422
        assert page.text.split('id="when-error">')[1].split("</p>")[0].strip()
        assert words in page.text
    assert not any(words in card for card in page.text.split("<article")[1:])
    for mode in ("later", "now"):  # "Now" is chosen beforehand: a time that is typed wins
        ana.submit("/tweets", text=f"{words} {mode}", mode=mode, when="in 2 hours")
        (card,) = (one for one in ana.get("/").text.split("<article") if f"{words} {mode}" in one)
        assert 'data-state="scheduled"' in card


def test_a_form_with_an_unknown_field_comes_back(ana: Visitor) -> None:
    """Its name is said, and all words are still there."""
    words = f"Do not lose me {uuid.uuid4()}"
    page = ana.submit("/tweets", text=words, whem="in 2 hours")
    assert page.status_code == 422
    assert "“whem”" in page.text
    assert words in page.text


def test_pictures_and_settings_by_schema(ana: Visitor) -> None:
    """Settings come back with what was typed; a description must be a text."""
    page = ana.submit("/settings", timezone="x" * 101, locale="en", late_tolerance_hours="6")
    assert page.status_code == 422
    page = ana.submit("/settings", timezone="UTC", locale="en", late_tolerance_hours="nan")
    assert page.status_code == 422
    page = ana.submit("/settings", timezone="UTC", locale="en", late_tolerance_hours="6", x="1")
    assert page.status_code == 422


def test_a_picture_comes_alone(ana: Visitor) -> None:
    """What an upload would drop without a word is refused by name."""
    headers = {"X-CSRFToken": ana.token(), "Accept": "application/json"}
    photo = ("photo.jpg", photos.photo_with_place())

    def upload(files: list[tuple[str, Any]], **fields: str) -> requests.Response:
        url = f"{ana.site}/pictures"
        return ana.http.post(url, files=files, data=fields, headers=headers, timeout=20)

    assert refused(upload([("picture", photo)], alt="A hill")) == (422, "unknown_name", "alt")
    two = upload([("picture", photo), ("picture", photo)])
    assert refused(two) == (422, "repeated_name", "picture")
    assert upload([("picture", ("a\0b\ufdfa.jpg" * 30, photo[1]))]).status_code == 201


def test_many_parts_are_refused_quickly(ana: Visitor) -> None:
    """Neither counting them nor showing them again takes long."""
    began = time.monotonic()
    form = [("csrf_token", ana.token()), ("text", "a"), *[("part", "b")] * 30_000]
    page = ana.http.post(f"{ana.site}/tweets", data=form, timeout=20)
    assert page.status_code == 422
    form = [("csrf_token", ana.token()), ("text", "a"), *[("variant-1", "b")] * 15_000]
    page = ana.http.post(f"{ana.site}/tweets", data=form, timeout=20)
    assert page.status_code == 422
    assert time.monotonic() - began < 10


FLAGS = "🇩🇪" * 30_000
HEAVY = [
    "a " * 120_000,
    "\ufdfa" * 80_000,
    "a.co " * 48_000,
    "a." * 120_000,
    FLAGS,
    "a.co/(a" * 34_000,
    "@a@a" * 60_000,
    "e" + "\u0301" * 119_000,
]


def test_eight_huge_texts_at_once(ana: Visitor, running: World) -> None:
    """They are refused, and the health check and other pages hardly notice."""
    headers = {"X-CSRFToken": ana.token(), "Accept": "application/json"}
    answers: list[tuple[int, str]] = []

    def send(text: str) -> None:
        body = text.encode("utf-8")[:240_000].decode("utf-8", "ignore")
        answer = requests.post(
            f"{ana.site}/tweets",
            data=b'{"text": "%s"}' % body.encode(),
            headers={**headers, "Content-Type": "application/json"},
            cookies=ana.http.cookies.get_dict(),
            timeout=30,
        )
        answers.append((answer.status_code, answer.json()["error"]["code"]))

    threads = [threading.Thread(target=send, args=(text,)) for text in HEAVY]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    assert ana.get("/healthz").status_code == 200
    healthy_after = time.monotonic() - began
    for thread in threads:
        thread.join()
    assert answers == [(422, "too_long")] * 8
    assert healthy_after < 2, healthy_after  # 0.2 s, and a busy machine takes its time


@pytest.mark.parametrize("field", ["server", "identifier", "password"])
def test_huge_words_at_the_door(visitor: Visitor, field: str) -> None:
    """Nobody who is signed out costs seconds of work."""
    network = "mastodon" if field == "server" else "bluesky"
    before = time.process_time()
    page = visitor.submit(f"/login/{network}", **{field: "\ufdfa" * 25_000})
    assert page.status_code == 422
    page = visitor.submit(f"/login/{network}", **{field: "\ufdfa" * 400})
    assert page.status_code == 422
    assert time.process_time() - before < 5


def test_nothing_of_this_was_stored(ana: Visitor, running: World) -> None:
    """No text of these tests that is far too long is among the tweets."""
    with running.rows():
        assert not [one for one in db.session.scalars(db.select(Tweet.text)) if len(one) > 1000]
