"""Rate limits, lost access and refused apps: what waits, for how long, and without asking X."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta

from sqlalchemy.orm import undefer

from app.accounts import credentials, holds
from app.db import db, utcnow
from app.models import Account, NetworkBlock
from app.states import HoldReason, State
from tests.support.waiting import wait_for
from tests.support.world import QUICK, World


def account_of(world: World, handle: str) -> Account:
    """Return the account's row, detached."""
    with world.rows():
        with_credentials = undefer(Account.credentials)
        wanted = db.select(Account).options(with_credentials).where(Account.handle == handle)
        account = db.session.scalar(wanted)
        assert account is not None
        db.session.expunge(account)
        return account


def test_rate_limit_waits_as_long_as_x_says(world: World) -> None:
    """429: the account's other tweets wait too, X is not asked meanwhile, then all go out."""
    world.start_worker()
    ana, ben = world.user("ana"), world.user("ben")
    world.sandbox.fault("rate_limit", handle="ana", group="short", reset_in=6, for_seconds=6)
    jobs = [world.tweet_later(ana, f"limited {n}", timedelta(seconds=1)) for n in range(6)]
    wait_for(lambda: account_of(world, "ana").paused_until, what="the pause")
    wait_for(lambda: set(world.states(jobs).values()) == {State.SCHEDULED}, what="all waiting")
    calls = world.sandbox.calls()
    other = world.tweet_later(ben, "not limited")
    world.until_state(other, State.PUBLISHED)
    assert world.sandbox.calls() == calls + 1
    assert set(world.states(jobs).values()) == {State.SCHEDULED}
    states = world.until_settled(jobs)
    assert set(states.values()) == {State.PUBLISHED}
    waited = [d.lateness_ms or 0 for d in map(world.delivery, jobs) if d.attempts > 1]
    assert waited
    assert min(waited) > 3_000


def test_an_empty_daily_allowance_of_the_app_stops_everybody(small_world: World) -> None:
    """When the app's own bucket is empty, nobody's tweets are tried until it is refilled."""
    world = small_world
    world.sandbox.fault("rate_limit", handle="ana", group="app-day", reset_in=5)
    world.start_worker()
    first = world.tweet_later(world.user("ana"), "the last straw")
    wait_for(lambda: world.sandbox.calls() == 1, what="the first call")
    wait_for(lambda: world.delivery(first).state == State.SCHEDULED, what="its return")
    second = world.tweet_later(world.user("ben"), "waits as well")
    states = world.until_settled([first, second])
    assert set(states.values()) == {State.PUBLISHED}
    assert (world.delivery(second).lateness_ms or 0) > 2_000


def test_lost_access_holds_and_reconnecting_releases(world: World) -> None:
    """A revoked account's tweets are held, X is not asked again, and a new sign-in frees them."""
    world.start_worker()
    ana = world.user("ana")
    world.sandbox.control("revoke", handle="ana")
    now = world.tweet_later(ana, "first to notice")
    later = world.tweet_later(ana, "waits behind", timedelta(seconds=3))
    for job in (now, later):
        held = world.until_state(job, State.HELD)
        assert held.hold_reason == HoldReason.RECONNECT
    calls = world.sandbox.calls()
    assert world.tweet_later(ana, "held from the start")
    assert world.sandbox.calls() == calls
    world.user("ana")  # the same person connects the account again
    states = world.until_settled([now, later])
    assert set(states.values()) == {State.PUBLISHED}


def test_what_waited_too_long_for_a_reconnect_asks(small_world: World) -> None:
    """After the reconnect, what is later than tolerated is not sent by itself."""
    world = small_world
    ana = world.user("ana", late_tolerance=60)
    job = world.tweet_later(ana, "too old by then", timedelta(seconds=1))
    account = account_of(world, "ana")
    with world.rows():
        holds.hold_account(account.id, account.credentials_version, None)
        db.session.execute(
            db.text("UPDATE deliveries SET due_at = due_at - 3600000, not_before = due_at")
        )
        db.session.commit()
    world.user("ana")
    world.start_worker()
    assert world.delivery(job).hold_reason == HoldReason.LATE
    assert world.sandbox.calls() == 0


def test_an_expired_token_is_refreshed_and_the_tweet_goes_out(world: World) -> None:
    """401: one refresh, one more try, two attempts; the new pair is kept."""
    world.start_worker()
    ana = world.user("ana")
    world.sandbox.control("revoke", handle="ana", what="access")
    before = account_of(world, "ana")
    job = world.tweet_later(ana, "with a fresh token")
    world.until_state(job, State.PUBLISHED)
    assert world.calls_begun(job) == [2]
    after = account_of(world, "ana")
    assert after.credentials_version == before.credentials_version + 1
    assert after.credentials["refresh_token"] != before.credentials["refresh_token"]


