"""All that somebody has, as files, which can be imported again."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import pytest

from app import pictures
from app.db import db
from app.models import Picture, PictureState, Tweet, User
from tests.support import full_list
from tests.support.reader import JSON, Reader
from tests.support.world import World
from tests.web.test_bulk_import import LATER, found, send, sheet, stored


@pytest.fixture
def ana(world: World) -> Reader:
    """Ana, with twenty tweets of every kind: threads, pictures, published, failed."""
    with world.rows():
        return Reader(world, *full_list.fill())


def exported(reader: Reader, kind: str) -> bytes:
    """Return a file as it was sent."""
    answer = reader.client.get(f"/export.{kind}")
    assert answer.status_code == 200
    assert answer.is_streamed
    assert f"filename=tweets.{kind}" in answer.headers["Content-Disposition"]
    return answer.data


def test_what_is_exported_is_known(world: World, ana: Reader) -> None:
    """Each form has every tweet of the person, nobody else's, and all are known when sent again."""
    with world.rows():
        ben = Reader(world, *full_list.fill())
    ben.post("/tweets", text="Ben's own", when=LATER)
    imported = sheet(("In a file", LATER, "my-1"), ("No id", LATER, ""), header="text,when,id")
    about, _report = found(send(ana, imported))
    ana.post(f"/tweets/import/{about['id']}/confirm")
    count = stored(world)
    for kind in ("json", "csv"):
        data = exported(ana, kind)
        assert b"Ben's own" not in data
        about, report = found(send(ana, data))
        assert (about["rows"], about["known"], about["bad"]) == (22, 22, 0), kind
        assert all(row["due_at"] for row in report)
        assert ana.post(f"/tweets/import/{about['id']}/confirm").json == {"added": 0, "skipped": 22}
    assert stored(world) == count
    rows = list(csv.DictReader(io.StringIO(exported(ana, "csv").decode(), newline="")))
    assert [row["id"] for row in rows if row["text"] == "In a file"] == ["my-1"]
    without_ids = [(row["text"], row["when"], row["accounts"]) for row in rows[-2:]]
    again, _report = found(send(ana, sheet(*without_ids, header="text,when,accounts")))
    assert again["known"] == 2
    # With somebody else it is new, as far as it can be published.
    theirs, report = found(send(ben, exported(ana, "json")))
    assert theirs["known"] == 0
    assert {"past", None} <= {row["error"] and row["error"]["code"] for row in report}


def test_pictures(world: World, ana: Reader) -> None:
    """The zip has both files and the pictures; what cannot be read is named."""
    with world.rows():
        user_id = db.session.scalars(db.select(User.id)).one()
        ready = {"user_id": user_id, "width": 1, "height": 1, "size": 4, "mime": "image/png"}
        for name in ("here", "away"):
            db.session.add(Picture(id=name, state=PictureState.READY, **ready))
        db.session.commit()
        pictures.storage.put(pictures.storage.clean("here"), b"\x89PNG")
    with zipfile.ZipFile(io.BytesIO(exported(ana, "zip"))) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert {"tweets.json", "tweets.csv", "pictures/here.png", "missing.txt"} <= names
        assert archive.read("pictures/here.png") == b"\x89PNG"
        assert "away.png" in archive.read("missing.txt").decode().split()
        known: dict[str, Any] = json.loads(archive.read("tweets.json"))
    assert len(known["tweets"]) == 20
    assert known["person"]["accounts"][0]["account"] == "x:ana"
    threads = [tweet for tweet in known["tweets"] if "parts" in tweet]
    assert len(threads[0]["parts"]) > 1
    assert "credentials" not in json.dumps(known)


def test_what_is_planned(world: World, ana: Reader) -> None:
    """All that is kept for later is in the file, each with its accounts' names."""
    with world.rows():
        keys = [one.id for one in full_list.accounts()]
    ai, both = {str(keys[0]): {"made_with_ai": True}}, keys[:2]
    ana.post("/tweets", text="With options", when=LATER, accounts=both, options=ai)
    ana.post("/drafts", text="Half a thought", accounts=both, options=ai, when="someday")
    rule = {"rrule": "FREQ=WEEKLY;COUNT=2", "start": "2027-03-01T09:00"}
    made = ana.post("/series", text="Again", accounts=keys[:1], options=ai, **rule)
    assert made.status_code == 201, made.text
    ana.post("/pools", account=keys[1], tweets=["Always good"], rest_s=86_400)
    ana.post("/selections", name="Both", accounts=both)
    ana.post("/signatures", name="Usual", text="– Ana", accounts=keys[:1])
    ana.post("/hashtag-sets", name="Work", text="#flask #celery")
    answer = ana.put(f"/accounts/{keys[0]}/slots", slots=[{"weekday": 1, "time": "09:00"}])
    assert answer.status_code == 200, answer.text
    with world.rows():
        Reader(world, *full_list.fill()).post("/drafts", text="Ben's own")
    known: dict[str, Any] = json.loads(exported(ana, "json"))
    options = {"x:ana": {"made_with_ai": True}}
    assert [one["options"] for one in known["tweets"] if "options" in one] == [options]
    (draft,), (series,), (pool,) = (known[name] for name in ("drafts", "series", "pools"))
    assert [part["text"] for part in draft["parts"]] == ["Half a thought"]
    assert (draft["options"], draft["when"]) == (options, "someday")
    assert draft["accounts"] == ["x:ana", "mastodon:ana@mastodon.example"]
    assert {name: series[name] for name in ("rrule", "options", "accounts")} == {
        "rrule": rule["rrule"],
        "options": options,
        "accounts": ["x:ana"],
    }
    assert pool["account"] == draft["accounts"][1]
    assert pool["tweets"] == [{"text": "Always good", "pictures": []}]
    assert known["selections"][0]["accounts"] == draft["accounts"]
    (signature,), (hashtags,) = known["signatures"], known["hashtag_sets"]
    assert (signature["text"], hashtags["text"]) == ("– Ana", "#flask #celery")
    (x,) = [one for one in known["person"]["accounts"] if one["account"] == "x:ana"]
    assert (x["signature"], x["slots"]) == (signature["id"], [{"weekday": 1, "time": "09:00"}])
    about, report = found(send(ana, json.dumps(known).encode()))
    assert (about["known"], about["bad"]) == (about["rows"], 0)
    with world.rows():
        ben = Reader(world, *full_list.fill())
    _about, report = found(send(ben, json.dumps(known).encode()))
    assert "row_options" in {row["error"] and row["error"]["code"] for row in report}


def test_many(world: World, ana: Reader) -> None:
    """More than are read at a time come in pieces, each once; somebody who leaves holds nothing."""
    about, _report = found(send(ana, sheet(*[(f"Row {n}", LATER) for n in range(450)])))
    ana.post(f"/tweets/import/{about['id']}/confirm")
    answer = ana.client.get("/export.json", headers=JSON, buffered=False)
    pieces = iter(answer.response)
    assert len(next(pieces)) < 2_000
    next(pieces)
    answer.close()
    with world.rows():
        assert db.session.scalar(db.select(db.func.count(Tweet.id))) == 470
        assert db.engine.pool.checkedout() == 1  # ours alone
    assert len(json.loads(exported(ana, "json"))["tweets"]) == 470
