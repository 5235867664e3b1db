"""Changing what is held: the new time counts, and the new words are the ones that go out."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.db import db, utcnow
from app.states import HoldReason, State
from tests.support.visitor import Visitor
from tests.support.world import World

TEN_HOURS_MS = 10 * 3_600_000


def soon(seconds: int) -> datetime:
    """Return a moment in whole seconds, as people write it."""
    return utcnow().replace(microsecond=0) + timedelta(seconds=seconds)


def held_as_late(world: World, ana: Visitor, text: str) -> tuple[str, str]:
    """Write a tweet that is found due ten hours late; return its path and job id."""
    made = ana.post("/tweets", text=text, when="in one hour").json()
    with world.rows():
        moved = ", ".join(
            f"{name} = {name} - {TEN_HOURS_MS}" for name in ("due_at", "not_before", "next_at")
        )
        change = f"UPDATE deliveries SET {moved} WHERE id = :id"
        db.session.execute(db.text(change), {"id": made["job_id"]})
        db.session.commit()
    held = world.until_state(made["job_id"], State.HELD)
    assert held.hold_reason == HoldReason.LATE
    return f"/tweets/{made['tweet']['id']}", made["job_id"]


def signed_in(world: World) -> Visitor:
    """Return Ana in a browser, with web and worker running."""
    world.start_worker()
    ana = Visitor(world.start_web())
    ana.sign_in("ana")
    return ana


def test_a_new_time_frees_what_was_too_late(world: World) -> None:
    """A tweet that asked because it was late goes out by itself at the time it is given."""
    ana = signed_in(world)
    path, job = held_as_late(world, ana, "Once upon a time")
    when = soon(4)
    assert ana.post(path, verb="PATCH", when=when.isoformat()).status_code == 200
    published = world.until_state(job, State.PUBLISHED)
    assert published.due_at == when
    assert 0 <= (published.lateness_ms or 0) < 20_000
    assert world.sandbox.texts() == {"Once upon a time": 1}


def test_new_words_do_not_send_what_is_held(small_world: World) -> None:
    """A held tweet keeps asking when only its text is changed; sent now, it has the new text."""
    world = small_world
    ana = signed_in(world)
    path, job = held_as_late(world, ana, "Old news")
    assert ana.post(path, verb="PATCH", text="New news").status_code == 200
    held = world.delivery(job)
    assert (held.state, held.hold_reason) == (State.HELD, HoldReason.LATE)
    assert ana.post(f"{path}/reschedule", when="now").status_code == 200
    assert ana.until_final(job)["status"] == "done"
    assert world.sandbox.texts() == {"New news": 1}


def test_a_held_tweet_that_is_moved_is_not_early(small_world: World) -> None:
    """Moved while it waits for its account, it goes out at its new time and not on reconnecting."""
    world = small_world
    ana = signed_in(world)
    world.sandbox.control("revoke", handle="ana")
    made = ana.post("/tweets", text="Not before I say").json()
    job = made["job_id"]
    assert world.until_state(job, State.HELD).hold_reason == HoldReason.RECONNECT
    when = soon(8)
    path = f"/tweets/{made['tweet']['id']}"
    assert ana.post(path, verb="PATCH", when=when.isoformat()).status_code == 200
    assert world.delivery(job).state == State.HELD, "a new time does not give access back"
    ana.sign_in("ana")
    assert world.delivery(job).state == State.SCHEDULED
    published = world.until_state(job, State.PUBLISHED)
    accepted = datetime.fromisoformat(world.sandbox.accepted()[0]["created_at"])
    assert accepted >= when
    assert published.due_at == when
    assert world.sandbox.texts() == {"Not before I say": 1}