def test_two_workers_refresh_only_once(world: World) -> None:
    """The refresh token is single use: many tweets at once spend it once."""
    world.sandbox.settings(family_revocation=True)
    world.start_worker()
    world.start_worker()
    ana = world.user("ana")
    world.sandbox.control("revoke", handle="ana", what="access")
    jobs = [world.tweet_later(ana, f"refreshing {n}") for n in range(12)]
    states = world.until_settled(jobs)
    assert set(states.values()) == {State.PUBLISHED}
    assert world.sandbox.calls("token") == 1


def test_a_refresh_whose_answer_is_lost_asks_for_a_reconnect(small_world: World) -> None:
    """The spent token is tried once more; its refusal means that only the owner can help."""
    world = small_world
    ana = world.user("ana")
    world.sandbox.control("revoke", handle="ana", what="access")
    world.sandbox.fault("accept_then_drop", operation="token")
    world.start_worker()
    job = world.tweet_later(ana, "nobody heard")
    assert world.until_state(job, State.HELD).hold_reason == HoldReason.RECONNECT
    assert world.sandbox.calls("token") == 2


def test_concurrent_refreshes_in_one_process(small_world: World) -> None:
    """Threads that need the same token get it from one refresh, or are told to come back."""
    world = small_world
    world.user("ana")
    account = account_of(world, "ana")
    with world.rows():
        db.session.execute(db.text("UPDATE accounts SET credentials_stale = 1"))
        db.session.commit()
    results: list[str] = []

    def ask() -> None:
        with world.app.app_context():
            try:
                results.append(credentials.access_to(account.id).credentials["access_token"])
            except credentials.NotNow:
                results.append("later")

    askers = [threading.Thread(target=ask) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert world.sandbox.calls("token") == 1
    assert len(set(results) - {"later"}) == 1


def test_no_credits_stops_the_network_and_a_probe_frees_it(small_world: World) -> None:
    """402: everything of the network is held until a cheap read works again."""
    world = small_world
    world.sandbox.fault("credits", count=1)
    world.start_worker()
    ana, ben = world.user("ana"), world.user("ben")
    first = world.tweet_later(ana, "who pays")
    assert world.until_state(first, State.HELD).hold_reason == HoldReason.NETWORK
    second = world.tweet_later(ben, "me neither")
    assert world.until_state(second, State.HELD).hold_reason == HoldReason.NETWORK
    assert world.sandbox.calls() == 1
    with world.rows():
        db.session.get_one(NetworkBlock, "x").probe_at = utcnow()
        db.session.commit()
    states = world.until_settled([first, second])
    wait_for(
        lambda: set(world.states([first, second]).values()) == {State.PUBLISHED},
        what=f"the release of {states}",
    )


def test_overdue_after_an_outage(world: World) -> None:
    """Late but tolerated: oldest first and spread. Later than tolerated: held, and asked."""
    ana = world.user("ana", late_tolerance=3600)
    texts = [f"overdue {n}" for n in range(4)]
    jobs = [world.tweet_later(ana, text, timedelta(seconds=n + 1)) for n, text in enumerate(texts)]
    too_late = world.tweet_later(ana, "far too late", timedelta(seconds=1))
    with world.rows():
        for ids, minutes in ((jobs, 10), ([too_late], 90)):
            marks = ", ".join(f"'{job}'" for job in ids)
            shift = minutes * 60_000
            db.session.execute(
                db.text(
                    f"UPDATE deliveries SET due_at = due_at - {shift}, "
                    f"not_before = not_before - {shift}, next_at = next_at - {shift} "
                    f"WHERE id IN ({marks})"
                )
            )
        db.session.commit()
    world.start_worker()
    world.until_settled([*jobs, too_late])
    assert world.delivery(too_late).hold_reason == HoldReason.LATE
    accepted = [tweet["text"] for tweet in world.sandbox.accepted()]
    assert accepted == texts
    rows = [world.delivery(job) for job in jobs]
    gaps = [(b.not_before - a.not_before).total_seconds() for a, b in itertools.pairwise(rows)]
    assert min(gaps) >= float(QUICK["CATCH_UP_GAP"])
    assert all(row.accepted_at >= row.not_before for row in rows)


def test_connecting_keeps_one_owner(small_world: World) -> None:
    """An account that is connected again stays its user's."""
    first = small_world.user("ana")
    assert small_world.user("ana") == first
