"""Files of many tweets: read, reported on row by row, and stored once when they are confirmed."""

from __future__ import annotations

import csv
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app import tweet_files
from app.db import db, from_now, utcnow
from app.models import Delivery, Tweet, TweetFile
from app.states import State
from tests.support import full_list
from tests.support.reader import JSON, Reader
from tests.support.world import World

LATER = "2027-03-01 09:00"


@pytest.fixture
def ana(world: World) -> Reader:
    """Ana, with accounts on X, Mastodon and Bluesky, and twenty tweets."""
    with world.rows():
        return Reader(world, *full_list.fill())


def send(reader: Reader, data: str | bytes, **headers: str) -> TestResponse:
    """Send a file as a program does."""
    content = data.encode() if isinstance(data, str) else data
    disposition = b'Content-Disposition: form-data; name="file"; filename="tweets.csv"'
    body = b"--edge\r\n" + disposition + b"\r\n\r\n" + content + b"\r\n--edge--\r\n"
    return reader.client.post(
        "/tweets/import",
        data=body,
        content_type="multipart/form-data; boundary=edge",
        headers={**JSON, "X-CSRFToken": reader._token(), **headers},
    )


def sheet(*rows: tuple[str, ...], header: str = "text,when", delimiter: str = ",") -> str:
    """Return CSV as a program of spreadsheets writes it."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return file.getvalue()


def found(answer: TestResponse) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what was found in a file that can be read."""
    assert answer.status_code == 201, answer.text
    return answer.json["import"], answer.json["report"]


def confirm(reader: Reader, import_id: str) -> Any:
    """Confirm an import, which must be there."""
    answer = reader.post(f"/tweets/import/{import_id}/confirm")
    assert answer.status_code == 200, answer.text
    return answer.json


def stored(world: World) -> int:
    """Return how many tweets there are."""
    with world.rows():
        return db.session.scalar(db.select(db.func.count(Tweet.id))) or 0


def codes(report: list[dict[str, Any]]) -> list[str | None]:
    """Return what is wrong with each row."""
    return [row["error"] and row["error"]["code"] for row in report]


