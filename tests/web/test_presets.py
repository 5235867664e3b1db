"""Presets: selections of accounts, signatures and sets of hashtags."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.db import db, utcnow
from app.models import Account, Delivery, Tweet, preset
from tests.conftest import MakeWorld
from tests.support.world import World
from tests.web.test_interests import JSON, send, signed_in, submit
from tests.web.test_queue import together

LATER = "in 20 hours"
X_LIMIT = 280


class Ana:
    """Somebody who is signed in, with an account on X, one on Mastodon and one on Facebook."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = signed_in(world, "ana")
        with world.rows():
            account = db.session.scalars(db.select(Account)).one()
            user_id, self.x = account.user_id, account.id
        self.mastodon = world.connect(user_id, "mastodon", "ana")
        self.facebook = world.connect(user_id, "facebook", "ana")

    def make(self, path: str, **said: Any) -> dict[str, Any]:
        """Make a preset and return it."""
        answer = send(self.client, "POST", path, **said)
        assert answer.status_code == 201, answer.text
        return dict(next(found for found in answer.get_json().values() if isinstance(found, dict)))

    def get(self, path: str) -> dict[str, Any]:
        """Ask as a program does."""
        answer = self.client.get(path, headers=JSON)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def publishes(self, text: str = "Hello", **said: Any) -> dict[int, list[str]]:
        """Store a tweet; return the texts of all parts of each account."""
        answer = send(self.client, "POST", "/tweets", text=text, when=LATER, **said)
        assert answer.status_code == 202, answer.text
        return self.stored(answer.get_json()["tweet"]["id"])

    def stored(self, tweet_id: int) -> dict[int, list[str]]:
        """Return the texts of all parts that each account of a tweet publishes."""
        with self.world.rows():
            jobs = db.session.scalars(db.select(Delivery).where(Delivery.tweet_id == tweet_id))
            return {job.account_id: [one.text for one in job.contents] for job in jobs}

    def refuses(self, path: str = "/tweets", **said: Any) -> tuple[str, str, str]:
        """Send what is not stored; return the field, the code and the sentence."""
        answer = send(self.client, "POST", path, **said)
        assert answer.status_code == 422, answer.text
        error = answer.get_json()["error"]
        return error["field"], error["code"], error["message"]

    def disconnect(self, account_id: int) -> None:
        """Disconnect an account."""
        assert send(self.client, "POST", f"/accounts/{account_id}/disconnect").status_code == 200


@pytest.fixture
def ana(small_world: World) -> Ana:
    """Ana, signed in."""
    return Ana(small_world)


def test_calls(small_world: World, ana: Ana) -> None:
    """Made once for a key, listed, changed, deleted; somebody else's is not there."""
    ben, both = signed_in(small_world, "ben"), [ana.x, ana.mastodon]
    last = [
        all_calls(ana, ben, "/selections", "selection", accounts=both),
        all_calls(ana, ben, "/signatures", "signature", accounts=both, text="— Ana"),
        all_calls(ana, ben, "/hashtag-sets", "hashtag_set", text="#python #django"),
    ]
    for path in ("/selections", "/signatures", "/hashtag-sets"):
        codes = [ana.client.get(f"{path}/{one}", headers=JSON).status_code for one in last]
        assert sorted(codes) == [200, 404, 404], path


