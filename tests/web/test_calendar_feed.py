"""A calendar at a secret address: what is in it, and who can read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from app.db import db, utcnow
from app.models import CalendarFeed
from app.server.wsgi import _for_log
from app.states import State
from tests.support import full_list
from tests.support.planned import Planner
from tests.support.reader import Reader
from tests.support.world import World

TEXT = "Hello; world, “quoted” \\ and\nan ä that makes a line longer than seventy-five octets 🎉"


@pytest.fixture
def ana(world: World) -> Reader:
    """Ana, with twenty tweets."""
    with world.rows():
        return Reader(world, *full_list.fill())


def new_url(reader: Reader) -> str:
    """Make an address."""
    answer = reader.post("/settings/calendar-feed")
    assert answer.status_code == 200
    url: str = answer.json["url"]
    return url


def path_of(url: str) -> str:
    """Return what comes behind the name of the site."""
    return "/calendar/" + url.rpartition("/")[2]


def events(world: World, url: str) -> dict[str, Any]:
    """Read a calendar as a program does that knows nothing but its address; events by UID."""
    answer = world.app.test_client().get(path_of(url))
    assert answer.status_code == 200
    assert answer.mimetype == "text/calendar"
    assert all(len(line) <= 75 for line in answer.data.split(b"\r\n"))
    found = Calendar.from_ical(answer.data).walk("VEVENT")
    by_uid = {str(event["uid"]): event for event in found}
    assert len(by_uid) == len(found)
    return by_uid


def test_events(world: World, ana: Reader) -> None:
    """One for each tweet that is not cancelled; it keeps its UID when it is moved and edited."""
    made = ana.post("/tweets", text=TEXT, when="2027-03-28T12:00:00+02:00").json["tweet"]["id"]
    url = new_url(ana)
    assert url.startswith(world.app.config["SITE_URL"] + "/calendar/")
    before = events(world, url)
    assert len(before) == 20  # of 21 one is cancelled
    (uid,) = [uid for uid, event in before.items() if str(event["description"]) == TEXT]
    assert before[uid].decoded("dtstart") == datetime(2027, 3, 28, 10, tzinfo=UTC)
    assert str(before[uid]["url"]).endswith(f"/tweets/{made}")
    ana.post(f"/tweets/{made}/reschedule", when="2027-04-01 09:30")
    ana.change(f"/tweets/{made}", text="Short")
    after = events(world, url)
    assert after.keys() == before.keys()
    assert after[uid].decoded("dtstart") == datetime(2027, 4, 1, 7, 30, tzinfo=UTC)
    assert str(after[uid]["summary"]) == "Short"
    ana.post(f"/tweets/{made}/cancel")
    assert uid not in events(world, url)


def test_accounts_with_times_of_their_own(world: World) -> None:
    """An event for each moment; it stays when all is moved, and goes when its job is cancelled."""
    ben = Planner(world, "Europe/Madrid", ["x", "mastodon", "bluesky"])
    at = utcnow().replace(microsecond=0) + timedelta(days=2)
    later = at + timedelta(days=1)
    waits = State.SCHEDULED
    tweet_id = ben.plan("Apart", at, others=[(later, waits), (at, waits)])
    url = new_url(ben.reader)
    found = events(world, url)
    due = {event.decoded("dtstart"): uid for uid, event in found.items()}
    assert sorted(due) == [at, later]
    path = f"/tweets/{tweet_id}"
    moved = later + timedelta(hours=1)
    body = {"when": moved.isoformat(), "due_at": later.isoformat()}
    assert ben.reader.post(f"{path}/reschedule", **body).status_code == 200
    assert events(world, url)[due[later]].decoded("dtstart") == moved
    assert ben.reader.post(f"{path}/cancel", job_id=due[later].split("@")[0]).status_code == 200
    assert list(events(world, url)) == [due[at]]


def test_it_can_be_switched_off(world: World, ana: Reader) -> None:
    """By a program and by a button; twice is as good as once, and a new one is another one."""
    urls = [new_url(ana)]
    button = "/settings/calendar-feed/delete"
    assert button in ana.page("/settings")
    assert ana.delete("/settings/calendar-feed").status_code == 204
    assert ana.delete("/settings/calendar-feed").status_code == 204
    assert button not in ana.page("/settings")
    urls.append(new_url(ana))
    assert events(world, urls[1])
    assert ana.submit(button).status_code == 303
    for gone in urls:
        assert world.app.test_client().get(path_of(gone)).status_code == 404


def test_secret(world: World, ana: Reader) -> None:
    """A new address ends the one before; nobody finds one in the database or in a log."""
    old = new_url(ana)
    url = new_url(ana)
    client = world.app.test_client()
    assert events(world, url)
    for gone in (path_of(old), "/calendar/unknown.ics"):
        assert client.get(gone).status_code == 404
    secret = path_of(url).removeprefix("/calendar/").removesuffix(".ics")
    with world.rows():
        row = db.session.scalars(db.select(CalendarFeed)).one()
        assert secret not in f"{row.secret_hash} {row.user_id}"
    told = _for_log({"PATH_INFO": path_of(url), "RAW_URI": path_of(url)})
    assert secret not in str(told)
    page = ana.submit("/settings/calendar-feed")
    assert "/calendar/" in page.text
    assert "Make a new address" in ana.page("/settings")
    with world.rows():
        ben = Reader(world, *full_list.fill())
    theirs = events(world, new_url(ben))
    assert theirs
    newest = page.text.split("/calendar/")[1].split(".ics")[0]
    assert not theirs.keys() & events(world, f"/{newest}.ics").keys()
