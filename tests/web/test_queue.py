"""Slots of an account and its queue over HTTP: what is free, who gets it, in which order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from app.db import db, from_now, utcnow
from app.models import BestHours, Delivery, Tweet, User, slot
from app.planning import queue
from app.states import State
from app.when import Slot
from tests.conftest import MakeWorld
from tests.support.world import World
from tests.web.test_interests import JSON, send, signed_in, submit

MADRID = "Europe/Madrid"
MORNINGS = [{"weekday": day, "time": "09:00"} for day in range(1, 8)]


class Person:
    """Somebody in Madrid who is signed in, with an account on X."""

    def __init__(self, world: World, handle: str) -> None:
        self.world = world
        self.client = signed_in(world, handle)
        with world.rows():
            user = User.by_handle(handle)
            user.timezone = MADRID
            self.id, self.account = user.id, user.accounts[0].id
            db.session.commit()

    def get(self, path: str) -> dict[str, Any]:
        """Ask as a program does."""
        answer = self.client.get(path, headers=JSON)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def slots(self, slots: Any, account: int | None = None) -> dict[str, Any]:
        """Give an account slots."""
        path = f"/accounts/{account or self.account}/slots"
        answer = send(self.client, "PUT", path, slots=slots)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def next(self, account: int | None = None) -> list[str]:
        """Return the next free moments."""
        found = self.get(f"/accounts/{account or self.account}/slots")["next"]
        return [one["due_at"] for one in found]

    def add(self, text: str, **more: Any) -> dict[str, Any]:
        """Add a tweet to the queue."""
        answer = send(self.client, "POST", "/tweets", text=text, queue=True, **more)
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def queue(self) -> list[str]:
        """Return the jobs in the queue."""
        found = self.get(f"/accounts/{self.account}/queue")["queue"]
        assert [one["due_at"] for one in found] == sorted(one["due_at"] for one in found)
        return [one["job_id"] for one in found]

    def row(self, job_id: str, **values: Any) -> None:
        """Let a job be as a worker leaves it."""
        with self.world.rows():
            db.session.execute(db.update(Delivery).where(Delivery.id == job_id).values(values))
            db.session.commit()


@pytest.fixture
def ana(small_world: World) -> Person:
    """Ana, without slots."""
    return Person(small_world, "ana")


def test_slots_are_kept_and_their_next_moments_told(ana: Person) -> None:
    """In the order of the week, each once; ten free moments with the wall time of each."""
    empty = ana.get(f"/accounts/{ana.account}/slots")
    assert empty == {"slots": [], "timezone": MADRID, "next": []}
    sunday, monday = {"weekday": 7, "time": "23:59"}, {"weekday": 1, "time": "00:00"}
    told = ana.slots([sunday, monday, sunday])
    assert told["slots"] == [monday, sunday]
    assert told == ana.get(f"/accounts/{ana.account}/slots")
    assert len(told["next"]) == 10
    for one in told["next"]:
        local = datetime.fromisoformat(one["local"])
        assert local == datetime.fromisoformat(one["due_at"])
        assert local.utcoffset() == local.astimezone(ZoneInfo(MADRID)).utcoffset()
        assert {"weekday": local.isoweekday(), "time": f"{local:%H:%M}"} in told["slots"]
        assert local > utcnow()
        assert one["note"] is None
    assert ana.slots([])["next"] == []


def test_a_time_that_a_night_skips_says_so(ana: Person) -> None:
    """02:30 on the last Sunday of March goes out at 03:30, and only that one has a note."""
    with ana.world.rows():
        account = db.session.get_one(User, ana.id).accounts[0]
        slot.choose(account.id, [Slot(7, time(2, 30))])
        db.session.refresh(account)
        found = slot.next_free(account, ZoneInfo(MADRID), 60)
    gaps = [one.at.astimezone(ZoneInfo(MADRID)) for one in found if one.note == "gap"]
    assert {(one.month, f"{one:%a %H:%M}") for one in gaps} == {(3, "Sun 03:30")}
    told = ana.get(f"/accounts/{ana.account}/slots")["next"]
    assert all((one["note"] is None) == ("T02:30" in one["local"]) for one in told)
    refused = ana.client.get("/when?when=2027-03-28T02:30", headers=JSON)
    assert refused.get_json()["error"]["code"] == "gap"


REFUSED = [
    ({}, "missing", "slots"),
    ({"slots": None}, "wrong_type", "slots"),
    ({"slots": [{"weekday": 0, "time": "09:00"}]}, "bad_weekday", "slots"),
    ({"slots": [{"weekday": 8, "time": "09:00"}]}, "bad_weekday", "slots"),
    ({"slots": [{"weekday": "1", "time": "09:00"}]}, "wrong_type", "slots"),
    ({"slots": [{"weekday": 1, "time": "9:00"}]}, "bad_time", "slots"),
    ({"slots": [{"weekday": 1, "time": "24:00"}]}, "bad_time", "slots"),
    ({"slots": [{"weekday": 1}]}, "missing", "slots"),
    ({"slots": MORNINGS * 49}, "too_many", "slots"),
    ({"slots": [], "zone": "UTC"}, "unknown_name", "zone"),
]


def test_what_is_no_slot(ana: Person) -> None:
    """Refused by name, and nothing is changed."""
    before = ana.slots(MORNINGS)["slots"]
    for body, code, field in REFUSED:
        answer = send(ana.client, "PUT", f"/accounts/{ana.account}/slots", **body)
        assert answer.status_code == 422, body
        error = answer.get_json()["error"]
        assert (error["code"], error["field"], bool(error["message"])) == (code, field, True)
    assert ana.get(f"/accounts/{ana.account}/slots")["slots"] == before


def test_each_takes_the_next_free_slot(ana: Person) -> None:
    """Also one after the other; the same key is the same tweet; what ends is free again."""
    ana.slots(MORNINGS)
    free = ana.next()
    first = ana.add("One", submit_id="one")
    assert first["jobs"][0]["due_at"] == first["tweet"]["due_at"] == free[0]
    assert ana.add("One", submit_id="one")["jobs"] == first["jobs"]
    second, third = ana.add("Two"), ana.add("Three")
    assert [one["jobs"][0]["due_at"] for one in (second, third)] == free[1:3]
    assert ana.next()[:7] == free[3:]
    assert ana.queue() == [one["job_id"] for one in (first, second, third)]
    send(ana.client, "POST", f"/tweets/{second['tweet']['id']}/cancel")
    assert ana.next()[0] == free[1]
    send(ana.client, "POST", f"/tweets/{first['tweet']['id']}/reschedule", when="in 20 minutes")
    assert ana.queue() == [third["job_id"]]
    assert [ana.add(text)["jobs"][0]["due_at"] for text in ("Four", "Five")] == free[:2]
    typed = send(ana.client, "POST", "/tweets", text="At that time", when=free[3]).get_json()
    assert typed["jobs"][0]["due_at"] == free[3]
    assert ana.next()[0] == free[4]  # nobody wants two at once
    assert typed["job_id"] not in ana.queue()


def test_each_account_has_slots_of_its_own(ana: Person) -> None:
    """The tweet is due with the first of its jobs, also after that is cancelled or moved."""
    ana.slots([{"weekday": day, "time": "12:00"} for day in range(1, 8)])
    other = ana.world.connect(ana.id, "mastodon", "ana")
    both = [ana.account, other]
    refused = send(ana.client, "POST", "/tweets", text="Both", queue=True, accounts=both)
    error = refused.get_json()["error"]
    assert (refused.status_code, error["code"], error["field"]) == (422, "no_slots", "accounts")
    with ana.world.rows():
        handle = {one.id: one.handle for one in db.session.get_one(User, ana.id).accounts}[other]
        assert db.session.scalar(db.select(db.func.count(Tweet.id))) == 0
    assert f"@{handle}" in error["message"]
    tomorrow = (utcnow().astimezone(ZoneInfo(MADRID)) + timedelta(days=2)).isoweekday()
    ana.slots([{"weekday": tomorrow, "time": "08:00"}], other)
    expected = {ana.account: ana.next()[0], other: ana.next(other)[0]}
    stored = ana.add("Both", accounts=both)
    assert [one["due_at"] for one in stored["jobs"]] == [expected[one] for one in both]
    path = f"/tweets/{stored['tweet']['id']}"
    assert stored["tweet"]["due_at"] == ana.get(path)["tweet"]["due_at"] == min(expected.values())
    assert [one["due_at"] for one in ana.get(path)["jobs"]] == [expected[one] for one in both]
    first = min(stored["jobs"], key=lambda one: one["due_at"])["job_id"]
    send(ana.client, "POST", f"{path}/cancel", job_id=first)
    assert ana.get(path)["tweet"]["due_at"] == max(expected.values())


def test_the_queue_or_a_time(ana: Person) -> None:
    """Not both; what is wrong stores nothing."""
    ana.slots(MORNINGS)
    for more in ({"when": "in 2 hours"}, {"mode": "now"}, {"mode": "later"}):
        answer = send(ana.client, "POST", "/tweets", text="Both", queue=True, **more)
        error = answer.get_json()["error"]
        assert (answer.status_code, error["code"], error["field"]) == (422, "queue_or_time", "when")
    answer = send(ana.client, "POST", "/tweets", text="Queued", mode="queue")
    assert answer.get_json()["jobs"][0]["due_at"] in ana.get(f"/tweets/{1}")["tweet"]["due_at"]
    with ana.world.rows():
        assert db.session.scalar(db.select(db.func.count(Tweet.id))) == 1
        user = db.session.get_one(User, ana.id)
        job = user.tweet_later("From the shell", queue=True)
        with pytest.raises(ValueError, match="either"):
            user.tweet_later("Both", "in one hour", queue=True)
    assert job in ana.queue()


def together(count: int, work: Callable[[int], None]) -> None:
    """Let this be done so many times in the same moment, in threads."""
    ready, errors = threading.Barrier(count), list[BaseException]()

    def run(number: int) -> None:
        ready.wait(30)
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_many_at_the_same_instant(make_world: MakeWorld, database_url: str) -> None:
    """200 get the first 200 free slots, each another one; nobody is refused."""
    world = make_world(database_url)
    user_id = world.user("ana")
    account_id = world.accounts_of(user_id)[0]
    with world.rows():
        slot.choose(account_id, [Slot(day, time.min) for day in range(1, 8)])
        account = db.session.get_one(User, user_id).accounts[0]
        free = [one.at for one in slot.next_free(account, ZoneInfo("UTC"), 200)]

    def add(number: int) -> None:
        with world.app.app_context():
            db.session.get_one(User, user_id).tweet_later(f"Number {number}", queue=True)

    together(200, add)
    with world.rows():
        taken = db.session.scalars(db.select(Delivery.due_at).order_by(Delivery.due_at)).all()
        same = db.select(db.func.count(Tweet.id)).join(Delivery, Delivery.tweet_id == Tweet.id)
        assert db.session.scalar(same.where(Delivery.due_at == Tweet.due_at)) == 200
    assert taken == free


def test_shuffle_and_top(ana: Person) -> None:
    """The times stay, what has them changes; each tweet is due with its job."""
    ana.slots(MORNINGS)
    jobs = [ana.add(f"Number {number}")["job_id"] for number in range(6)]
    path = f"/accounts/{ana.account}/queue"
    before = ana.get(path)["queue"]
    answer = send(ana.client, "POST", f"{path}/shuffle")
    after = answer.get_json()["queue"]
    assert answer.status_code == 200
    assert after == ana.get(path)["queue"] != before
    assert [one["due_at"] for one in after] == [one["due_at"] for one in before]
    assert {one["job_id"] for one in after} == set(jobs)
    order = [one["job_id"] for one in after]
    top = send(ana.client, "POST", f"{path}/{order[3]}/top").get_json()["queue"]
    assert [one["job_id"] for one in top] == [order[3], *order[:3], *order[4:]]
    assert [one["due_at"] for one in top] == [one["due_at"] for one in before]
    again = send(ana.client, "POST", f"{path}/{order[3]}/top").get_json()["queue"]
    assert again == top
    with ana.world.rows():
        rows = db.session.scalars(db.select(Delivery).order_by(Delivery.due_at)).all()
        assert [row.id for row in rows] == [one["job_id"] for one in top]
        for row in rows:
            assert row.due_at == row.not_before == row.next_at == row.slot_at == row.tweet.due_at


def test_what_has_begun_is_not_moved(ana: Person) -> None:
    """What is due, tried, being sent or moved elsewhere keeps its time, whatever is shuffled."""
    ana.slots(MORNINGS)
    jobs = [ana.add(f"Number {number}")["job_id"] for number in range(6)]
    past = from_now(-5)
    ana.row(jobs[0], due_at=past, slot_at=past, not_before=past)
    leased = {"owner": "host:1:a", "fence": 1, "lease_until": from_now(60), "attempts": 1}
    ana.row(jobs[1], state=State.SENDING, **leased)
    ana.row(jobs[2], not_before=from_now(90_000), attempts=1)
    assert ana.queue() == jobs[3:]
    with ana.world.rows():
        kept = {one: db.session.get_one(Delivery, one).due_at for one in jobs[:3]}
    path = f"/accounts/{ana.account}/queue"
    send(ana.client, "POST", f"{path}/shuffle")
    for job in jobs[:3]:
        answer = send(ana.client, "POST", f"{path}/{job}/top")
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "not_in_queue")
    with ana.world.rows():
        assert kept == {one: db.session.get_one(Delivery, one).due_at for one in jobs[:3]}
    unknown = send(ana.client, "POST", f"{path}/nobody/top")
    assert unknown.status_code == 404


def test_what_waits_for_its_account_keeps_its_place(ana: Person) -> None:
    """It is held and stays held when it is moved; a job of another account has no place here."""
    ana.slots(MORNINGS)
    first, second = (ana.add(text)["job_id"] for text in ("One", "Two"))
    ana.row(second, state=State.HELD, hold_reason="reconnect", next_at=None)
    path = f"/accounts/{ana.account}/queue"
    moved = send(ana.client, "POST", f"{path}/{second}/top").get_json()["queue"]
    assert [one["job_id"] for one in moved] == [second, first]
    assert ana.world.states([second]) == {second: State.HELD}
    other = ana.world.connect(ana.id, "mastodon", "ana")
    wrong = send(ana.client, "POST", f"/accounts/{other}/queue/{second}/top")
    assert wrong.status_code == 404


def test_shuffling_while_others_add(make_world: MakeWorld, database_url: str) -> None:
    """Whoever adds, shuffles or moves at once: no slot is taken twice, none is lost."""
    world = make_world(database_url)
    user_id = world.user("ana")
    account_id = world.accounts_of(user_id)[0]
    with world.rows():
        slot.choose(account_id, [Slot(day, time.min) for day in range(1, 8)])
        account = db.session.get_one(User, user_id).accounts[0]
        free = [one.at for one in slot.next_free(account, ZoneInfo("UTC"), 24)]
        user = db.session.get_one(User, user_id)
        jobs = [user.tweet_later(f"First {number}", queue=True) for number in range(12)]

    def work(number: int) -> None:
        with world.app.app_context():
            if number % 3 == 0:
                db.session.get_one(User, user_id).tweet_later(f"Then {number}", queue=True)
            elif number % 3 == 1:
                queue.shuffle(account_id)
            else:
                queue.to_top(account_id, jobs[number % 12])

    together(36, work)
    with world.rows():
        assert sorted(db.session.scalars(db.select(Delivery.due_at)).all()) == free
        assert [one.due_at for one in queue.listed(account_id)] == free


def test_the_page(ana: Person) -> None:
    """Slots are typed for many days at once, and changed by the week; without scripts."""
    path = f"/accounts/{ana.account}/slots"
    page = ana.client.get(path).text
    assert page.count("checked") == 5  # Monday to Friday
    wrong = submit(ana.client, path, day="1", times="9:00, noon")
    assert wrong.status_code == 422
    assert 'value="9:00, noon"' in wrong.text
    assert "Write times of day like" in wrong.text
    assert submit(ana.client, path, times="9:00").status_code == 422  # on no day
    several = {"day": ["1", "2"], "times": "9, 1:30 pm 13.30"}
    assert submit(ana.client, path, **several).status_code == 303
    told = ana.get(path)["slots"]
    assert told == [{"weekday": d, "time": t} for d in (1, 2) for t in ("09:00", "13:30")]
    week = {f"times-{day}": "" for day in range(1, 8)} | {"times-2": "07:15"}
    assert submit(ana.client, path, **week).status_code == 303
    assert ana.get(path)["slots"] == [{"weekday": 2, "time": "07:15"}]
    first, second = ana.add("The first words"), ana.add("The <second> words")
    shown = ana.client.get(f"/accounts/{ana.account}/queue").text
    assert shown.index("The first words") < shown.index("The &lt;second&gt; words")
    moved = submit(ana.client, f"/accounts/{ana.account}/queue/{second['job_id']}/top")
    assert moved.status_code == 303
    assert ana.queue() == [second["job_id"], first["job_id"]]
    assert ana.client.get("/queue").location == f"/accounts/{ana.account}/queue"
    ana.world.connect(ana.id, "mastodon", "ana")
    assert "No slots yet" in ana.client.get("/queue").text


def test_best_hours_are_suggested(ana: Person) -> None:
    """Those that are no slots yet, when they were found in the person's zone."""
    with ana.world.rows():
        best = [{"weekday": 3, "hour": 18}, {"weekday": 5, "hour": 8}]
        row = BestHours(account_id=ana.account, posts=99, best=best, zone=MADRID)
        db.session.add(row)
        db.session.commit()
    path = f"/accounts/{ana.account}/slots"
    assert "Add Wednesday 18:00" in ana.client.get(path).text
    submit(ana.client, path, day="3", times="18:00")
    page = ana.client.get(path).text
    assert "Add Wednesday 18:00" not in page
    assert "Add Friday 08:00" in page