def all_calls(ana: Ana, ben: FlaskClient, path: str, noun: str, **said: Any) -> int:
    """Try every call with one kind of preset; return the id of one that is left."""
    made = ana.make(path, name="  My   work ", submit_id="first", **said)
    assert made == {"id": made["id"], "name": "My work", **said}
    assert ana.make(path, name="  My   work ", submit_id="first", **said) == made
    assert ana.refuses(path, name="Other", submit_id="first", **said)[1] == "submit_id_reused"
    assert ana.refuses(path, name="MY WORK", **said)[:2] == ("name", "name_taken")
    second = ana.make(path, name="Second", **said)
    assert ana.get(path)[f"{noun}s"][0] == second
    older = ana.get(f"{path}?before={second['id']}")
    assert ([one["id"] for one in older[f"{noun}s"]], older["next"]) == ([made["id"]], None)
    one = f"{path}/{second['id']}"
    assert send(ana.client, "PATCH", one, name="my WORK").status_code == 422
    changed = send(ana.client, "PATCH", one, name="Third").get_json()[noun]
    assert changed == second | {"name": "Third"}
    assert ana.get(one)[noun] == changed
    assert send(ana.client, "PATCH", one).get_json()["error"]["code"] == "nothing_to_change"
    assert ben.get(path, headers=JSON).get_json() == {f"{noun}s": [], "next": None}
    for verb in ("GET", "PATCH", "DELETE"):
        answer = ben.get(one, headers=JSON) if verb == "GET" else send(ben, verb, one, name="His")
        assert answer.status_code == 404, verb
    assert send(ana.client, "DELETE", one).status_code == 204
    assert ana.client.get(one, headers=JSON).status_code == 404
    return int(made["id"])


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("/selections", {"accounts": []}, "accounts", "nothing_chosen"),
    ("/selections", {"accounts": [10**6]}, "accounts", "unknown_account"),
    ("/selections", {"accounts": "all"}, "accounts", "wrong_type"),
    ("/selections", {"accounts": [1], "name": " "}, "name", "missing"),
    ("/selections", {"accounts": [1], "name": "x" * 61}, "name", "too_long"),
    ("/signatures", {"text": "\u200b"}, "text", "missing"),
    ("/signatures", {"text": "a\x07b"}, "text", "control_characters"),
    ("/signatures", {"text": "x" * 501}, "text", "too_long"),
    ("/hashtag-sets", {"text": "#python a#b"}, "text", "bad_hashtag"),
    ("/hashtag-sets", {"text": " , "}, "text", "missing"),
    ("/hashtag-sets", {"text": "a", "accounts": [1]}, "accounts", "unknown_name"),
]


def test_refusals(small_world: World, ana: Ana) -> None:
    """A clear code at its field, and nothing is stored; a full list takes no more."""
    for path, said, field, code in REFUSED:
        assert ana.refuses(path, **{"name": "Ana", **said})[:2] == (field, code), said
    with small_world.rows():
        assert db.session.scalars(db.select(preset.Preset)).all() == []
        user_id = db.session.get_one(Account, ana.x).user_id
        for number in range(preset.MAX_PRESETS):
            row = preset.Preset(
                user_id=user_id, kind=preset.PresetKind.HASHTAGS, name=f"n{number}", text="#a"
            )
            row.name_key = row.name
            db.session.add(row)
        db.session.commit()
    assert ana.refuses("/hashtag-sets", name="one more", text="#a")[1] == "quota"
    ana.make("/selections", name="one more", accounts=[ana.x])


def test_selections(small_world: World, ana: Ana) -> None:
    """In place of accounts; who is disconnected drops out, and an empty one is said in words."""
    made = ana.make("/selections", name="Work", accounts=[ana.mastodon, ana.x])
    picked = f"selection:{made['id']}"
    assert set(ana.publishes("To some", accounts=picked)) == {ana.x, ana.mastodon}
    draft = send(ana.client, "POST", "/drafts", text="Hi", accounts=picked).get_json()["draft"]
    assert draft["accounts"] == [ana.x, ana.mastodon]
    again = {"text": "Again", "rrule": "FREQ=DAILY;COUNT=2", "start": "2027-05-01T09:00"}
    series = send(ana.client, "POST", "/series", accounts=picked, **again)
    assert series.get_json()["series"]["accounts"] == [ana.x, ana.mastodon]
    ana.disconnect(ana.mastodon)
    assert ana.get(f"/selections/{made['id']}")["selection"]["accounts"] == [ana.x]
    assert set(ana.publishes("To one", accounts=picked)) == {ana.x}
    send(ana.client, "PATCH", f"/selections/{made['id']}", accounts=[ana.facebook])
    ana.disconnect(ana.facebook)
    field, code, sentence = ana.refuses(text="To nobody", accounts=picked)
    assert (field, code) == ("accounts", "empty_selection")
    assert sentence.startswith("No account of the selection “Work” is connected any more.")
    assert ana.refuses(text="Hi", accounts="selection:99")[:2] == ("accounts", "unknown_selection")
    assert ana.refuses("/series", accounts=picked, **again)[1] == "empty_selection"
    ben = signed_in(small_world, "ben")
    answer = send(ben, "POST", "/tweets", text="Hi", accounts=picked)
    assert answer.get_json()["error"]["code"] == "unknown_selection"


