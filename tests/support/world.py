"""A whole installation in a test: database, broker, sandbox, web and workers as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from flask import Flask

import config
from app import create_app
from app.accounts import connections
from app.db import db
from app.models import Account, Attempt, Delivery, User, Worker
from app.networks.base import Connection, Credentials, Network, OutcomeKind, Profile
from app.states import FINAL, State
from tests.support import forking
from tests.support.forking import TOKEN_KEY
from tests.support.sandbox import ROOT, Sandbox
from tests.support.servers import Valkey
from tests.support.waiting import PATIENCE, free_port, listens, wait_for

QUICK = {"SEND_TIMEOUT": "2", "RECONCILE_DELAYS": "1,2,3", "CATCH_UP_GAP": "0.5"}
SETTLED = {*FINAL, State.HELD, State.REVIEW}
Process = subprocess.Popen[bytes] | forking.Forked


class World:
    """The parts, and what a test wants to ask of them."""

    def __init__(
        self, folder: Path, database_url: str, valkey: Valkey, sandbox: Sandbox, **environ: str
    ) -> None:
        self.folder = folder
        self.valkey = valkey
        self.sandbox = sandbox
        self.environ = {
            "APP_ENV": "test",
            "SECRET_KEY": "only for tests",
            "TOKEN_KEYS": TOKEN_KEY,
            "DATABASE_URL": database_url,
            "REDIS_URL": valkey.url,
            **sandbox.environ,
            "WORKER_PROCESSES": "1",
            "TEMPLATE_CACHE": forking.TEMPLATE_CACHE,
            "RATE_LIMIT_SIGN_IN": "600 per minute",  # all people of a test have one address
            **QUICK,
            **environ,
        }
        self.processes: list[Process] = []
        self.site = ""
        self.root = ROOT
        """The folder of the program that workers and pages run: this one, or a test build."""
        self._app: Flask | None = None
        self._making = Lock()

    @property
    def app(self) -> Flask:
        """The app in this process, with the same settings as the others; one for all threads."""
        with self._making:
            if self._app is None:
                self._app = create_app(config.load(self.environ))
            return self._app

    @contextmanager
    def rows(self) -> Iterator[None]:
        """Look at the rows as they are now."""
        with self.app.app_context():
            yield

    # People

    def user(self, handle: str, network: str = "x", **settings: Any) -> int:
        """Connect an account as its owner would, without the pages; return the user's id."""
        with self.rows():
            done = connections.by_token(network, *self._opened(network, handle))
            user = db.session.get_one(User, done.user_id)
            for name, value in settings.items():
                setattr(user, name, value)
            db.session.commit()
            return user.id

    def user_at(self, network: str, server: Any, handle: str) -> int:
        """Connect an account on a further server as its owner would; return the user's id."""
        with self.rows():
            minted = server.control("tokens", handle=handle)
            profile = self.app.extensions["networks"][network].who_am_i(minted)
            return connections.by_token(network, profile, minted).user_id

    def connect(self, user_id: int, network: str, handle: str) -> int:
        """Connect a further account of a user, on any network; return the account's id."""
        with self.rows():
            profile, credentials = self._opened(network, handle)
            is_typed = bool(profile.server)
            connection = Connection(profile, credentials, server_was_typed=is_typed)
            connections.add(network, [connection], user_id)
            return db.session.scalars(
                db.select(Account.id).where(
                    Account.network == network,
                    Account.server == profile.server,
                    Account.remote_id == profile.remote_id,
                    Account.connected,
                )
            ).one()

    def accounts_of(self, user_id: int) -> list[int]:
        """Return the ids of somebody's accounts."""
        with self.rows():
            mine = db.select(Account.id).where(Account.user_id == user_id).order_by(Account.id)
            return list(db.session.scalars(mine))

    def _opened(self, network: str, handle: str) -> tuple[Profile, Credentials]:
        """Return what the network's consent page would have given."""
        minted = self.sandbox.on(network).token(handle)
        if network == "x":
            names = ("access_token", "refresh_token", "expires_at")
            return Profile(minted["id"], minted["handle"]), {name: minted[name] for name in names}
        client: Network = self.app.extensions["networks"][network]
        profile = client.who_am_i(minted)
        return replace(profile, person_id=client.connected_by(minted)), minted

    def tweet_later(
        self, user_id: int, text: str, at: Any = None, accounts: Sequence[int] | None = None
    ) -> str:
        """Write a tweet in this process, as the shell does; return its first job."""
        with self.rows():
            return db.session.get_one(User, user_id).tweet_later(text, at=at, accounts=accounts)

    def jobs_of(self, job_id: str) -> dict[str, str]:
        """Return the jobs of the whole tweet, by network."""
        with self.rows():
            deliveries = db.session.get_one(Delivery, job_id).tweet.deliveries
            return {delivery.account.network: delivery.id for delivery in deliveries}

    def delivery(self, job_id: str) -> Delivery:
        """Return the row, detached."""
        with self.rows():
            delivery = db.session.get_one(Delivery, job_id)
            db.session.expunge(delivery)
            return delivery

    def calls_begun(self, *job_ids: str) -> list[int]:
        """Return how often each job's post was really tried, in no order.

        Unlike ``attempts``, a try that a busy machine came too late to begin is not counted.
        """
        begun = db.func.sum(db.case((Attempt.outcome == OutcomeKind.NOT_SENT, 0), else_=1))
        with self.rows():
            return list(
                db.session.scalars(
                    db.select(db.func.coalesce(begun, 0))
                    .select_from(Delivery)
                    .outerjoin(Attempt, Attempt.delivery_id == Delivery.id)
                    .where(Delivery.id.in_(job_ids))
                    .group_by(Delivery.id)
                )
            )

    def states(self, job_ids: list[str]) -> dict[str, str]:
        """Return the state of each job."""
        with self.rows():
            rows = db.session.execute(
                db.select(Delivery.id, Delivery.state).where(Delivery.id.in_(job_ids))
            )
            return {row.id: row.state for row in rows}

    def until_settled(self, job_ids: list[str], seconds: float = PATIENCE) -> dict[str, str]:
        """Wait until nothing is in motion any more; return the states."""

        def settled() -> dict[str, str]:
            states = self.states(job_ids)
            return states if all(state in SETTLED for state in states.values()) else {}

        with self._explained(job_ids, SETTLED):
            return wait_for(settled, seconds, "the end of all deliveries")

    @contextmanager
    def _explained(self, job_ids: list[str], wanted: Collection[str]) -> Iterator[None]:
        """Say of a wait in vain what the rows are, and what the processes said last."""
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._others_than(wanted, job_ids)}") from error

    def _others_than(self, wanted: Collection[str], job_ids: list[str]) -> str:
        with self.rows():
            rows = db.session.scalars(db.select(Delivery).where(Delivery.id.in_(job_ids)))
            shown = ("state", "next_at", "wake_ups", "tries", "lookups", "lease_until")
            moving = [
                " ".join(f"{name}={getattr(row, name)}" for name in (*shown, "error_code"))
                for row in rows
                if row.state not in wanted
            ]
        return "\n".join([*moving[:20], self.log()[-6000:]])

    def until_state(self, job_id: str, *states: str, seconds: float = PATIENCE) -> Delivery:
        """Wait for one of these states."""
        with self._explained([job_id], states):
            wait_for(lambda: self.states([job_id])[job_id] in states, seconds, " or ".join(states))
        return self.delivery(job_id)

    # Processes

    def start_worker(self, *more: str, **environ: str) -> Process:
        """Start a worker like the Procfile's, in a process group of its own.

        :param more: further words of its command.
        """
        words = (
            "celery --quiet -A celery_app worker -P threads -c 20 --without-gossip --without-mingle"
        )
        process = self._start([*words.split(), "--without-heartbeat", *more], **environ)
        wait_for(
            lambda: process.pid in self.beating() or process.poll() is not None,
            what="the worker's heartbeat",
        )
        assert process.poll() is None, self.log()
        return process

    def start_web(self, processes: int = 1, **environ: str) -> str:
        """Start the pages; return their address."""
        port = free_port()
        command = ["gunicorn", "app:create_app()", "--bind", f"127.0.0.1:{port}"]
        self._start([*command, "--workers", str(processes)], PORT=str(port), **environ)
        wait_for(lambda: listens(port), what="the pages")
        return f"http://127.0.0.1:{port}"

    def flask(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a flask command to its end."""
        command = ["flask", "--app", "app", *words]
        return forking.shared().run(command, {**os.environ, **self.environ}, stdin)

    def _start(self, command: list[str], **environ: str) -> Process:
        whole = {**os.environ, **self.environ, **environ}
        with (self.folder / "log").open("ab") as log:
            # What Python reads before anything else has been read in the one that is divided.
            is_usual = not any(name.startswith("PYTHON") for name in {**self.environ, **environ})
            if self.root == ROOT and is_usual:
                process: Process = forking.shared().start(command, ROOT, whole, log.fileno())
            else:
                process = subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-m", *command],
                    cwd=self.root,
                    env=whole,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        self.processes.append(process)
        return process

    def kill(self, process: Process, with_signal: int = signal.SIGKILL) -> None:
        """Send a signal to the whole process group, as Heroku does; wait for a deadly one."""
        os.killpg(process.pid, with_signal)
        if with_signal in {signal.SIGKILL, signal.SIGTERM}:
            process.wait(120)

    def log(self) -> str:
        """Return what all processes said."""
        return (self.folder / "log").read_text(errors="replace")

    def empty(self) -> None:
        """End what was started after the pages, and forget all rows, keys and posts."""
        for process in self.processes[1:]:
            if process.poll() is None:
                self.kill(process)
        del self.processes[1:]
        self.valkey.flush()
        self.sandbox.reset()
        with self.rows():
            names = [table.name for table in db.metadata.sorted_tables]
            if db.engine.dialect.name == "sqlite":
                db.session.execute(db.text("PRAGMA defer_foreign_keys = ON"))
                for name in names:
                    db.session.execute(db.text(f"DELETE FROM {name}"))
            else:
                db.session.execute(db.text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY"))
            db.session.commit()

    def close(self) -> None:
        """Leave nothing running."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)
                self.kill(process)
        if self._app is not None:
            with self._app.app_context():
                db.session.remove()
                db.engine.dispose()

    def beating(self) -> set[int]:
        """Return the process ids of the workers that have a heartbeat."""
        with self.rows():
            names = db.session.scalars(db.select(Worker.name))
            return {int(name.rpartition(":")[2]) for name in names}
