"""The calendar: which tweet is on which day, in every zone and over every night."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from app.db import db, utcnow
from app.models import Delivery, Tweet, User
from app.states import State
from tests.support.planned import Planner
from tests.support.world import World

# (zone, day, the first and the last second of it in UTC, their local times)
NIGHTS = [
    ("Europe/Madrid", "2026-03-29", "2026-03-28T23:00:00", "2026-03-29T21:59:59"),
    ("Europe/Madrid", "2026-10-25", "2026-10-24T22:00:00", "2026-10-25T22:59:59"),
    ("America/New_York", "2026-03-08", "2026-03-08T05:00:00", "2026-03-09T03:59:59"),
    ("America/New_York", "2026-11-01", "2026-11-01T04:00:00", "2026-11-02T04:59:59"),
    ("Asia/Kolkata", "2026-11-01", "2026-10-31T18:30:00", "2026-11-01T18:29:59"),
    ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00", "2026-10-04T12:59:59"),
    ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00", "2026-04-05T13:29:59"),
    ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00", "2011-12-30T09:59:59"),
    ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00", "2011-12-31T09:59:59"),
]


def moment(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def placed(found: Any) -> dict[str, list[str]]:
    """Return the texts of each day that has any."""
    days = found["days"]
    return {day["date"]: [one["text"] for one in day["tweets"]] for day in days if day["tweets"]}


@pytest.fixture
def ana(world: World) -> Planner:
    """Ana, who lives in Madrid and has two accounts."""
    return Planner(world, "Europe/Madrid", ["x", "mastodon"])


def test_every_second_is_on_its_own_day(small_world: World) -> None:
    """The seconds around both midnights of the nights in which clocks change, in each view."""
    for number, (zone, day, first, last) in enumerate(NIGHTS):
        somebody = Planner(small_world, zone)
        start, end = moment(first), moment(last)
        for at in (start - timedelta(seconds=1), start, end, end + timedelta(seconds=1)):
            somebody.plan(f"{number} {at:%H:%M:%S}", at, State.PUBLISHED)
        for view in ("month", "week", "agenda"):
            found = somebody.calendar(view, day)
            own = placed(found)[day]
            assert own == [f"{number} {start:%H:%M:%S}", f"{number} {end:%H:%M:%S}"], (zone, view)
            known = [one for row in found["days"] for one in row["tweets"]]
            for one in known:
                local = datetime.fromisoformat(one["local"])
                assert local.utcoffset() == local.astimezone(ZoneInfo(zone)).utcoffset()
                assert local == datetime.fromisoformat(one["due_at"])
            assert found["timezone"] == zone


def test_an_hour_that_comes_twice(ana: Planner) -> None:
    """Both are on the day, in the order of time, each with the offset of its moment."""
    for hour in (0, 1):
        ana.plan(f"{hour}:30 UTC", datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
    found = ana.calendar("agenda", "2026-10-25")["days"][0]["tweets"]
    assert [one["local"] for one in found] == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
    ]


@pytest.mark.parametrize(
    ("view", "day", "week_start", "first", "last", "count"),
    [
        ("month", "2026-11-15", None, "2026-11-01", "2026-11-30", 30),
        ("month", "2028-02-29", None, "2028-02-01", "2028-02-29", 29),
        ("week", "2026-11-01", None, "2026-10-26", "2026-11-01", 7),
        ("week", "2026-11-01", 7, "2026-11-01", "2026-11-07", 7),
        ("agenda", "2026-11-01", None, "2026-11-01", "2026-11-28", 28),
    ],
)
def test_what_a_view_has(
    small_world: World,
    view: str,
    day: str,
    week_start: int | None,
    first: str,
    last: str,
    count: int,
) -> None:
    """Every day of it is there, also without tweets."""
    somebody = Planner(small_world, "Europe/Madrid")
    with small_world.rows():
        db.session.get_one(User, somebody.user_id).week_start = week_start
        db.session.commit()
    found = somebody.calendar(view, day)
    assert set(found) == {"view", "from", "to", "timezone", "week_start", "days"}
    assert (found["view"], found["from"], found["to"]) == (view, first, last)
    assert found["week_start"] == (week_start or 1)
    days = [one["date"] for one in found["days"]]
    assert (days[0], days[-1], len(days)) == (first, last, count)


def test_a_day_that_was_skipped_is_not_there(small_world: World) -> None:
    """Apia went from 29 to 31 December 2011."""
    found = Planner(small_world, "Pacific/Apia").calendar("week", "2011-12-30")
    assert [one["date"][-2:] for one in found["days"]] == ["25", "26", "27", "28", "29", "31"]


def test_without_a_date_it_is_today(ana: Planner) -> None:
    """And the month, if no view is named; an empty field names nothing."""
    today = utcnow().astimezone(ZoneInfo("Europe/Madrid")).date()
    found = ana.reader.json("/calendar?view=&date=&account=")
    assert (found["view"], found["from"]) == ("month", f"{today:%Y-%m}-01")
    assert ana.reader.json("/calendar?view=agenda")["from"] == today.isoformat()


def test_each_moment_of_a_tweet_is_shown(ana: Planner) -> None:
    """With the networks that are due then, and whether that can still be moved."""
    at = moment("2026-11-10T09:00:00")
    later = at + timedelta(days=1)
    both = ana.plan("Both at once", at, others=[(at, State.SCHEDULED)])
    apart = ana.plan("Apart", at, State.PUBLISHED, others=[(later, State.SCHEDULED)])
    found = ana.calendar("month", "2026-11-01")
    shown = [
        (day["date"], one["id"], one["networks"], one["state"], one["movable"])
        for day in found["days"]
        for one in day["tweets"]
    ]
    assert shown == [
        ("2026-11-10", both, ["x", "mastodon"], "scheduled", True),
        ("2026-11-10", apart, ["x"], "published", False),
        ("2026-11-11", apart, ["mastodon"], "scheduled", True),
    ]
    (one, *_) = found["days"][9]["tweets"]
    assert set(one) == {"id", "text", "due_at", "local", "state", "networks", "movable"}
    assert one["due_at"] == "2026-11-10T09:00:00.000Z"
    assert one["local"] == "2026-11-10T10:00:00+01:00"


def test_the_state_is_the_one_that_matters(ana: Planner) -> None:
    """What failed or waits for its owner is said before what went well; cancelled is not shown."""
    at = moment("2026-11-10T09:00:00")
    cases = [
        (State.PUBLISHED, State.FAILED, "failed", False),
        (State.REVIEW, State.SCHEDULED, "review", True),
        (State.HELD, State.PUBLISHED, "held", True),
        (State.SENDING, State.SCHEDULED, "sending", True),
        (State.CANCELLED, State.PUBLISHED, "published", False),
        (State.SCHEDULED, State.CANCELLED, "scheduled", True),
    ]
    for number, (one, other, _state, _movable) in enumerate(cases):
        ana.plan(str(number), at, one, others=[(at, other)])
    ana.plan("Nothing of it", at, State.CANCELLED, others=[(at, State.CANCELLED)])
    (day,) = [day for day in ana.calendar("month", "2026-11-01")["days"] if day["tweets"]]
    found = [(one["text"], one["state"], one["movable"]) for one in day["tweets"]]
    assert found == [(str(n), state, can) for n, (_, _, state, can) in enumerate(cases)]


def test_one_account_alone(ana: Planner) -> None:
    """Its jobs decide; somebody else's account is not there."""
    at = moment("2026-11-10T09:00:00")
    ana.plan("On both", at, others=[(at, State.FAILED)])
    ana.plan("On X", at)
    first, second = ana.accounts
    on_x = ana.calendar("month", "2026-11-01", account=first)
    assert placed(on_x) == {"2026-11-10": ["On both", "On X"]}
    (one,) = ana.calendar("month", "2026-11-01", account=second)["days"][9]["tweets"]
    assert (one["state"], one["networks"], one["movable"]) == ("failed", ["mastodon"], False)
    ben = Planner(ana.world, "Europe/Madrid")
    assert placed(ben.calendar("month", "2026-11-01")) == {}
    headers = {"Accept": "application/json"}
    path = f"/calendar?account={first}"
    assert ben.reader.client.get(path, headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("view=year", "view"),
        ("date=yesterday", "date"),
        ("date=2026-02-30", "date"),
        ("date=2026-W44-1", "date"),
        ("date=20261101", "date"),
        ("date=9999-12-31", "date"),
        ("date=0001-01-01", "date"),
        ("account=mine", "account"),
        ("account=99999999999999999999", "account"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(small_world: World, query: str, field: str) -> None:
    """With a sentence, for programs and for people."""
    reader = Planner(small_world, "UTC").reader
    answer = reader.client.get(f"/calendar?{query}", headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert answer.json["error"]["field"] == field
    assert answer.json["error"]["message"].endswith(".")
    page = reader.client.get(f"/calendar?{query}")
    assert page.status_code == 422
    assert answer.json["error"]["message"].split("“")[0] in page.text


def test_a_move_keeps_what_is_due_at_other_moments(ana: Planner) -> None:
    """``due_at`` names the jobs that are meant; when none is due then any more, nothing moves."""
    at = utcnow().replace(microsecond=0) + timedelta(days=2)
    later, wanted = at + timedelta(days=1), at + timedelta(days=3)
    tweet_id = ana.plan("Apart", at, others=[(later, State.SCHEDULED)])
    path = f"/tweets/{tweet_id}/reschedule"
    body = {"when": wanted.isoformat(), "due_at": later.isoformat()}
    assert ana.reader.post(path, **body).status_code == 200
    assert due_moments(ana, tweet_id) == [at, wanted]
    again = ana.reader.post(path, **body)
    assert (again.status_code, again.json["error"]["code"]) == (409, "already_being_sent")
    assert due_moments(ana, tweet_id) == [at, wanted]
    assert ana.reader.post(path, when=later.isoformat()).status_code == 200
    assert due_moments(ana, tweet_id) == [later, later]


def due_moments(planner: Planner, tweet_id: int) -> list[datetime]:
    """Return when the jobs of a tweet are due, in the order of its accounts."""
    with planner.world.rows():
        return [one.due_at for one in db.session.get_one(Tweet, tweet_id).deliveries]


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """Note every statement that the database is asked."""
    asked: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        asked.append(statement)

    with world.rows():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    yield asked
    event.remove(engine, "before_cursor_execute", listen)


def test_it_asks_as_often_for_many_as_for_one(ana: Planner) -> None:
    """And finds them by the index of accounts, states and due times."""
    at = moment("2026-11-10T09:00:00")
    ana.plan("One", at)
    with counted(ana.world) as for_one:
        ana.calendar("month", "2026-11-01")
    for number in range(40):
        ana.plan(f"Number {number}", at + timedelta(hours=number), others=[(at, State.SCHEDULED)])
    with counted(ana.world) as for_many:
        found = ana.calendar("month", "2026-11-01")
    assert sum(len(day["tweets"]) for day in found["days"]) > 40
    assert len(for_many) == len(for_one)
    assert not [said for said in for_many if not said.startswith(("SELECT", "WITH"))]
    with ana.world.rows():
        index = {one.name: one for one in Delivery.__table__.indexes}["deliveries_account_due"]
        assert [column.name for column in index.columns] == ["account_id", "state", "due_at"]


# The page


def soon(days: int = 2) -> datetime:
    """Return ten in the morning in Madrid, some days from now."""
    day = utcnow().astimezone(ZoneInfo("Europe/Madrid")).date() + timedelta(days=days)
    return datetime.combine(day, time(10), ZoneInfo("Europe/Madrid")).astimezone(UTC)


def cell_of(page: str, day: date) -> str:
    """Return the cell of a day in the table of a month."""
    for cell in page.split("<td")[1:]:
        if f"date={day}#day-{day}" in cell:
            return cell.split("</td>")[0]
    raise AssertionError(f"{day} is not on the page")


def test_a_month_shows_a_few_and_leads_to_the_rest(ana: Planner) -> None:
    """What failed is among them; an empty day leads to the composer, one that is over nowhere."""
    at = soon()
    texts = ["One", "Two", "Three", "Four"]
    for number, text in enumerate(texts):
        state = State.FAILED if text == "Four" else State.SCHEDULED
        ana.plan(f"Number {text}", at + timedelta(hours=number), state)
    page = ana.reader.page(f"/calendar?view=month&date={at:%Y-%m-%d}")
    cell = cell_of(page, at.date())
    assert [text for text in texts if f"Number {text}" in cell] == ["One", "Two", "Four"]
    assert "+1 more" in cell
    assert f'href="/calendar?view=agenda&amp;date={at:%Y-%m-%d}"' in cell
    assert f'href="/?when={at:%Y-%m-%d}+09:00"' in cell
    assert cell.count("data-movable") == 2
    assert ">Failed" in cell.replace("> ", ">")
    today = utcnow().astimezone(ZoneInfo("Europe/Madrid")).date()
    page = ana.reader.page("/calendar")
    assert 'aria-current="date"' in page
    before = today - timedelta(days=1)
    page = ana.reader.page(f"/calendar?date={before}")
    assert "/?when=" not in cell_of(page, before)
    assert "data-drop" not in cell_of(page, before)
    for text in texts:
        assert f"Number {text}" in ana.reader.page(f"/calendar?view=agenda&date={at:%Y-%m-%d}")


def test_the_composer_opens_for_a_time(ana: Planner) -> None:
    """The field has it, and the page says how it is understood; what is no time is said, too."""
    page = ana.reader.page(f"/?when={soon():%Y-%m-%d}+09:00")
    assert f'value="{soon():%Y-%m-%d} 09:00"' in page
    assert 'value="later" checked' in page
    assert "09:00 (Europe/Madrid)" in page
    assert "We did not understand that time." in ana.reader.page("/?when=banana")


def test_the_night_in_a_week(small_world: World) -> None:
    """An hour that does not exist takes nothing; the row of a doubled one has both offsets."""
    somebody = Planner(small_world, "Europe/Madrid")
    spring = somebody.reader.page("/calendar?view=week&date=2027-03-28")
    assert spring.count("no such hour") == 1
    assert 'data-drop="2027-03-28" data-hour="03"' in spring
    assert 'data-drop="2027-03-28" data-hour="02"' not in spring
    for hour in (0, 1):
        somebody.plan(f"At {hour}", datetime(2027, 10, 31, hour, 30, tzinfo=UTC))
    autumn = somebody.reader.page("/calendar?view=week&date=2027-10-31")
    assert "02:30 (UTC+2)" in autumn
    assert "02:30 (UTC+1)" in autumn


def test_moving_without_scripts(ana: Planner) -> None:
    """A form asks, and leads back to the calendar it came from, which says the new time."""
    at = soon()
    tweet_id = ana.plan("Mine", at)
    day = f"{at:%Y-%m-%d}"
    listed = ana.reader.page(f"/calendar?view=agenda&date={day}&account={ana.accounts[0]}")
    link = re.search(rf'href="(/tweets/{tweet_id}/move\?[^"]+)"', listed)
    assert link
    form = ana.reader.page(html.unescape(link[1]))
    assert f'value="{day}T10:00"' in form
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    del fields["csrf_token"]
    path = f"/tweets/{tweet_id}/reschedule"
    refused = ana.reader.submit(path, **fields, when="2020-01-01T10:00")
    assert refused.status_code == 422
    assert "That moment has passed." in refused.text
    assert 'value="2020-01-01T10:00"' in refused.text
    moved = ana.reader.submit(path, **fields, when=f"{soon(3):%Y-%m-%d}T12:30")
    assert moved.status_code == 303
    place = f"/calendar?view=agenda&date={day}&account={ana.accounts[0]}"
    assert moved.headers["Location"] == place
    assert "12:30 (Europe/Madrid)." in ana.reader.page(place)
    assert due_moments(ana, tweet_id) == [soon(3) + timedelta(hours=2, minutes=30)]
    assert ana.reader.client.get(html.unescape(link[1])).status_code == 409


def test_what_was_sent_cannot_be_moved(ana: Planner) -> None:
    """No link offers it, and the call says why not."""
    at = soon()
    tweet_id = ana.plan("Out", at, State.PUBLISHED)
    assert "/move?" not in ana.reader.page(f"/calendar?view=agenda&date={at:%Y-%m-%d}")
    answer = ana.reader.post(f"/tweets/{tweet_id}/reschedule", when="in 5 days")
    assert answer.status_code == 409
    assert "already being sent or is finished" in answer.json["error"]["message"]
    ben = Planner(ana.world, "UTC")
    assert ben.reader.client.get(f"/tweets/{tweet_id}/move").status_code == 404


def test_a_week_of_ones_own(ana: Planner) -> None:
    """The settings have its first day: empty for the country's, and left out changes nothing."""
    kept = {"timezone": "Europe/Madrid", "locale": "en", "late_tolerance_hours": "6"}
    for given, week_start in (("7", 7), (None, 7), ("", 1)):
        chosen = {} if given is None else {"week_start": given}
        assert ana.reader.submit("/settings", **kept, **chosen).status_code == 303
        assert ana.calendar("week", "2026-11-04")["week_start"] == week_start
    wrong = ana.reader.submit("/settings", **kept, week_start="8")
    assert wrong.status_code == 422
    assert "Choose the day on which your week begins" in wrong.text
