"""What a tweet says and shows, written and changed by plain forms and by JSON."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from app.db import db
from app.models import Delivery, Tweet
from app.models.picture import Picture
from tests.support import photos
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World
from tests.web.conftest import ConnectSomebody

FIELD = re.compile(r'<input[^>]* name="(pictures[^"]*)" value="([^"]+)"')


@pytest.fixture
def everywhere(connect_somebody: ConnectSomebody) -> dict[str, int]:
    """Somebody new, signed in, with an account on X and Bluesky: ids by network."""
    return connect_somebody("bluesky")


def send(
    visitor: Visitor, path: str, fields: list[tuple[str, str]], *files: str
) -> requests.Response:
    """Send a form with a photo in each of these file fields, as a browser without scripts does."""
    form = [("csrf_token", visitor.token()), *fields]
    parts: list[Any] = [(name, (None, value)) for name, value in form]
    parts += [(name, ("photo.jpg", photos.photo_with_place())) for name in files]
    headers = {"Accept": "text/html"}
    url = f"{visitor.site}{path}"
    return visitor.http.post(url, files=parts, headers=headers, timeout=20, allow_redirects=False)


def uploaded(visitor: Visitor) -> str:
    """Upload a photo as a program does; return its id."""
    headers = {"X-CSRFToken": visitor.token(), "Accept": "application/json"}
    files = {"picture": ("photo.jpg", photos.photo_with_place())}
    url = f"{visitor.site}/pictures"
    return visitor.http.post(url, files=files, headers=headers, timeout=20).json()["id"]


def newest(visitor: Visitor) -> int:
    """Return the id of the visitor's newest tweet."""
    cards = re.findall(r'data-tweet="(\d+)"', visitor.get("/").text)
    return int(cards[0])


def stored(running: World, tweet_id: int) -> list[tuple[str, int]]:
    """Return the text and the number of pictures of each part."""
    with running.rows():
        parts = db.session.get_one(Tweet, tweet_id).parts
        return [(part["text"], len(part["pictures"])) for part in parts]


def contents_on(running: World, tweet_id: int) -> dict[str, list[tuple[str, int]]]:
    """Return what each account publishes, by network."""
    with running.rows():
        return {
            one.account.network: [(part.text, len(part.pictures)) for part in one.contents]
            for one in db.session.get_one(Tweet, tweet_id).deliveries
        }


@pytest.mark.slow
def test_each_part_has_its_own_pictures(running: World, ana: Visitor) -> None:
    """Without scripts, files beside a part go with that part; one left empty in between is none."""
    fields = [("text", "One"), ("part", ""), ("part", "Three"), ("when", "in 2 hours")]
    fields += [("new-alt-2", "Of the last part")]
    answer = send(ana, "/tweets", fields, "picture-files-2", "picture-files-2", "picture-files")
    assert answer.status_code == 303
    tweet = newest(ana)
    assert stored(running, tweet) == [("One", 1), ("Three", 2)]
    assert "Of the last part" in ana.get(f"/tweets/{tweet}/edit").text


