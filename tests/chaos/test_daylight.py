"""Clocks on walls go forward and back, in three zones: through the form and out at the moment."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
import requests

from app.db import db, utcnow
from app.models import Delivery, Tweet
from app.states import State
from tests.conftest import MakeWorld
from tests.support.clocks import PostgresClock
from tests.support.figures import sized
from tests.support.visitor import Visitor
from tests.support.world import World

pytestmark = pytest.mark.timeout(sized(600, 900))

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
FAR = timedelta(hours=3)
"""Farther from a change than any zone's clocks move."""


@dataclass(frozen=True)
class Change:
    """The moment in UTC at which a zone's clocks are set, and by how much."""

    zone: ZoneInfo
    at: datetime
    by: timedelta

    @property
    def middle(self) -> datetime:
        """The wall time in the middle of those that are left out, or come twice."""
        before = (self.at - timedelta(seconds=1)).astimezone(self.zone).utcoffset() or timedelta()
        return (self.at + before + self.by / 2).replace(tzinfo=None)

    def wall(self, at: datetime) -> str:
        """Return what a person there types for a moment."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}"


def next_changes(name: str) -> list[Change]:
    """Find the next two changes of a zone by looking at every half hour."""
    zone = ZoneInfo(name)
    moment = utcnow().replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    found: list[Change] = []
    while len(found) < 2:
        following = moment + timedelta(minutes=30)
        before, after = (at.astimezone(zone).utcoffset() for at in (moment, following))
        assert before is not None
        assert after is not None
        if before != after:
            found.append(Change(zone, following, after - before))
        moment = following
    return found


def test_around_every_change(make_world: MakeWorld, postgres_url: str) -> None:
    """Times before and after are what they say, a gap is refused by name, of two the first counts.

    Then the year passes, and each tweet goes out at its moment and not before.
    """
    world = make_world(postgres_url)
    world.site = world.start_web()
    moments: dict[str, datetime] = {}
    for name in ZONES:
        owner = Visitor(world.site)
        owner.sign_in(name.rpartition("/")[2].lower())
        changes = next_changes(name)
        assert {change.by > timedelta(0) for change in changes} == {True, False}
        for change in changes:
            write_around(owner, change, moments)
            if change.by > timedelta(0):
                refuse_the_gap(owner, change)
            else:
                take_the_first(owner, change, moments)
    assert due_times(world) == moments
    with closing(PostgresClock(postgres_url)) as clock:
        world.start_worker()
        live_through(world, clock, moments)
    assert world.sandbox.texts() == dict.fromkeys(moments, 1)


def write_around(owner: Visitor, change: Change, moments: dict[str, datetime]) -> None:
    """Write a tweet for the hours before a change and one for those after."""
    for at in (change.at - FAR, change.at + FAR):
        text = f"At {change.wall(at)} in {change.zone.key}"
        answer = submit(owner, change, text, change.wall(at))
        assert answer.status_code == 200
        moments[text] = at


def refuse_the_gap(owner: Visitor, change: Change) -> None:
    """A time that no clock will show is refused in words, and nothing is stored."""
    wall = change.middle
    answer = submit(owner, change, "Never", f"{wall:%Y-%m-%d %H:%M}")
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert f"{wall:%H:%M} does not exist on {wall:%Y-%m-%d} in {change.zone.key}" in page
    first = change.at.astimezone(change.zone)
    assert f"The next time that exists is {first:%H:%M}." in page


def take_the_first(owner: Visitor, change: Change, moments: dict[str, datetime]) -> None:
    """A time that comes twice is shown with a note, and means the first."""
    words = f"{change.middle:%Y-%m-%d %H:%M}"
    text = f"Twice at {words} in {change.zone.key}"
    checked = submit(owner, change, text, words, check="1")
    assert "This time happens twice that night" in unescape(checked.text)
    assert submit(owner, change, text, words).status_code == 200
    moments[text] = change.at - abs(change.by) / 2


def submit(owner: Visitor, change: Change, text: str, when: str, **more: str) -> requests.Response:
    """Send the form as a browser in that zone does."""
    return owner.submit("/tweets", text=text, when=when, timezone=change.zone.key, **more)


def due_times(world: World) -> dict[str, datetime]:
    """Return when each tweet is due."""
    with world.rows():
        rows = db.session.execute(
            db.select(Tweet.text, Delivery.due_at).join(Delivery, Delivery.tweet_id == Tweet.id)
        )
        return {row.text: row.due_at for row in rows}


def live_through(world: World, clock: PostgresClock, moments: dict[str, datetime]) -> None:
    """Set the clock a second before each moment in turn; what is due goes out, and nothing else."""
    with world.rows():
        found = db.session.execute(db.select(Tweet.text, Delivery.id).join(Delivery))
        job_of = {row.text: row.id for row in found}
    waiting = sorted(moments, key=lambda text: moments[text])
    while waiting:
        text = waiting.pop(0)
        clock.set((moments[text] - datetime.now(UTC)).total_seconds() - 1)
        published = world.until_state(job_of[text], State.PUBLISHED)
        assert published.accepted_at
        assert 0 <= (published.accepted_at - moments[text]).total_seconds() < 30
        others = world.states([job_of[other] for other in waiting]).values()
        assert set(others) <= {State.SCHEDULED}