def test_report_and_confirm(world: World, ana: Reader) -> None:
    """Nothing is stored before it is confirmed; then what is good is, with accounts and time."""
    before = stored(world)
    file = sheet(
        ("Hello, “world”;\nsecond line", LATER, "mastodon:ana@mastodon.example X:@Ana", "r1"),
        ("First account", "2027-03-02T09:00:00Z", "", ""),
        ("x" * 300, LATER, "x:ana", ""),
        ("Past", "2020-01-01 09:00", "", ""),
        ("No such hour", "2027-03-28 02:30", "", ""),
        ("Nobody's", LATER, "x:ben", ""),
        ("", LATER, "", ""),
        ("No time", "", "", ""),
        ("Hello again", LATER, "", "r1"),
        ("First account", "2027-03-02T09:00:00Z", "x:ana", ""),
        header="text,when,accounts,id",
    )
    about, report = found(send(ana, file))
    assert {name: about[name] for name in ("rows", "good", "bad", "known")} == {
        "rows": 10,
        "good": 4,
        "bad": 6,
        "known": 2,
    }
    assert [row["row"] for row in report] == list(range(1, 11))
    assert [row["known"] for row in report] == [False] * 8 + [True, True]
    assert codes(report) == [
        *(None, None, "too_long", "past", "gap", "row_account", "empty", "empty_time"),
        *(None, None),
    ]
    assert report[0]["due_at"] == "2027-03-01T08:00:00.000Z"  # nine o'clock in Berlin
    assert "300 characters" in report[2]["error"]["message"]
    assert stored(world) == before
    assert confirm(ana, about["id"]) == {"added": 2, "skipped": 8}
    assert confirm(ana, about["id"]) == {"added": 2, "skipped": 8}
    assert stored(world) == before + 2
    with world.rows():
        tweet = db.session.scalars(db.select(Tweet).where(Tweet.submit_id == "file:r1")).one()
        assert tweet.text == "Hello, “world”;\nsecond line"
        jobs = [(job.account.network, job.state, job.next_at) for job in tweet.deliveries]
        assert jobs == [(name, State.SCHEDULED, tweet.due_at) for name in ("x", "mastodon")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_dialects(small_world: World, delimiter: str, bom: str) -> None:
    """Separators are found out; quotes, line breaks and other columns do no harm."""
    ana = reader_of(small_world)
    text = 'Say "hi", or;not\tat all\r\nñ 🎉'
    file = sheet(
        ("a note, with; everything\t", LATER, text),
        ("", "", ""),
        header="Note,WHEN, Text ",
        delimiter=delimiter,
    )
    about, _report = found(send(ana, bom + file))
    assert (about["rows"], about["good"]) == (1, 1)
    confirm(ana, about["id"])
    with small_world.rows():
        newest = db.select(Tweet.text).order_by(Tweet.id.desc()).limit(1)
        assert db.session.scalar(newest) == text.replace("\r\n", "\n")


def reader_of(world: World) -> Reader:
    """Return Ana at a test client."""
    with world.rows():
        return Reader(world, *full_list.fill())


UNREADABLE = {
    "utf-16": ("text,when\nä,b".encode("utf-16"), "file_encoding"),
    "latin-1": ("text,when\nä,b".encode("latin-1"), "file_encoding"),
    "nul": (b"text,when\na\0b,now", "file_nul"),
    "empty": (b" \n", "file_empty"),
    "only a header": (b"text,when\n\n", "file_empty"),
    "no columns": (b"one,two\n1,2", "file_columns"),
    "a column twice": (b"text,when,text\n1,2,3", "file_column_twice"),
    "quotes": (b'text,when\n"never ended,now', "file_csv"),
    "json": (b'[{"text": "a"},\n oops]', "file_json"),
    "deep": (b"[" * 100_000, "file_json"),
    "shape": (b'{"rows": []}', "file_shape"),
    "rows": (b"text,when\n" + b"a,2027-03-01\n" * 5001, "file_rows"),
}


def test_what_cannot_be_read(small_world: World) -> None:
    """One clear sentence for the whole file, and nothing is kept."""
    ana = reader_of(small_world)
    for name, (data, code) in UNREADABLE.items():
        answer = send(ana, data)
        assert (answer.status_code, answer.json["error"]["code"]) == (422, code), name
        assert answer.json["error"]["field"] == "file"
    for over in (1, 100_000):
        too_large = send(ana, b"x" * (tweet_files.MAX_BYTES + over))
        assert (too_large.status_code, too_large.json["error"]["code"]) == (413, "file_too_large")
    missing = ana.client.post("/tweets/import", headers={**JSON, "X-CSRFToken": ana._token()})
    assert missing.status_code == 422
    with small_world.rows():
        assert db.session.scalar(db.select(db.func.count(TweetFile.id))) == 0


def test_json(small_world: World) -> None:
    """A list, or an object that has one; a row with another type in it is told apart."""
    ana = reader_of(small_world)
    rows: list[Any] = [
        {"text": "One", "when": LATER, "accounts": ["x:ana", "bluesky:ana.test"], "id": 7},
        {"parts": [{"text": "A thread"}, {"text": "its end"}], "when": LATER},
        {"text": 5, "when": LATER},
        "words",
        {"text": "With a picture", "when": LATER, "pictures": ["x"]},
        {"text": "\ud800", "when": LATER},
    ]
    about, report = found(send(ana, json.dumps({"tweets": rows})))
    assert codes(report) == [
        None,
        None,
        "row_type",
        "row_type",
        "row_pictures",
        "control_characters",
    ]
    assert confirm(ana, about["id"])["added"] == 2
    assert found(send(ana, json.dumps(rows)))[0]["known"] == 2


def test_the_same_file_again(world: World, ana: Reader) -> None:
    """Known, also what was cancelled, moved or edited since; and what was written by hand."""
    rows = [(f"Row {number}", LATER) for number in range(5)]
    about, _report = found(send(ana, sheet(*rows)))
    confirm(ana, about["id"])
    with world.rows():
        ids = list(db.session.scalars(db.select(Tweet.id).order_by(Tweet.id.desc()).limit(3)))
    ana.post(f"/tweets/{ids[0]}/cancel")
    ana.post(f"/tweets/{ids[1]}/reschedule", when="2027-05-01 10:00")
    ana.change(f"/tweets/{ids[2]}", text="Something else")
    ana.post("/tweets", text="By hand", when=LATER)
    again, report = found(send(ana, sheet(*rows, ("By hand", LATER))))
    assert (again["known"], again["good"]) == (6, 6)
    assert all(row["ok"] and row["known"] for row in report)
    count = stored(world)
    assert confirm(ana, again["id"]) == {"added": 0, "skipped": 6}
    assert stored(world) == count


def test_twice_at_once(world: World, ana: Reader) -> None:
    """Two uploads of a file, each confirmed twice at the same time, are stored once."""
    before = stored(world)
    file = sheet(*[(f"Row {number}", LATER) for number in range(300)])
    ids = [found(send(ana, file))[0]["id"] for _ in range(2)] * 2
    with world.rows():
        user_id = db.session.scalars(db.select(TweetFile.user_id).limit(1)).one()

    def run(import_id: str) -> Any:
        with world.rows():
            return tweet_files.confirm(user_id, import_id)

    with ThreadPoolExecutor(4) as executor:
        answers = list(executor.map(run, ids))
    assert sorted(one.added for one in answers) == [0, 0, 300, 300]
    assert answers[:2] == answers[2:]
    assert stored(world) == before + 300


def test_five_thousand_rows(world: World, ana: Reader) -> None:
    """As many as a file may have are read, and stored, well within a request's time."""
    rows = [
        (f"Row {number}, with some more words in it https://example.com/{number}", at, "x:ana", "")
        for number in range(5_000)
        for at in [(utcnow() + timedelta(days=1, minutes=number)).isoformat()]
    ]
    began = time.monotonic()
    about, _report = found(send(ana, sheet(*rows, header="text,when,accounts,id")))
    read_at = time.monotonic()
    assert about["good"] == 5_000
    assert confirm(ana, about["id"])["added"] == 5_000
    took = read_at - began, time.monotonic() - read_at
    print(f"read in {took[0]:.1f} s, stored in {took[1]:.1f} s")
    assert max(took) < 15
    assert found(send(ana, sheet(*rows, header="text,when,accounts,id")))[0]["known"] == 5_000


def test_quota(make_world: Any, sqlite_url: str) -> None:
    """What is more than may wait is refused as a whole, and can be confirmed later."""
    world = make_world(sqlite_url, MAX_WAITING_TWEETS="20")
    ana = reader_of(world)
    about, _report = found(send(ana, sheet(*[(f"Row {n}", LATER) for n in range(15)])))
    before = stored(world)
    refused = ana.post(f"/tweets/import/{about['id']}/confirm")
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "quota")
    assert stored(world) == before


