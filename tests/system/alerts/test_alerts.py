"""Operators are told once when something is wrong, and once when it is over."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
import requests
from flask import Flask

import config
from app import background, create_app
from app.alerts import episodes
from app.alerts.conditions import Seen, look
from app.db import db, from_now, utcnow
from app.models import (
    Alert,
    AlertMessage,
    AlertWatch,
    BackgroundTask,
    Condition,
    Delivery,
    Told,
    Worker,
)
from app.states import State
from tests.conftest import MakeWorld
from tests.support.receiver import PASSWORD, Receiver
from tests.support.scripted import ScriptedServer
from tests.support.waiting import wait_for
from tests.support.world import World

QUICK = {
    "APP_URL": "https://tweets.example",
    "ALERT_OVERDUE": "1",
    "ALERT_UNCONFIRMED": "2",
    "ALERT_NO_WORKER": "1",
    "ALERT_OVER_AFTER": "1",
    "ALERT_FULL": "100",
}
NO_WORKER = "No worker is running"
FULL = "Redis is nearly out of memory"


@pytest.fixture
def receiver(scripted: ScriptedServer) -> Receiver:
    """Somebody who is told."""
    return Receiver(scripted)


@contextmanager
def watching(world: World, processes: int = 1) -> Iterator[None]:
    """Let so many web processes take part, each with an app of its own."""
    with ExitStack() as stack:
        for _ in range(processes):
            app = create_app(config.load(world.environ))
            stack.callback(disconnect, app)
            app.extensions["alerts"].start()
            stack.callback(app.extensions["alerts"].stop)
        yield


def disconnect(app: Flask) -> None:
    """Close an app's connections to its database."""
    with app.app_context():
        db.engine.dispose()


def change(world: World, *statements: object) -> None:
    """Change rows as the engine would."""
    with world.rows():
        for statement in statements:
            db.session.execute(statement)  # type: ignore[call-overload]
        db.session.commit()


def add_worker(world: World, queues: str) -> None:
    """Add the heartbeat of a worker that stays."""
    with world.rows():
        seen = from_now(3600)
        db.session.add(Worker(name="w:1", started_at=from_now(), seen_at=seen, queues=queues))
        db.session.commit()


def run_limits(world: World, *reasons: str) -> None:
    """Let a worker do the work ``limits`` so many times; it fails for each reason that is given."""
    with world.rows():
        for reason in reasons:
            background.begin_intervals("limits", "", 3600)
            background.soon("limits")
            db.session.commit()
            (run,) = background.claim(["limits"], 1, "w:1")
            if reason:
                run.fail(reason)
            else:
                run.finish()


