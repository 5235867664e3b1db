"""Who began and did not finish gets one mail, ever; who finished in time gets none."""

from __future__ import annotations

import pytest

from app import mail
from app.db import db
from app.mail import addresses
from app.models import MailState
from tests.conftest import MakeWorld
from tests.support import mailing
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World


@pytest.fixture
def place(make_world: MakeWorld, database_url: str) -> World:
    """An installation on each database, without processes."""
    return make_world(database_url)


def test_a_sign_up_is_finished_or_not(place: World) -> None:
    """Two began; one used the link. The other one's reminder has a link of its own, once."""
    with place.rows():
        for name in ("ana", "ben"):
            addresses.begin_sign_up(f"{name}@example.com", "en")
        addresses.begin_sign_up("ben@example.com", "en")
    assert mailing.run(place) == "3"
    first = mailing.links_in(place.sandbox.mails("ana@example.com")[0])[0]
    with place.rows():
        addresses.finish_sign_up(first.rpartition("/")[2], "en")
        mailing.make_due()
    assert mailing.run(place) == "1"
    assert len(place.sandbox.mails("ana@example.com")) == 1
    reminder = place.sandbox.mails("ben@example.com")[2]
    path = mailing.links_in(reminder)[0]
    with place.rows():
        assert addresses.finish_sign_up(path.rpartition("/")[2], "en")
        addresses.begin_sign_up("ben@example.com", "en")
        mailing.make_due()
    assert mailing.run(place) == "1"  # the link alone
    assert [row.kind for row in mailing.rows(place)].count("reminder") == 1


def test_connecting_is_finished_or_not(place: World) -> None:
    """Begun often, connected or refused: one reminder for each network, or none."""
    user_id = mailing.person(place, "ana@example.com")
    with place.rows():
        for network in ("x", "x", "mastodon", "bluesky"):
            mail.reminders.after_beginning(user_id, network, network.title())
        mail.reminders.not_needed(user_id, "bluesky")
        db.session.commit()
    place.connect(user_id, "mastodon", "ana")
    with place.rows():
        mailing.make_due()
    assert mailing.run(place) == "1"
    with place.rows():
        mail.reminders.after_beginning(user_id, "x", "X")
        db.session.commit()
        mailing.make_due()
    assert mailing.run(place) == "0"
    (row,) = mailing.rows(place)
    assert (row.key, row.state) == (f"reminder:user:{user_id}:x", MailState.SENT)


def test_pages_begin_and_refuse(make_world: MakeWorld, sqlite_url: str) -> None:
    """The page of a network is opened and left: a reminder waits. Refusing there takes it back.

    And no log of web or worker holds an address, or what makes a link secret.
    """
    world = make_world(sqlite_url, RATE_LIMIT_MAIL="100 per hour")
    world.site = world.start_web()
    world.start_worker("--loglevel=debug")
    visitor, address = Visitor(world.site), "secret.ana@example.com"
    visitor.post("/sign-up", address=address)
    wait_for(lambda: world.sandbox.mails(address), what="the link")
    sign_up = mailing.links_in(world.sandbox.mails(address)[0])[0]
    visitor.get(sign_up)
    assert visitor.http.post(world.site + sign_up, timeout=20).status_code == 200
    visitor.submit("/login/x")
    (waiting,) = [row for row in mailing.rows(world) if row.state == MailState.WAITING]
    assert (waiting.kind, waiting.key) == ("reminder", f"reminder:user:{waiting.user_id}:x")
    visitor.open("x", "secret_ana", "refuse")
    assert not [row for row in mailing.rows(world) if row.state == MailState.WAITING]
    other = "secret.other@example.com"
    world.sandbox.fault(operation="mail", kind="refuse", status=550, handle=other)
    visitor.post("/email", address=other)
    wait_for(lambda: mailing.rows(world)[-1].state == MailState.FAILED, what="the refusal")
    log = world.log()
    assert "GET /sign-up/... 200" in log
    assert "POST /sign-up/... 303" in log
    for secret in (address, other, "secret.ana", sign_up.rpartition("/")[2]):
        assert secret not in log