def test_keys_and_owners(world: World, ana: Reader) -> None:
    """A key makes one import; nobody sees somebody else's; what nobody confirms is forgotten."""
    file = sheet(("Hello", LATER))
    first, _ = found(send(ana, file, **{"Idempotency-Key": "k"}))
    assert found(send(ana, file, **{"Idempotency-Key": "k"}))[0] == first
    other = send(ana, sheet(("Other", LATER)), **{"Idempotency-Key": "k"})
    assert (other.status_code, other.json["error"]["code"]) == (422, "submit_id_reused")
    with world.rows():
        ben = Reader(world, *full_list.fill())
    for path in (f"/tweets/import/{first['id']}/confirm", "/tweets/import/unknown/confirm"):
        assert ben.post(path).status_code == 404
    assert ben.client.get(f"/tweets/import/{first['id']}", headers=JSON).status_code == 404
    assert ana.json(f"/tweets/import/{first['id']}")["import"] == first
    with world.rows():
        db.session.execute(db.update(TweetFile).values(created_at=from_now(-90_000)))
        db.session.commit()
        assert tweet_files.forget_old() == 1
    assert ana.post(f"/tweets/import/{first['id']}/confirm").status_code == 404


def test_pages(small_world: World) -> None:
    """Without a script: choose, see what is wrong first, confirm."""
    ana = reader_of(small_world)
    rows = [(f"Row {number}", LATER) for number in range(120)]
    file = (io.BytesIO(sheet(*rows, ("Late", "2020-01-01")).encode()), "my.csv")
    assert "bluesky:ana.test" in ana.page("/tweets/import")
    answer = ana.client.post("/tweets/import", data={"csrf_token": ana._token(), "file": file})
    assert answer.status_code == 303
    page = ana.page(answer.location)
    assert page.index("That moment has passed") < page.index('<th scope="row">1</th>')
    assert page.count("<tr>") == 101
    assert "Schedule 120 tweets" in page
    assert '<th scope="row">120</th>' in ana.page(f"{answer.location}?after=100")
    done = ana.submit(f"{answer.location}/confirm")
    assert done.status_code == 303
    assert "120 tweets of this file were scheduled" in ana.page(done.location)
    bad = ana.client.post(
        "/tweets/import",
        data={"csrf_token": ana._token(), "file": (io.BytesIO(b"a,b"), "my.csv")},
    )
    assert bad.status_code == 422
    assert "Missing: text, when" in bad.text


def test_delivery_of_what_was_imported(world: World, ana: Reader) -> None:
    """What is confirmed late is due at the time that was shown, and nothing is sent before."""
    about, report = found(send(ana, sheet(("Soon", "in one hour"))))
    confirm(ana, about["id"])
    with world.rows():
        job = db.session.scalars(db.select(Delivery).join(Tweet).where(Tweet.text == "Soon")).one()
        shown = report[0]["due_at"].replace("Z", "+00:00")
        assert job.due_at.isoformat(timespec="milliseconds") == shown