def fill_redis(world: World, percent: int) -> None:
    """Let Redis have as little memory as that; 0 lets it have all there is."""
    used = 4_000_000
    world.valkey.command("CONFIG", "SET", "maxmemory", str(used * 100 // percent if percent else 0))


def test_a_worker_that_is_gone(
    make_world: MakeWorld, database_url: str, receiver: Receiver
) -> None:
    """Two web processes tell once, each target; who refuses is asked again; no log has a URL.

    One target takes the connection and never answers: the others do not wait for it.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = f"json://ops:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/"
        urls = f"{hanging},{receiver.url('first')},{receiver.url('second')}"
        receiver.refusals["second"] = 1
        world = make_world(database_url, **QUICK, ALERT_URLS=urls)
        tell_of_a_worker(world, receiver)


def tell_of_a_worker(world: World, receiver: Receiver) -> None:
    """Let a worker go and come, and look at what was told."""
    site = world.start_web(processes=2)
    worker = world.start_worker()
    world.kill(worker, signal.SIGTERM)
    wait_for(lambda: receiver.titles, what="an alert")
    assert "number 1 of ALERT_URLS" not in world.log()
    assert requests.get(f"{site}/healthz", timeout=30).content
    receiver.until(NO_WORKER, NO_WORKER)
    world.start_worker()
    receiver.until(*[NO_WORKER] * 2, *[f"Over: {NO_WORKER}"] * 2)
    first, *_others, last = receiver.messages
    assert first["path"] == "first"
    assert (first["type"], last["type"]) == ("warning", "success")
    assert first["message"].endswith("UTC.\nhttps://tweets.example/operations/workers")
    log = world.log()
    assert "number 3 of ALERT_URLS did not take an alert; again in 2 s" in log
    assert PASSWORD not in log
    assert "json://" not in log
    silence = "number 1 of ALERT_URLS did not take an alert; again in 2 s"
    wait_for(lambda: silence in world.log(), what="the end of its patience")


def test_every_condition(make_world: MakeWorld, database_url: str, receiver: Receiver) -> None:
    """Each is told once by two watchers, and its end as well."""
    world = make_world(database_url, **{**QUICK, "ALERT_FULL": "1"}, ALERT_URLS=receiver.url())
    ana = world.user("ana")
    late, lost = world.tweet_later(ana, "Late"), world.tweet_later(ana, "Lost")
    may_be_there = {"state": State.UNCONFIRMED, "unconfirmed_at": from_now(-5), "attempts": 1}
    change(world, db.update(Delivery).where(Delivery.id == lost).values(may_be_there))
    add_worker(world, "publish,lookup,mail,import,pictures")
    run_limits(world, "Refused", "Refused", "Refused")
    change(world, db.update(BackgroundTask).values(next_at=from_now(-5)))
    fill_redis(world, 50)
    titles = [
        "Tweets are overdue",
        "Tweets stay unconfirmed",
        "No worker takes the queue maintenance",
        "limits fails time after time",
        "The disk is nearly full",
        FULL,
    ]
    try:
        with watching(world, processes=2):
            receiver.until(*titles)
            over = {"state": State.PUBLISHED, "next_at": None}
            change(
                world,
                db.update(Delivery).where(Delivery.id.in_([late, lost])).values(over),
                db.update(Worker).values(queues=None),
            )
            run_limits(world, "")
            fill_redis(world, 0)
            ends = [f"Over: {title}" for title in titles if "disk" not in title]
            receiver.until(*titles, *ends)
    finally:
        fill_redis(world, 0)


def test_what_comes_back_soon_was_never_over(
    make_world: MakeWorld, sqlite_url: str, receiver: Receiver
) -> None:
    """It goes and comes within the time, and is told once; a watcher goes on after another."""
    settings = {**QUICK, "ALERT_FULL": "20", "ALERT_OVER_AFTER": "6"}
    world = make_world(sqlite_url, **settings, ALERT_URLS=receiver.url())
    add_worker(world, "publish,lookup,mail,import,pictures,maintenance")

    def is_quiet() -> bool:
        with world.rows():
            mine = db.select(Alert.quiet_at).where(Alert.condition == "redis")
            return db.session.scalars(mine).one() is not None

    try:
        fill_redis(world, 100)
        with watching(world):
            wait_for(lambda: FULL in receiver.titles, what="an alert")
            fill_redis(world, 0)
            wait_for(is_quiet, what="quiet")
        with watching(world):
            fill_redis(world, 100)
            wait_for(lambda: not is_quiet(), what="its return")
            fill_redis(world, 0)
            wait_for(lambda: f"Over: {FULL}" in receiver.titles, what="its end")
    finally:
        fill_redis(world, 0)
    assert receiver.titles.count(FULL) == 1
    assert receiver.titles.count(f"Over: {FULL}") == 1


def test_no_worker_while_none_is_wanted(
    make_world: MakeWorld, sqlite_url: str, receiver: Receiver
) -> None:
    """With AUTOSCALE it is an alert only when something has needed one for so long."""
    by_need = {"AUTOSCALE": "command", "AUTOSCALE_COMMAND": "true", "ALERT_OVERDUE": "600"}
    world = make_world(sqlite_url, **{**QUICK, **by_need}, ALERT_URLS=receiver.url())

    def has_watched() -> bool:
        with world.rows():
            watch = db.session.get(AlertWatch, 1, populate_existing=True)
            since = watch and watch.since
            return since is not None and utcnow() - since > timedelta(seconds=4)

    with watching(world):
        wait_for(has_watched, what="some looks")
        assert receiver.titles == []
        world.tweet_later(world.user("ana"), "Now")
        receiver.until(NO_WORKER)


def test_a_heartbeat_is_missed_twice_before_it_counts(small_world: World) -> None:
    """A worker that lives is seen every five seconds, however small the setting."""

    def seen_after(seconds: float) -> set[str]:
        change(small_world, db.update(Worker).values(seen_at=from_now(-seconds)))
        with small_world.rows():
            return {condition for condition, _subject in look(set()).facts}

    small_world.environ |= QUICK
    with small_world.rows():
        db.session.add(Worker(name="w:1", started_at=from_now(-60), seen_at=from_now()))
        db.session.add(AlertWatch(id=1, since=from_now(-60)))
        db.session.commit()
    assert "no_worker" not in seen_after(6)
    assert "no_worker" in seen_after(13)
    change(small_world, db.delete(Worker), db.update(AlertWatch).values(worker_seen_at=utcnow()))
    assert seen_after(0) == set()


def look_and_keep(world: World) -> list[str]:
    """Look once, as the watcher does, and return what somebody was told so far."""
    with world.rows():
        episodes.keep(look(set(episodes.lasting())), ["somebody"])
        db.session.commit()
        return list(db.session.scalars(db.select(AlertMessage.told).order_by(AlertMessage.id)))


def let_pass(world: World, seconds: float) -> None:
    """Let all that is known be so much older."""
    times = {Alert: ["quiet_at"], AlertWatch: ["since", "worker_seen_at"], Worker: ["seen_at"]}
    with world.rows():
        for table, names in times.items():
            for row in db.session.scalars(db.select(table)):
                for name in names:
                    known = getattr(row, name)
                    setattr(row, name, known and known - timedelta(seconds=seconds))
        db.session.commit()


def test_a_worker_that_is_there_now_and_then(small_world: World) -> None:
    """It is killed again and again: one alert, which is over when a worker stays."""
    environ = {**QUICK, "ALERT_NO_WORKER": "20", "ALERT_OVER_AFTER": "20", "ALERT_OVERDUE": "600"}
    small_world.environ |= environ
    with small_world.rows():
        db.session.add(Worker(name="w:1", started_at=from_now(-60), seen_at=from_now(-60)))
        db.session.add(AlertWatch(id=1, since=from_now(-60)))
        db.session.commit()
    assert look_and_keep(small_world) == [Told.BEGAN]
    for second in range(0, 144, 3):
        if second % 48 <= 12:
            change(small_world, db.update(Worker).values(seen_at=from_now()))
        assert look_and_keep(small_world) == [Told.BEGAN], second
        let_pass(small_world, 3)
    for _ in range(14):
        change(small_world, db.update(Worker).values(seen_at=from_now()))
        told = look_and_keep(small_world)
        let_pass(small_world, 3)
    assert told == [Told.BEGAN, Told.OVER]


def test_what_is_told_is_bad_without_delay(small_world: World) -> None:
    """What is so again counts at once while it is not over; it begins slowly."""
    small_world.environ |= {**QUICK, "ALERT_OVERDUE": "120", "ALERT_UNCONFIRMED": "1800"}
    small_world.environ["ALERT_NO_WORKER"] = "60"
    ana = small_world.user("ana")
    late, lost = small_world.tweet_later(ana, "Late"), small_world.tweet_later(ana, "Lost")
    may_be_there = {"state": State.UNCONFIRMED, "unconfirmed_at": from_now(-15), "attempts": 1}
    change(
        small_world,
        db.update(Delivery).where(Delivery.id == late).values(next_at=from_now(-15)),
        db.update(Delivery).where(Delivery.id == lost).values(may_be_there),
    )
    add_worker(small_world, "lookup,mail,import,pictures,maintenance")
    known = {(Condition.OVERDUE, ""), (Condition.UNCONFIRMED, ""), (Condition.QUEUE, "publish")}
    with small_world.rows():
        db.session.add(AlertWatch(id=1, since=from_now(-600)))
        db.session.commit()
        assert look(set()).facts.keys() & known == set()
        assert look(known).facts.keys() & known == known


def test_nobody_knows_whether_it_stayed_away(small_world: World) -> None:
    """The time for which something was away counts anew after looks that could not be made."""
    with small_world.rows():
        quiet = Alert(condition="redis", began_at=from_now(-99), quiet_at=from_now(-30))
        db.session.add(quiet)
        db.session.commit()
        episodes.keep(Seen(unknown={Condition.REDIS}), [])
        db.session.commit()
        for _ in range(2):
            episodes.keep(Seen(), [])
            db.session.commit()
        db.session.refresh(quiet)
        assert quiet.quiet_at is not None
        assert utcnow() - quiet.quiet_at < timedelta(seconds=25)
        assert quiet.over_at is None
