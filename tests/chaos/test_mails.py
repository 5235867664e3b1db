"""Thousands of mails are due, workers are killed while they send, and Redis forgets everything."""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psutil
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import insert

from app.db import db, from_now
from app.models import BackgroundTask, EmailAddress, Mail, MailState, User
from tests.conftest import MakeWorld
from tests.support import mailing
from tests.support.figures import FULL, sized
from tests.support.waiting import free_port, wait_for
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(sized(300, 1800))]

MAILS = sized(300, 10_000)
KILLS = sized(1, 5)
MESSAGE_ID = re.compile(rb"(?im)^Message-ID: (<[^>\r\n]+>)")


class Sink:
    """A mail server that takes everything, and remembers under which Message-ID."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.port = free_port()
        self._server = Controller(self, hostname="127.0.0.1", port=self.port)
        self._server.start()

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take one mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        (message_id,) = MESSAGE_ID.findall(content)
        self.taken[message_id.decode()] += 1
        return "250 taken"

    def close(self) -> None:
        """Stop."""
        self._server.stop()


class Workers:
    """Two workers; the one that sends is killed now and then, and another takes its place."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running = {one.pid: one for one in (world.start_worker(), world.start_worker())}
        self._spent = 0.0

    def kill_the_sender(self) -> None:
        """SIGKILL the worker that has the run, and start another one."""
        pid = wait_for(self._sender, what="a run")
        self._spent += cpu_seconds(pid)
        self._world.kill(self._running.pop(pid))
        if not FULL:
            self._end_its_leases(pid)
        new = self._world.start_worker()
        self._running[new.pid] = new

    def cpu_seconds(self) -> float:
        """Return what all of them have spent."""
        return self._spent + sum(map(cpu_seconds, self._running))

    def _sender(self) -> int | None:
        with self._world.rows():
            mine = BackgroundTask.owner.is_not(None), BackgroundTask.kind == "mail"
            owner = db.session.scalar(db.select(BackgroundTask.owner).where(*mine))
        pid = int(owner.split(":")[1]) if owner else 0
        return pid if pid in self._running else None

    def _end_its_leases(self, pid: int) -> None:
        """Let what it had be due at once, as if the seconds of its leases had passed."""
        its = BackgroundTask.owner.contains(f":{pid}:")
        with self._world.rows():
            for model, mine in ((BackgroundTask, its), (Mail, Mail.state == MailState.SENDING)):
                db.session.execute(db.update(model).where(mine).values(next_at=from_now(-1)))
            db.session.commit()


def cpu_seconds(pid: int) -> float:
    """Return what a process and its children have spent."""
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A mail server."""
    with closing(Sink()) as server:
        yield server


def store(world: World, count: int) -> None:
    """Store so many people with addresses, and a mail to each that is due."""
    facts = {"about": "x", "title": "X", "link": "/accounts"}
    with world.rows():
        people = [{"late_tolerance": 3600} for _ in range(count)]
        made = db.session.scalars(insert(User).returning(User.id), people).all()
        addresses: list[dict[str, Any]] = [
            {"user_id": one, "address": f"p{one}@example.com"} for one in made
        ]
        db.session.execute(insert(EmailAddress), addresses)
        mails = [
            {
                "user_id": one,
                "kind": "reminder",
                "facts": facts,
                "key": f"reminder:{one}",
                "message_id": f"<{uuid.uuid4().hex}@later.example>",
                "due_at": from_now(),
            }
            for one in made
        ]
        for row in mails:
            db.session.add(Mail(**row, next_at=row["due_at"]))
        db.session.commit()


def over(world: World) -> int:
    """Return how many mails are over."""
    with world.rows():
        done = db.select(db.func.count()).select_from(Mail).where(Mail.next_at.is_(None))
        return db.session.scalar(done) or 0


def test_all_arrive_and_none_twice(make_world: MakeWorld, database_url: str, sink: Sink) -> None:
    """Whoever is killed: each mail is taken once, and twice only where its row is in doubt."""
    world = make_world(database_url, MAIL_URL=f"smtp://127.0.0.1:{sink.port}")
    store(world, MAILS)
    workers = Workers(world)
    began = time.monotonic()
    for number in range(KILLS):
        wait_for(lambda n=number: len(sink.taken) > MAILS * (n + 1) / (KILLS + 2), what="mails")
        if number == KILLS - 1:
            world.valkey.flush()
        workers.kill_the_sender()
    wait_for(lambda: over(world) == MAILS, sized(180, 1200), f"{MAILS} mails")
    seconds, spent = time.monotonic() - began, workers.cpu_seconds()
    rows = {row.message_id: row for row in mailing.rows(world)}
    in_doubt = {one for one, row in rows.items() if row.in_doubt}
    doubled = {one for one, times in sink.taken.items() if times > 1}
    print(
        f"\n{MAILS} mails, {KILLS} SIGKILLs: {seconds:.1f} s, {MAILS / seconds:.0f}/s,"
        f" {spent:.1f} CPU seconds; {len(in_doubt)} in doubt, {len(doubled)} twice"
    )
    assert set(sink.taken) == set(rows)
    assert {row.state for row in rows.values()} == {MailState.SENT}
    assert doubled <= in_doubt
    assert max(sink.taken.values()) <= 1 + KILLS