def test_the_composer_offers_the_queue(ana: Person) -> None:
    """With slots it is a choice; without, it says where to make some. A form can use it."""
    start = ana.client.get("/").text
    assert 'value="queue"' in start
    assert f'href="/accounts/{ana.account}/slots"' in start
    page = submit(ana.client, "/tweets", text="No slots", mode="queue")
    assert page.status_code == 422
    assert "has no slots yet" in page.text
    ana.slots(MORNINGS)
    assert f'href="/accounts/{ana.account}/slots"' not in ana.client.get("/").text
    both = submit(ana.client, "/tweets", text="Queued", mode="queue", when="in 2 hours")
    assert both.status_code == 422
    free = ana.next()[0]
    checked = submit(ana.client, "/tweets", text="Queued", mode="queue", check="1")
    assert 'value="queue" checked' in checked.text
    assert "09:00" in checked.text
    assert submit(ana.client, "/tweets", text="Queued", mode="queue").status_code == 303
    with ana.world.rows():
        assert db.session.scalars(db.select(Tweet.due_at)).one() == datetime.fromisoformat(free)


def test_nobody_else(ana: Person) -> None:
    """An account of somebody else does not exist, nor does a job of theirs."""
    ana.slots(MORNINGS)
    job = ana.add("Mine")["job_id"]
    ben: FlaskClient = signed_in(ana.world, "ben")
    for method, path in (
        ("GET", "slots"),
        ("PUT", "slots"),
        ("GET", "queue"),
        ("POST", "queue/shuffle"),
        ("POST", f"queue/{job}/top"),
    ):
        answer = send(ben, method, f"/accounts/{ana.account}/{path}", slots=[])
        assert answer.status_code == 404, path
    assert ana.queue() == [job]