def test_signatures(ana: Ana) -> None:
    """By default for an account, one for all, or none; at the end of the last part, once."""
    mine = ana.make("/signatures", name="Mine", text="— Ana", accounts=[ana.x])
    other = ana.make("/signatures", name="Page", text="The page")
    both = {"accounts": [ana.x, ana.mastodon]}
    assert ana.publishes("One") == {ana.x: ["One\n\n— Ana"]}
    assert ana.publishes("Two", **both) == {ana.x: ["Two\n\n— Ana"], ana.mastodon: ["Two"]}
    assert ana.publishes("Three", signature="none") == {ana.x: ["Three"]}
    everywhere = {"accounts": "all", "signature": other["id"]}
    parts = [{"text": "Four"}, {"text": "more"}]
    own = {str(ana.mastodon): {"text": "Mine alone"}}
    answer = send(
        ana.client, "POST", "/tweets", parts=parts, variants=own, when=LATER, **everywhere
    )
    assert ana.stored(answer.get_json()["tweet"]["id"]) == {
        ana.x: ["Four", "more\n\nThe page"],
        ana.mastodon: ["Mine alone\n\nThe page"],
        ana.facebook: ["Four\n\nmore\n\nThe page"],
    }
    assert ana.publishes("Five\n\n— Ana") == {ana.x: ["Five\n\n— Ana"]}
    # An account has one of them at most.
    changed = {"accounts": [ana.x, ana.mastodon]}
    assert send(ana.client, "PATCH", f"/signatures/{other['id']}", **changed).status_code == 200
    assert ana.get(f"/signatures/{mine['id']}")["signature"]["accounts"] == []
    assert ana.publishes("Six", **both)[ana.x] == ["Six\n\nThe page"]
    assert send(ana.client, "DELETE", f"/signatures/{other['id']}").status_code == 204
    assert ana.publishes("Seven", **both)[ana.x] == ["Seven"]
    assert ana.refuses(text="x", signature=other["id"])[:2] == ("signature", "unknown_signature")


def test_series_are_signed(ana: Ana) -> None:
    """As a tweet is when it is written: by default, with another one, or without; counted, too."""
    mine = ana.make("/signatures", name="Mine", text="— Ana", accounts=[ana.x])
    rule = {"rrule": "FREQ=DAILY;COUNT=2", "start": f"{utcnow().date() + timedelta(days=2)}T09:00"}
    both = {"accounts": [ana.x, ana.mastodon]}
    made = ana.make("/series", text="Daily", **both, **rule)
    assert ana.stored(made["next"][0]["tweet_id"]) == {
        ana.x: ["Daily\n\n— Ana"],
        ana.mastodon: ["Daily"],
    }
    assert ana.make("/series", text="Bare", signature="none", **rule)["text"] == "Bare"
    said = ana.make("/series", text="All", signature=mine["id"], **both, **rule)["text"]
    assert said == "All\n\n— Ana"
    refused = ana.refuses("/series", text="x" * 280, **rule)
    assert refused[:2] == ("text", "too_long")
    assert refused[2].endswith("The signature is counted.")
    page = ana.client.get("/series/new").text
    assert '<select class="form-select" id="signature"' in page
    form = {"text": "By hand", "accounts": str(ana.x), "start": rule["start"], "repeat": "daily"}
    submit(ana.client, "/series", **form, signature="none")
    submit(ana.client, "/series", **form)
    assert [one["text"] for one in ana.get("/series")["series"][:2]] == [
        "By hand\n\n— Ana",
        "By hand",
    ]


def test_a_signature_counts(small_world: World, ana: Ana) -> None:
    """What does not fit with it is refused before anything is stored; nothing is cut."""
    ana.make(
        "/signatures", name="Mine", text="👩‍👩‍👧‍👦 example.com", accounts=[ana.x]
    )  # 2 + 1 + 23 for X
    room = X_LIMIT - 2 - 26
    assert ana.publishes("x" * room)[ana.x][0].endswith("example.com")
    field, code, sentence = ana.refuses(text="y" * (room + 1), when=LATER)
    assert (field, code) == ("text", "too_long")
    assert "281" in sentence
    assert sentence.endswith("The signature is counted.")
    said = {"accounts": [ana.x, ana.mastodon], "when": LATER}
    thread = [{"text": "fits"}, {"text": "y" * (room + 1)}]
    assert ana.refuses(parts=thread, **said)[:2] == ("part-1", "too_long")
    assert not ana.refuses(text="z" * 281, signature="none")[2].endswith("counted.")
    assert ana.refuses(text=" ", when=LATER)[:2] == ("text", "empty")
    with small_world.rows():
        assert db.session.scalar(db.select(db.func.count()).select_from(Tweet)) == 1
    drafts_remember(ana)


