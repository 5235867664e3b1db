"""The shell and the commands, as real processes."""

from __future__ import annotations

import pytest

from app.db import db
from app.models import Delivery, User
from app.networks.base import OutcomeKind
from app.states import State
from tests.support.waiting import wait_for
from tests.support.world import World


def test_names_at_hand(small_world: World) -> None:
    """Everything that one wants to type is there."""
    names = "db, User, Tweet, Delivery, Account, job_is_complete, AsyncResult"
    done = small_world.flask("shell", stdin=f"print([bool(x) for x in ({names})])\n")
    assert "[True, True, True, True, True, True, True]" in done.stdout, done.stderr


def test_tweet_later_returns_a_job_id(small_world: World) -> None:
    """user.tweet_later() stores the tweet for its time, and AsyncResult takes its id."""
    small_world.user("ana")
    done = small_world.flask(
        "shell",
        stdin="job = User.by_handle('@Ana').tweet_later('from the shell', at='in one hour')\n"
        "print('STATE', AsyncResult(job).state, job_is_complete(job))\n",
    )
    assert "STATE PENDING False" in done.stdout, done.stderr
    with small_world.rows():
        delivery = Delivery.query.one()
        assert delivery.state == State.SCHEDULED
        assert delivery.due_at > delivery.created_at


@pytest.mark.parametrize("with_redis", [True, False])
def test_tweet_publishes_at_once_without_a_worker(small_world: World, with_redis: bool) -> None:
    """user.tweet() posts in this process by the same claim, with or without Redis."""
    small_world.user("ana")
    if not with_redis:
        small_world.valkey.stop()
    try:
        done = small_world.flask(
            "shell",
            stdin="job = User.by_handle('ana').tweet('right now')\n"
            "print('DONE', job_is_complete(job), db.session.get(Delivery, job).state)\n",
        )
    finally:
        if not with_redis:
            small_world.valkey.start()
    assert "DONE True published" in done.stdout, done.stderr
    assert small_world.sandbox.texts() == {"right now": 1}


def test_tweet_waits_for_no_network_with_another(small_world: World) -> None:
    """X does not answer: user.tweet() has published on Mastodon before X's call is given up."""
    ana = small_world.user("ana")
    small_world.connect(ana, "mastodon", "ana")
    small_world.sandbox.fault("slow", seconds=4)
    with small_world.rows():
        ids = [account.id for account in db.session.get_one(User, ana).accounts]
        job = db.session.get_one(User, ana).tweet("right now", ids)
    jobs = small_world.jobs_of(job)
    with small_world.rows():
        call = db.session.get_one(Delivery, jobs["x"]).history[-1]
        accepted_at = db.session.get_one(Delivery, jobs["mastodon"]).accepted_at
        assert call.outcome == OutcomeKind.AMBIGUOUS
        assert accepted_at is not None
        assert call.ended_at is not None
        assert accepted_at < call.ended_at
    wait_for(small_world.sandbox.accepted, what="X carrying on, before the next test begins")


def test_unknown_job(small_world: World) -> None:
    """job_is_complete() does not invent an answer."""
    done = small_world.flask("shell", stdin="job_is_complete('nothing')\n")
    assert "LookupError" in done.stderr


@pytest.mark.parametrize("kind", ["oauth2", "oauth1"])
def test_connect_from_standard_input(small_world: World, kind: str) -> None:
    """Tokens that one already has connect an account, and never appear in the output."""
    minted = small_world.sandbox.token("cleo", kind)
    if kind == "oauth2":
        words = f"{minted['access_token']} {minted['refresh_token']}"
    else:
        words = f"{minted['oauth_token']} {minted['oauth_token_secret']}"
        small_world.environ |= {
            "X_CLIENT_ID": "",
            "X_CONSUMER_KEY": minted["consumer_key"],
            "X_CONSUMER_SECRET": minted["consumer_secret"],
        }
    done = small_world.flask("accounts", "connect", stdin=f"{words}\n")
    assert done.returncode == 0, done.stderr
    assert "@cleo" in done.stdout
    assert words.split()[0] not in done.stdout + done.stderr
    with small_world.rows():
        job = User.by_handle("cleo").tweet("through a token")
        assert job
    assert small_world.sandbox.texts() == {"through a token": 1}


@pytest.mark.parametrize("words", ["", "nonsense", "one two three"])
def test_connect_with_nonsense(small_world: World, words: str) -> None:
    """A sentence and an exit status, no traceback."""
    done = small_world.flask("accounts", "connect", stdin=f"{words}\n")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ")