def test_sent_twice_with_a_file(running: World, ana: Visitor) -> None:
    """A plain form with a file that is sent twice gets the same answer and is one tweet."""
    fields = [("text", "Twice with a picture"), ("when", "in 2 h"), ("submit_id", uuid.uuid4().hex)]
    answers = [send(ana, "/tweets", fields, "picture-files", "picture-files") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    with running.rows():
        chosen = db.select(Tweet).where(Tweet.text == "Twice with a picture")
        (tweet,) = db.session.scalars(chosen)
        assert len(set(tweet.parts[0]["pictures"])) == 2


def test_sent_twice_at_once_with_a_file(running: World, ana: Visitor) -> None:
    """Pressed twice in a hurry without scripts: both get the same answer, and one tweet is made."""
    words = f"Twice at once {uuid.uuid4()}"
    fields = [("text", words), ("when", "in 2 hours"), ("submit_id", uuid.uuid4().hex)]
    with ThreadPoolExecutor() as pool:
        sent = [pool.submit(send, ana, "/tweets", fields, "picture-files") for _ in range(4)]
    assert [one.result().status_code for one in sent] == [303] * 4
    with running.rows():
        (tweet,) = db.session.scalars(db.select(Tweet).where(Tweet.text == words))
        assert len(tweet.parts[0]["pictures"]) == 1


def test_a_file_for_a_part_that_is_refused(ana: Visitor) -> None:
    """The sentence stands at the part, and what was good is still in the form."""
    form = [("csrf_token", ana.token()), ("text", "One"), ("part", "Two")]
    parts: list[Any] = [(name, (None, value)) for name, value in form]
    parts += [("picture-files", ("photo.jpg", photos.photo_with_place()))]
    parts += [("picture-files-1", ("page.svg", b"<svg/>"))]
    headers = {"Accept": "text/html"}
    page = ana.http.post(f"{ana.site}/tweets", files=parts, headers=headers, timeout=20)
    assert page.status_code == 422
    place = page.text.split('id="pictures-1-error">')[1].split("</p>")[0]
    assert place.startswith("page.svg: This is not a JPEG")
    assert [name for name, _ in FIELD.findall(page.text)] == ["pictures"]


def test_pictures_are_changed_without_scripts(running: World, ana: Visitor) -> None:
    """The edit form adds, removes and describes; what it does not mention stays."""
    fields = [("text", "One"), ("part", "Two"), ("when", "in 2 hours")]
    send(ana, "/tweets", fields, "picture-files", "picture-files", "picture-files-1")
    tweet = newest(ana)
    first, second, third = FIELD.findall(ana.get(f"/tweets/{tweet}/edit").text)
    assert [first[0], second[0], third[0]] == ["pictures", "pictures", "pictures-1"]
    fields = [("text", "One"), ("part", "Two"), first, second, third]
    fields += [("drop-picture", first[1]), (f"alt-{second[1]}", "Described later")]
    answer = send(ana, f"/tweets/{tweet}/edit", fields, "picture-files-1")
    assert answer.status_code == 303
    assert stored(running, tweet) == [("One", 1), ("Two", 2)]
    card = ana.get(f"/tweets/{tweet}/card").text
    wait_for(lambda: "Described later" in ana.get(f"/tweets/{tweet}/card").text, what="the thumb")
    assert card.count("<li>") == 3
    ana.submit(f"/tweets/{tweet}/edit", text="Only other words", part="Two")
    assert stored(running, tweet) == [("Only other words", 1), ("Two", 2)]
    send(ana, f"/tweets/{tweet}/edit", [("text", "None now"), ("pictures", "")])
    assert stored(running, tweet) == []


def test_pictures_are_changed_by_json(running: World, ana: Visitor, ben: Visitor) -> None:
    """PATCH replaces the pictures; they belong to the tweet then. Somebody else's are refused."""
    made = ana.post("/tweets", text="Bare", when="in 2 h").json()["tweet"]["id"]
    picture = uploaded(ana)
    assert ana.post(f"/tweets/{made}", "PATCH", pictures=[picture]).status_code == 200
    assert stored(running, made) == [("Bare", 1)]
    with running.rows():
        assert db.session.get_one(Picture, picture).claimed
    refused = ana.post(f"/tweets/{made}", "PATCH", pictures=[uploaded(ben)])
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "pictures")
    assert ana.post(f"/tweets/{made}", "PATCH", text="Other words").ok
    assert stored(running, made) == [("Other words", 1)]
    assert ana.post(f"/tweets/{made}", "PATCH", pictures=[]).ok
    assert stored(running, made) == []