def drafts_remember(ana: Ana) -> None:
    """It is added when a draft is scheduled; a tweet that is a draft again is not signed twice."""
    mine = ana.make("/signatures", name="Short", text="— Ana")
    kept = {"text": "Hello", "signature": mine["id"]}
    draft = send(ana.client, "POST", "/drafts", **kept).get_json()["draft"]
    assert (draft["text"], draft["signature"]) == ("Hello", mine["id"])
    path = f"/drafts/{draft['id']}/schedule"
    tweet = send(ana.client, "POST", path, when=LATER).get_json()["tweet"]
    assert tweet["text"] == "Hello\n\n— Ana"
    send(ana.client, "PATCH", f"/signatures/{mine['id']}", accounts=[ana.x], text="— A.")
    back = send(ana.client, "POST", f"/tweets/{tweet['id']}/draft").get_json()["draft"]
    path = f"/drafts/{back['id']}/schedule"
    again = send(ana.client, "POST", path, when=LATER).get_json()["tweet"]
    assert again["text"] == tweet["text"]


def test_the_same_at_the_same_time(make_world: MakeWorld, database_url: str) -> None:
    """Of several with one key one is stored, and of several with one name, too."""
    world = make_world(database_url)
    ana = Ana(world)
    said = {"name": "Work", "accounts": [ana.x]}
    found: list[int] = []

    def make(number: int) -> None:
        key = "the same" if number % 2 else f"key {number}"
        answer = send(ana.client, "POST", "/selections", submit_id=key, **said)
        found.append(answer.status_code)

    together(6, make)
    assert set(found) <= {201, 422}
    assert found.count(201) in {1, 3}
    assert len(ana.get("/selections")["selections"]) == 1


def test_forms(ana: Ana) -> None:
    """Without a script: made, changed, refused with what was typed, picked while writing."""
    both = {"name": "Work", "accounts": [str(ana.mastodon), str(ana.facebook)]}
    assert submit(ana.client, "/selections", **both).status_code == 303
    assert (
        submit(ana.client, "/hashtag-sets", name="python", text="python, #web ＃PYTHON").status_code
        == 303
    )
    signed = {"name": "Mine", "text": "— Ana"}
    assert submit(ana.client, "/signatures", **signed).status_code == 303
    (work,) = ana.get("/selections")["selections"]
    (tags,) = ana.get("/hashtag-sets")["hashtag_sets"]
    assert tags["text"] == "#python #web"
    (mine,) = ana.get("/signatures")["signatures"]
    refused = submit(ana.client, "/signatures", name="mine", text="Typed words")
    assert (refused.status_code, "Typed words" in refused.text) == (422, True)
    one = f"/selections/{work['id']}"
    refused = submit(ana.client, one, name="Play")
    assert (refused.status_code, 'value="Play"' in refused.text) == (422, True)
    assert submit(ana.client, one, name="Play", accounts=str(ana.mastodon)).status_code == 303
    page = ana.client.get("/").text
    assert all(f">{name}</option>" in page for name in ("Play", "python", "Mine"))
    picked = {"selection": str(work["id"]), "hashtags": str(tags["id"]), "more": "1"}
    shown = submit(ana.client, "/tweets", text="Hello", accounts=str(ana.x), **picked).text
    assert "Hello #python #web</textarea>" in shown
    ticked = [line for line in shown.split("<input") if 'name="accounts"' in line]
    assert [one for one in ticked if " checked" in one] == [
        one for one in ticked if f'value="{ana.mastodon}"' in one
    ]
    sent = {"when": LATER, "signature": str(mine["id"]), **picked, "more": ""}
    assert submit(ana.client, "/tweets", text="Hi", accounts=str(ana.x), **sent).status_code == 303
    with ana.world.rows():
        tweet_id = db.session.scalars(db.select(Tweet.id)).one()
    assert ana.stored(tweet_id) == {ana.mastodon: ["Hi #python #web\n\n— Ana"]}
    ana.disconnect(ana.mastodon)
    refused = submit(ana.client, "/tweets", text="Kept", when=LATER, **picked)
    assert (refused.status_code, "Kept #python #web" in refused.text) == (422, True)
    assert "No account of the selection" in refused.text
    assert submit(ana.client, f"{one}/delete").status_code == 303
    assert ana.get("/selections")["selections"] == []
