"""Who sleeps between a look and what follows from it finds that others have gone on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.accounts import credentials as refreshing
from app.accounts import disconnections
from app.db import db, from_now, utcnow
from app.delivery import dispatcher
from app.delivery.claims import claim_deliveries, store_intents
from app.delivery.outcomes import SendResult, record_results
from app.delivery.threads import posted_as
from app.models import Account, Delivery, Health
from app.networks import http
from app.networks.base import Credentials, Network, Outcome, OutcomeKind
from app.networks.errors import TokenRefused
from app.states import State
from tests.conftest import MakeWorld
from tests.support.crowd import account_of
from tests.support.overtaking import overtaken
from tests.support.threads import write_thread
from tests.support.waiting import wait_for
from tests.support.world import World


def test_a_decision_is_about_the_row_as_it_was_read(
    make_world: MakeWorld, postgres_url: str
) -> None:
    """It was to be held, was sent meanwhile and may have arrived: held, it could be sent again."""
    world = make_world(postgres_url)
    job = world.tweet_later(world.user("ana"), "Good morning")
    change_accounts(world, health=Health.RECONNECT)
    let_schedulers_look(world)
    with overtaken(world, postgres_url, decide, "deliveries") as others:
        others.execute(
            "UPDATE deliveries SET state = 'unconfirmed', fence = 1, next_at = next_at + 1"
        )
    assert world.delivery(job).state == State.UNCONFIRMED


def test_a_tweet_for_now_is_not_held_as_late(make_world: MakeWorld, postgres_url: str) -> None:
    """It was found too late, and its owner said "now" before that was stored."""
    world = make_world(postgres_url)
    job = world.tweet_later(world.user("ana"), "Good morning")
    with world.rows():
        old = utcnow() - timedelta(days=1)
        db.session.execute(db.update(Delivery).values(due_at=old, not_before=old, next_at=old))
        db.session.commit()
    with overtaken(world, postgres_url, decide, "deliveries") as owner:
        now = int(utcnow().timestamp() * 1000) - 1
        moved = "UPDATE deliveries SET due_at = %s, not_before = %s, next_at = %s"
        owner.execute(moved, (now, now, now))
    assert world.delivery(job).state == State.SCHEDULED


def test_who_forgets_an_access_late_leaves_a_new_one_alone(small_world: World) -> None:
    """The account was connected again before anybody had time to end its access."""
    world = small_world
    ana = world.user("ana")
    with world.rows():
        account_id = account_of(world, "ana").id
        disconnections.disconnect(account_id)
        (found,) = disconnections.leaving()
    world.connect(ana, "x", "ana")
    job = world.tweet_later(ana, "For tomorrow", timedelta(days=1))
    with world.rows():
        disconnections.finish([found])
    assert world.delivery(job).state == State.SCHEDULED
    assert world.sandbox.calls("revoke") == 0


def test_who_finds_an_access_over_late_takes_no_lease(
    make_world: MakeWorld, postgres_url: str
) -> None:
    """It was given anew, and somebody is refreshing that: its refresh token is spent once only."""
    world = make_world(postgres_url)
    world.user("ana")
    change_accounts(world, credentials={})
    with overtaken(world, postgres_url, ask_access, "accounts") as others:
        others.execute("UPDATE accounts SET credentials_version = 2, refresh_lease_until = 1")
    ana = account_of(world, "ana")
    assert not ana.needs_reconnect
    assert ana.refresh_lease_until


@pytest.mark.parametrize("network", ["x", "mastodon", "bluesky"])
def test_no_access_is_ended_late(small_world: World, network: str) -> None:
    """Its owner may have connected the account again, and a network may know both as one."""
    small_world.user("ana", network)
    client = small_world.app.extensions["networks"][network]
    with small_world.rows():
        credentials = db.session.scalar(db.select(Account.credentials))
        client.revoke(credentials, http.boottime() - 1)
        fresh = used(client, credentials)
        client.revoke(fresh, http.boottime() + 60)
        with pytest.raises(TokenRefused):
            used(client, fresh)


def test_an_access_that_ends_while_it_is_given_up_is_forgotten(small_world: World) -> None:
    """Disconnected in the middle of a call whose token is refused: nothing waits for ever."""
    world = small_world
    ana = world.user("ana")
    world.sandbox.fault("slow", seconds=5)
    world.sandbox.fault("status", status=401)
    world.start_worker(SEND_TIMEOUT="20")
    job = world.tweet_later(ana, "Good morning")
    world.until_state(job, State.SENDING)
    world.sandbox.control("revoke", handle="ana")
    with world.rows():
        disconnections.disconnect(account_of(world, "ana").id)
    assert world.until_state(job, State.CANCELLED).error_code == "disconnected"
    wait_for(lambda: credentials_of(world, "ana") == {}, what="the access being forgotten")


def test_a_late_part_takes_no_post_from_another_tweet(small_world: World) -> None:
    """A look-up gave it to a tweet of equal text, and the part was sent again: so it stays."""
    world = small_world
    ana = world.user("ana")
    thread = write_thread(world, ana, ["Good morning", "Good evening"])
    with world.rows():
        (claim,) = claim_deliveries([thread], "the sleeper")
        store_intents([(claim, {"text": claim.text})], "the sleeper")
        again = {"posted": [posted_as("2", None, {"id": "2"})], "state": State.HELD}
        db.session.execute(db.update(Delivery).values(**again, next_at=None, fence=2))
        db.session.commit()
    twin = world.tweet_later(ana, "Good morning")
    found = {"state": State.PUBLISHED, "remote_id": "1", "next_at": None}
    with world.rows():
        db.session.execute(db.update(Delivery).filter_by(id=twin).values(found))
        db.session.commit()
        late = Outcome(OutcomeKind.OK, remote_id="1", reference={"id": "1"})
        record_results([SendResult(claim, "x", 1, late)])
    assert world.delivery(twin).state == State.PUBLISHED
    assert world.delivery(thread).posted[0]["remote_id"] == "2"


def used(client: Network, credentials: Credentials) -> Credentials:
    """Return an access that works for as long as its network lets it. Raises TokenRefused."""
    fresh = client.refresh(credentials) if client.can_refresh(credentials) else credentials
    assert client.who_am_i(fresh)
    return fresh


def let_schedulers_look(world: World) -> None:
    """Let the time pass in which the message for a tweet for now was to reach a worker."""
    with world.rows():
        db.session.execute(db.update(Delivery).values(next_at=from_now()))
        db.session.commit()


def decide(world: World) -> None:
    """Look at what is due, once, as a scheduler does."""
    with world.rows():
        dispatcher.dispatch()


def ask_access(world: World) -> None:
    """Look for an access that is over and cannot be refreshed."""
    with world.rows(), pytest.raises(refreshing.NoAccess):
        refreshing.access_to(account_of(world, "ana").id)


def change_accounts(world: World, **values: Any) -> None:
    """Change every account behind everybody's back."""
    with world.rows():
        db.session.execute(db.update(Account).values(values))
        db.session.commit()


def credentials_of(world: World, handle: str) -> Any:
    """Return what is kept of somebody's access."""
    with world.rows():
        return db.session.scalar(db.select(Account.credentials).filter_by(handle=handle))