def test_a_thread_as_a_variant(
    running: World, visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """A form says it in parts of its own, with the shared pictures, also after those changed."""
    own = f"variant-{everywhere['bluesky']}"
    fields = [("text", "Shared"), ("when", "in 2 hours"), (own, "Own one"), (own, "Own two")]
    fields += [("accounts", str(number)) for number in everywhere.values()]
    assert send(visitor, "/tweets", fields, "picture-files").status_code == 303
    tweet = newest(visitor)
    expected = {"x": [("Shared", 1)], "bluesky": [("Own one", 1), ("Own two", 0)]}
    assert contents_on(running, tweet) == expected
    page = visitor.get(f"/tweets/{tweet}/edit").text
    assert "Own one" in page
    assert "Own two" in page
    fields = [("text", "Shared"), ("pictures", ""), (own, "Own one"), (own, "Own two")]
    assert send(visitor, f"/tweets/{tweet}/edit", fields).status_code == 303
    assert contents_on(running, tweet)["bluesky"] == [("Own one", 0), ("Own two", 0)]


def test_a_variant_of_pictures_alone(
    running: World, visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """A form that has no words for it does not take it away."""
    own = {str(everywhere["bluesky"]): {"text": "", "pictures": [uploaded(visitor)]}}
    ids = list(everywhere.values())
    answer = visitor.post("/tweets", text="Words", when="in 2 h", accounts=ids, variants=own)
    tweet = answer.json()["tweet"]["id"]
    assert contents_on(running, tweet)["bluesky"] == [("", 1)]
    fields = [("text", "Other words"), ("pictures", "")]
    fields += [(f"variant-{everywhere['bluesky']}", "")]
    assert send(visitor, f"/tweets/{tweet}/edit", fields).status_code == 303
    assert contents_on(running, tweet) == {"x": [("Other words", 0)], "bluesky": [("", 1)]}


def test_a_refused_part_of_a_variant(visitor: Visitor, everywhere: dict[str, int]) -> None:
    """What is too long for its network is marked at the very part, and all of it is still there."""
    own = f"variant-{everywhere['bluesky']}"
    fields = [("text", "Shared"), ("part", "Shared two"), (own, "Own one"), (own, "b" * 301)]
    fields += [("accounts", str(number)) for number in everywhere.values()]
    page = send(visitor, "/tweets", fields)
    assert page.status_code == 422
    place = page.text.split(f'id="{own}-1-error">')[1].split("</p>")[0]
    assert "301 characters as Bluesky counts them" in place
    for words in ("Shared two", "Own one", "b" * 301):
        assert words in page.text


def test_what_failed_on_one_account_is_changed_for_it(
    running: World, visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """Out on X, refused by Bluesky: its text is changed and tried again; X keeps what it has."""
    running.sandbox.on("bluesky").fault("refuse", handle=None)
    text = f"Half {uuid.uuid4()}"
    made = visitor.post("/tweets", text=text, accounts=list(everywhere.values())).json()
    tweet, (x, bluesky) = made["tweet"]["id"], (job["job_id"] for job in made["jobs"])
    assert visitor.until_final(x)["status"] == "done"
    assert visitor.until_final(bluesky)["status"] == "failed"
    running.sandbox.on("bluesky").mend()
    card = visitor.get(f"/tweets/{tweet}/card").text
    (link,) = re.findall(rf'href="(/tweets/{tweet}/edit[^"]*)"', card)
    page = visitor.get(link).text
    assert "Save and try again" in page
    assert text in page
    too_late = visitor.post(f"/tweets/{tweet}", "PATCH", text="Otherwise", job_id=x)
    assert too_late.status_code == 409
    visitor.submit(f"/tweets/{tweet}/edit", job_id=bluesky, text=f"Mended {text}", again="1")
    assert visitor.until_final(bluesky)["status"] == "done"
    played = [post["text"] for post in running.sandbox.on("bluesky").accepted()]
    assert f"Mended {text}" in played
    assert running.sandbox.texts()[text] == 1
    assert contents_on(running, tweet)["x"] == [(text, 0)]


@pytest.mark.slow
def test_the_rest_of_a_thread_is_changed(running: World, ana: Visitor) -> None:
    """Part two is refused: what is out stays, the rest is written anew and goes out after it."""
    running.sandbox.fault("refuse", skip=1, handle="ana")
    words = [f"{number} {uuid.uuid4()}" for number in range(3)]
    made = ana.post("/tweets", parts=[{"text": text} for text in words[:2]]).json()
    assert ana.until_final(made["job_id"])["status"] == "failed"
    tweet = made["tweet"]["id"]
    with running.rows():
        assert len(db.session.get_one(Delivery, made["job_id"]).posted) == 1
    page = ana.get(f"/tweets/{tweet}/edit?job_id={made['job_id']}").text
    assert words[0] in page.split("Already published")[1].split("</section>")[0]
    assert ana.post(f"/tweets/{tweet}", "PATCH", text="All anew").status_code == 409
    assert ana.post(f"/tweets/{tweet}", "PATCH", text=words[2], job_id=made["job_id"]).ok
    assert ana.post(f"/tweets/{tweet}/retry").ok
    assert ana.until_final(made["job_id"])["status"] == "done"
    sent = running.sandbox.texts()
    assert [sent[text] for text in words] == [1, 0, 1]


def test_somebody_elses_job_is_not_there(ana: Visitor) -> None:
    """A job that the tweet has not is 404, and nothing is changed."""
    made = [ana.post("/tweets", text=text, when="in 2 h").json() for text in ("One", "Two")]
    tweet, other = made[0]["tweet"]["id"], made[1]["job_id"]
    assert ana.get(f"/tweets/{tweet}/edit?job_id={other}").status_code == 404
    answer = ana.post(f"/tweets/{tweet}", "PATCH", text="Mixed up", job_id=other)
    assert answer.status_code == 404
    assert "Mixed up" not in ana.get("/").text
