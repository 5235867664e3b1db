"""A mail is a row until the server has it: refusals, silence, lost answers and lost workers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app import mail
from app.db import db, from_now
from app.models import BackgroundTask, EmailLink, Mail, MailState, User
from tests.conftest import MakeWorld
from tests.support import mailing
from tests.support.tls import TlsFront
from tests.support.waiting import wait_for
from tests.support.world import World

QUICK = {"MAIL_TIMEOUT": "4", "MAIL_RETRY_DELAYS": "30,120", "RATE_LIMIT_MAIL": "1000 per hour"}


@pytest.fixture
def place(make_world: MakeWorld, database_url: str) -> World:
    """An installation on each database."""
    return make_world(database_url, APP_URL="https://later.example", **QUICK)


def only(world: World, address: str) -> dict[str, str]:
    """Return the one mail that came to an address."""
    (found,) = world.sandbox.mails(address)
    return found


def test_a_mail_arrives(place: World) -> None:
    """Text and HTML in the reader's language, and every header that is promised."""
    user_id = mailing.person(place, "ana@example.com", locale="es")
    mailing.remind(place, user_id)
    (waiting,) = mailing.rows(place)
    assert mailing.run(place) == "1"
    got = only(place, "ana@example.com")
    assert got["message_id"] == waiting.message_id
    assert got["headers"]["Date"]
    assert got["headers"]["Auto-Submitted"] == "auto-generated"
    assert "recordatorio" in got["text"]
    assert 'lang="es"' in got["html"]
    assert "https://later.example/accounts" in got["text"]
    (way_out,) = mailing.links_in(got)
    assert got["headers"]["List-Unsubscribe"] == f"<https://later.example{way_out}>"
    assert got["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (row,) = mailing.rows(place)
    assert (row.state, row.next_at, row.facts) == (MailState.SENT, None, None)
    assert mailing.run(place) == "0"


def test_what_the_server_answers(place: World) -> None:
    """Not now is tried again later, no is no, and neither was sent."""
    sandbox = place.sandbox
    for name, fault in (
        ("later", {"kind": "refuse", "status": 451}),
        ("never", {"kind": "refuse", "status": 550}),
        ("gone", {"kind": "drop"}),
        ("silent", {"kind": "slow", "seconds": 20}),
    ):
        address = f"{name}@example.com"
        mailing.remind(place, mailing.person(place, address))
        sandbox.fault(operation="mail", handle=address, **fault)
    began = time.monotonic()
    while mailing.run(place) != "0" or any(row.fence == 0 for row in mailing.rows(place)):
        assert time.monotonic() - began < 60
    states = [(row.state, row.error) for row in mailing.rows(place)]
    assert states == [
        (MailState.WAITING, "smtp_451"),
        (MailState.FAILED, "smtp_550"),
        (MailState.WAITING, "connection_lost"),
        (MailState.WAITING, "timeout"),
    ]
    with place.rows():
        mailing.make_due()
    assert mailing.run(place) == "3"
    for name in ("later", "gone", "silent"):
        only(place, f"{name}@example.com")
    assert sandbox.mails("never@example.com") == []


def test_a_lost_answer_is_unknown(place: World) -> None:
    """The server has the mail and does not say so: it gets it again under the same Message-ID."""
    mailing.remind(place, mailing.person(place, "ana@example.com"))
    place.sandbox.fault(operation="mail", kind="accept_then_drop")
    mailing.run(place)
    (row,) = mailing.rows(place)
    assert (row.state, row.error, row.in_doubt) == (MailState.UNKNOWN, "connection_lost", True)
    with place.rows():
        mailing.make_due()
    mailing.run(place)
    assert [row.state for row in mailing.rows(place)] == [MailState.SENT]
    ids = [one["message_id"] for one in place.sandbox.mails("ana@example.com")]
    assert ids == [row.message_id] * 2


@pytest.fixture
def dripping() -> Iterator[int]:
    """A mail server that is about to greet, one byte each 100 ms, and never does; its port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def drip() -> None:
            with closing(listener.accept()[0]) as line:
                line.sendall(b"220 here\r\n")
                try:
                    while True:
                        line.sendall(b"2")
                        time.sleep(0.1)
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        yield int(listener.getsockname()[1])


def test_the_whole_conversation_has_an_end(
    make_world: MakeWorld, sqlite_url: str, dripping: int
) -> None:
    """A server that says a byte now and then is given up, too, and no transaction waits for it."""
    url = f"smtp://127.0.0.1:{dripping}"
    world = make_world(sqlite_url, **QUICK | {"MAIL_URL": url})
    mailing.remind(world, mailing.person(world, "ana@example.com"))
    mailing.run(world)
    (row,) = mailing.rows(world)
    assert (row.state, row.error) == (MailState.WAITING, "timeout")


@pytest.fixture
def refusing_data() -> Iterator[int]:
    """A mail server that takes sender and recipient, and says no to the word DATA; its port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def refuse() -> None:
            with closing(listener.accept()[0]) as line, line.makefile("rb") as said:
                line.sendall(b"220 here\r\n")
                for word in said:
                    no = word.upper().startswith(b"DATA")
                    line.sendall(b"554 not this one\r\n" if no else b"250 ok\r\n")

        threading.Thread(target=refuse, daemon=True).start()
        yield int(listener.getsockname()[1])


def test_no_to_the_text_is_no(make_world: MakeWorld, sqlite_url: str, refusing_data: int) -> None:
    """Whatever the word that a server says no to, it is not asked for days."""
    world = make_world(sqlite_url, **QUICK | {"MAIL_URL": f"smtp://127.0.0.1:{refusing_data}"})
    mailing.remind(world, mailing.person(world, "ana@example.com"))
    mailing.run(world)
    (row,) = mailing.rows(world)
    assert (row.state, row.error) == (MailState.FAILED, "smtp_554")


def test_a_link_that_opens_nothing_is_not_sent(place: World) -> None:
    """After a day without a mail server, who has waited for a link has asked for another one."""
    user_id = mailing.person(place, "ana@example.com")
    with place.rows():
        mail.addresses.add(user_id, "old@example.com", "en")
        mail.addresses.begin_sign_up("older@example.com", "en")
        db.session.execute(db.update(EmailLink).values(expires_at=from_now(-1)))
        db.session.execute(db.update(Mail).values(due_at=from_now(-86_400)))
        db.session.commit()
        mail.addresses.add(user_id, "new@example.com", "en")
    mailing.run(place)
    only(place, "new@example.com")
    for name in ("old", "older"):
        assert place.sandbox.mails(f"{name}@example.com") == []


def test_nobody_is_there(make_world: MakeWorld, sqlite_url: str) -> None:
    """While the server is down one mail finds that out, and the others wait without a try."""
    world = make_world(
        sqlite_url, **QUICK | {"MAIL_URL": "smtp://127.0.0.1:9", "MAIL_CONCURRENCY": "1"}
    )
    for name in ("ana", "ben"):
        mailing.remind(world, mailing.person(world, f"{name}@example.com"))
    mailing.run(world)
    assert [(row.error, row.fence) for row in mailing.rows(world)] == [
        ("unreachable", 1),
        (None, 0),
    ]


def test_only_trusted_servers(
    make_world: MakeWorld, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that nobody vouches for gets no mail, nor does a server without STARTTLS."""
    world = make_world(sqlite_url, **QUICK)
    mailing.remind(world, mailing.person(world, "ana@example.com"))
    with closing(TlsFront(tmp_path, world.sandbox.mail_port)) as front:
        for url in (f"{world.environ['MAIL_URL']}?tls=starttls", f"smtps://127.0.0.1:{front.port}"):
            world.app.config["MAIL_URL"] = url
            with world.rows():
                mailing.make_due()
            mailing.run(world)
            (row,) = mailing.rows(world)
            assert (row.state, row.error) == (MailState.WAITING, "tls"), url
        monkeypatch.setenv("SSL_CERT_FILE", str(front.authority))
        with world.rows():
            mailing.make_due()
        mailing.run(world)
        assert only(world, "ana@example.com")["message_id"] == row.message_id


def test_a_worker_is_killed(place: World) -> None:
    """SIGKILL before the server had the text: another worker sends it, and once."""
    user_id = mailing.person(place, "ana@example.com")
    place.sandbox.fault(operation="mail", kind="slow", seconds=20)
    worker = place.start_worker(MAIL_TIMEOUT="20")
    mailing.remind(place, user_id)
    wait_for(lambda: not place.sandbox.faults(), what="the try")
    place.kill(worker)
    assert mailing.rows(place)[0].state == MailState.SENDING
    assert place.sandbox.mails("ana@example.com") == []
    place.valkey.flush()
    with place.rows():  # the leases of the lost worker end
        mailing.make_due()
        mailing.make_due(BackgroundTask)
    place.start_worker()
    wait_for(lambda: mailing.rows(place)[0].state == MailState.SENT, what="the end")
    only(place, "ana@example.com")


def test_what_is_not_stored(place: World) -> None:
    """No second mail of a key, none to who has no address or does not want it."""
    ana = mailing.person(place, "ana@example.com")
    with place.rows():
        nobody = User(late_tolerance=3600)
        db.session.add(nobody)
        db.session.flush()
        facts = {"about": "x", "title": "X", "link": "/accounts"}
        assert not mail.queue(nobody.id, "reminder", facts)
        assert mail.queue(ana, "reminder", facts, key="one")
        assert not mail.queue(ana, "reminder", facts, key="one")
        mail.subscriptions.switch(f"user:{ana}", "reminder", wanted=False)
        assert not mail.queue(ana, "reminder", facts, key="two")
        db.session.commit()
    assert mailing.run(place) == "0"  # stored before, and not wanted now
    assert mailing.rows(place) == []


def test_many_at_once_are_sent_once(place: World) -> None:
    """Two runs side by side, as of two workers: each mail is sent by one of them."""
    for number in range(30):
        mailing.remind(place, mailing.person(place, f"p{number}@example.com"))
    runs = [threading.Thread(target=_send_here, args=(place,)) for _ in range(2)]
    for one in runs:
        one.start()
    for one in runs:
        one.join(60)
    assert {row.state for row in mailing.rows(place)} == {MailState.SENT}
    for number in range(30):
        only(place, f"p{number}@example.com")


def _send_here(world: World) -> None:
    from app.mail import sending

    sending._send_some(world.app, time.monotonic() + 30)
