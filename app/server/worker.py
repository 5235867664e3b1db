"""gunicorn's worker: one loop reads heads and bodies under deadlines, threads answer.

A thread gets a request when all of it is here, and never waits for a client: what a client does not
send or take in time costs a socket and a little memory. docs/decisions/0012 says why it is our own.
"""

from __future__ import annotations

import errno
import os
import resource
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from gunicorn.workers.base import Worker as Base

from app.concurrency import ConcurrencyLimiter
from app.server import wsgi
from app.server.bodies import Body, TooLarge, Unreadable
from app.server.connection import HEAD_PIECE, PIECE, BadHead, ClientGone, Connection, Stage
from app.server.policy import BULKHEADS, Policy

LARGE_BODIES, OF_A_PERSON = 8, 3
"""Bodies above everybody's limit that are read at a time; each of them may take much disk."""
STEP = 4 * 1024 * 1024
"""Each so many bytes of a large body that have come give it its time once more."""
MAX_BODIES = 256
"""Bodies that are read at a time; beyond that the oldest one has had its time."""
MAX_UNSENT = 32 * 1024 * 1024
"""Bytes of answers that wait for clients to take them."""
WRITE_TIMEOUT = 30.0
LINGER = 2.0
LAST_WORDS = 3.0
"""Seconds for what is being read or written when the process is told to stop."""
SWEEP = 0.25
"""Seconds between looks at the deadlines."""
AT_ONCE = 32
"""Connections that are accepted before anything else is looked at."""
FILES = 4096
"""Open files to ask the system for; macOS gives 256 by itself."""


Step = Callable[[Connection], None]


class Worker(Base):
    """Serves a WSGI app whose ``extensions`` may hold a Policy as ``server``."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse what is left to a proxy."""
        if cfg.is_ssl:
            raise SystemExit("Tweet Later cannot start.\nTLS is a proxy's: see docs/deployment.md.")

    def init_process(self) -> None:
        """Prepare the loop and its threads; runs until the end."""
        self._poller = selectors.DefaultSelector()
        self._done: deque[tuple[Step, Connection]] = deque()
        self._ear, self._mouth = os.pipe()
        os.set_blocking(self._ear, False)
        os.set_blocking(self._mouth, False)
        self._pools = {
            name: ThreadPoolExecutor(count, thread_name_prefix=name)
            for name, count in BULKHEADS.items()
        }
        self._connections: set[Connection] = set()
        self._accepting = False
        self._next_sweep = 0.0
        self._room = ConcurrencyLimiter(LARGE_BODIES, OF_A_PERSON)
        self._waiting_for_room: deque[Connection] = deque()
        self._most = _most_connections(self.cfg.worker_connections)
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop."""
        self.alive = False
        self._wake()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop at once."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        super().handle_quit(sig, frame)

    def run(self) -> None:
        """Serve until told to stop, then end what is under way."""
        self._policy: Policy = getattr(self.wsgi, "extensions", {}).get("server") or Policy()
        self._poller.register(self._ear, selectors.EVENT_READ, None)
        self._accept(True)
        while self.alive and self.ppid == os.getppid():
            self._look()
        self.alive = False
        self._accept(False)
        for connection in self._connections:
            self._hurry(connection)
        end = time.monotonic() + self.cfg.graceful_timeout
        while self._connections and time.monotonic() < end:
            self._look()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    # The loop

    def _look(self) -> None:
        self.notify()
        for key, events in self._poller.select(SWEEP if self._connections else 1.0):
            if isinstance(key.data, Connection):
                self._attend(key.data, events)
            elif key.data is not None:
                self._welcome(key.data)
        with suppress(BlockingIOError):
            os.read(self._ear, PIECE)
        while self._done:
            self._guarded(*self._done.popleft())
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP
            for connection in [one for one in self._connections if one.deadline <= now]:
                self._guarded(self._expire, connection)

    def _from_thread(self, step: Step, connection: Connection) -> None:
        """Let the loop go on with a connection."""
        self._done.append((step, connection))
        self._wake()

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._mouth, b".")

    def _guarded(self, step: Step, connection: Connection) -> None:
        """Let no connection end the loop."""
        try:
            step(connection)
        except ClientGone:
            self._close(connection)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EMFILE, errno.EIO}:
                self.log.error("A body could not be kept: %s", error.strerror)
            self._close(connection)
        except Exception:
            self.log.exception("A connection was given up")
            self._close(connection)

    def _attend(self, connection: Connection, events: int) -> None:
        if not events & connection.events:
            return  # something else has happened to it since the poller looked
        if connection.stage is Stage.WRITING:
            self._guarded(self._write, connection)
        else:
            self._guarded(self._read, connection)

    # Coming and going

    def _accept(self, enabled: bool) -> None:
        if enabled is self._accepting:
            return
        self._accepting = enabled
        for listener in self.sockets:
            if enabled:
                listener.setblocking(False)
                self._poller.register(listener, selectors.EVENT_READ, listener)
            else:
                self._poller.unregister(listener)

    def _welcome(self, listener: Any) -> None:
        for _ in range(AT_ONCE):
            if not self._make_room():
                self._accept(False)
                return
            try:
                sock, client = listener.accept()
            except OSError as error:
                full = error.errno in {errno.EMFILE, errno.ENFILE}
                if full and not self._give_up_oldest():
                    self._accept(False)
                return
            sock.setblocking(False)
            connection = Connection(sock, client, listener.getsockname(), time.monotonic())
            self._connections.add(connection)
            self._wait(connection, Stage.HEAD, self._policy.head_timeout)
            self._guarded(self._read, connection)  # as a rule the request is here already

    def _make_room(self) -> bool:
        return len(self._connections) < self._most or self._give_up_oldest()

    def _give_up_oldest(self) -> bool:
        """Close whoever has made least of most time; False if all are being answered."""
        now = time.monotonic()
        waiting = [one for one in self._connections if one.stage.weight]
        if not waiting:
            return False
        self._close(max(waiting, key=lambda one: (now - one.since) * one.stage.weight))
        return True

    def _wait(self, connection: Connection, stage: Stage, seconds: float) -> None:
        connection.stage = stage
        connection.since = time.monotonic()
        connection.deadline = connection.since + seconds
        if not self.alive:
            self._hurry(connection)
        elif stage is not Stage.WORK:
            self._accept(True)  # from now on it can make room for another
        self._watch(connection)

    def _hurry(self, connection: Connection) -> None:
        """Bring a deadline near, because the process stops."""
        if connection.stage is not Stage.WORK:
            silent = connection.stage in {Stage.HEAD, Stage.IDLE} and not connection.buffer
            said_all = silent or connection.stage is Stage.LINGER
            left = LINGER if said_all else LAST_WORDS
            connection.deadline = min(connection.deadline, time.monotonic() + left)

    def _watch(self, connection: Connection) -> None:
        """Let the poller watch for what the stage needs."""
        events = selectors.EVENT_READ
        if connection.stage is Stage.WRITING:
            events = selectors.EVENT_WRITE
        elif connection.stage in {Stage.WORK, Stage.ROOM}:
            events = 0
        if events == connection.events:
            return
        if not connection.events:
            self._poller.register(connection.sock, events, connection)
        elif not events:
            self._poller.unregister(connection.sock)
        else:
            self._poller.modify(connection.sock, events, connection)
        connection.events = events

    def _close(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        if connection.events:
            self._poller.unregister(connection.sock)
            connection.events = 0
        connection.sock.close()
        self._leave_room(connection)
        connection.end_request()
        if self.alive:
            self._accept(True)

    def _expire(self, connection: Connection) -> None:
        """Do what follows when a deadline has passed."""
        if connection.stage is Stage.WORK:
            return
        if connection.stage is Stage.BODY:
            self._refuse(connection, 408)
        elif connection.stage is Stage.ROOM:
            self._refuse(connection, 429)
        elif connection.stage is Stage.HEAD and connection.buffer:
            self._refuse_plainly(connection, 408, "slow head")
        else:
            self._close(connection)

    # Reading

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(PIECE if connection.stage is Stage.BODY else HEAD_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        if not data:
            self._close(connection)
        elif connection.stage is Stage.BODY:
            connection.buffer += data
            self._read_body(connection)
        elif connection.stage is not Stage.LINGER:
            connection.buffer += data
            self._read_head(connection)

    def _read_head(self, connection: Connection) -> None:
        if connection.stage is Stage.IDLE:
            self._wait(connection, Stage.HEAD, self._policy.head_timeout)
        try:
            connection.request = connection.take_head(self.cfg)
        except BadHead as error:
            self._refuse_plainly(connection, error.status, str(error))
            return
        if connection.request is not None:
            self._admit(connection)

    def _admit(self, connection: Connection) -> None:
        """Decide how a body is read, from the head alone."""
        request = connection.request
        headers = dict(request.headers)
        chunked = "TRANSFER-ENCODING" in headers
        length = None if chunked else int(headers.get("CONTENT-LENGTH") or 0)
        connection.last = chunked
        connection.expects = request._expected_100_continue
        large = chunked or (length or 0) > self._policy.most_bytes
        if large and self._policy.may_be_larger(headers):
            connection.body = None
            self._wait(connection, Stage.WORK, 0)
            self._pools["pages"].submit(self._ask_limit, connection, length)
            return
        self._begin_body(connection, length, self._policy.most_bytes)

    def _begin_body(self, connection: Connection, length: int | None, most: int) -> None:
        try:
            connection.body = Body(length, most)
        except TooLarge:
            self._refuse(connection, 413)
            return
        if connection.expects and not connection.buffer and length != 0:
            connection.output.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.output.flush()
        if not connection.body.complete:
            self._wait(connection, Stage.BODY, self._policy.body_timeout)
            self._bound_bodies()
        self._read_body(connection)

    def _bound_bodies(self) -> None:
        bodies = [one for one in self._connections if one.stage is Stage.BODY]
        if len(bodies) > MAX_BODIES:
            self._refuse(min(bodies, key=lambda one: one.since), 408)

    def _read_body(self, connection: Connection) -> None:
        body = connection.body
        assert body is not None
        try:
            if connection.buffer and not body.complete:
                connection.feed_body()
        except TooLarge:
            self._refuse(connection, 413)
            return
        except Unreadable as error:
            self._refuse_plainly(connection, 400, str(error))
            return
        if body.complete:
            self._leave_room(connection)
            body.file.seek(0)
            self._hand_over(connection, self._policy.bulkhead_of(connection.request.path))
            return
        if connection.person is not None:
            steps = 1 + body.received // STEP
            connection.deadline = connection.since + self._policy.body_timeout * steps
            if not self.alive:
                self._hurry(connection)

    # Large bodies

    def _ask_limit(self, connection: Connection, length: int | None) -> None:
        """Ask the app how large this body may be; in a thread."""
        most, person = self._policy.most_bytes, None
        try:
            _, environ = wsgi.environ_of(connection, self.cfg)
            most, person = self._policy.larger_limit(environ)
        except Exception:
            self.log.exception("A large body could not be judged")
        connection.person = person
        connection.limit = (length, most)
        self._from_thread(self._find_room, connection)

    def _find_room(self, connection: Connection) -> None:
        length, most = connection.limit
        if connection.person is None or (length or 0) > most:
            connection.person = None
            self._begin_body(connection, length, self._policy.most_bytes)
        elif self._room.take(connection.person):
            connection.has_room = True
            self._begin_body(connection, length, most)
        else:
            self._waiting_for_room.append(connection)
            if connection.stage is not Stage.ROOM:
                self._wait(connection, Stage.ROOM, self._policy.body_timeout)

    def _leave_room(self, connection: Connection) -> None:
        if connection in self._waiting_for_room:
            self._waiting_for_room.remove(connection)
        if not connection.has_room:
            return
        connection.has_room = False
        self._room.leave(connection.person)
        for _ in range(len(self._waiting_for_room)):
            self._guarded(self._find_room, self._waiting_for_room.popleft())

    # Answering

    def _hand_over(self, connection: Connection, bulkhead: str) -> None:
        self._wait(connection, Stage.WORK, 0)
        self._pools[bulkhead].submit(self._work, connection, time.monotonic())

    def _work(self, connection: Connection, taken_at: float) -> None:
        """Answer; in a thread."""
        connection.last = connection.last or not self.alive
        following: Step = self._close
        try:
            wsgi.answer(connection, self.wsgi, self.cfg, self.log, taken_at)
            connection.output.flush()
            following = self._write
        except ClientGone:
            self.log.debug("A client did not wait for its answer")
        finally:
            self._from_thread(following, connection)

    def _write(self, connection: Connection) -> None:
        connection.output.flush()
        if connection.output:
            if connection.stage is not Stage.WRITING:
                self._wait(connection, Stage.WRITING, WRITE_TIMEOUT)
                self._bound_unsent()
            return
        linger = self._policy.body_timeout if connection.refusal else LINGER
        connection.end_request()
        if connection.last:
            connection.sock.shutdown(socket.SHUT_WR)
            connection.buffer.clear()
            self._wait(connection, Stage.LINGER, linger)
        elif connection.buffer:
            self._wait(connection, Stage.HEAD, self._policy.head_timeout)
            self._read_head(connection)
        else:
            self._wait(connection, Stage.IDLE, self.cfg.keepalive)

    def _bound_unsent(self) -> None:
        writing = [one for one in self._connections if one.stage is Stage.WRITING]
        if sum(len(one.output) for one in writing) > MAX_UNSENT:
            self._close(min(writing, key=lambda one: one.since))

    def _refuse(self, connection: Connection, status: int) -> None:
        """Let the app refuse a request without reading its body."""
        self._leave_room(connection)
        if connection.body is not None:
            connection.body.close()
            connection.body = None
        connection.buffer.clear()
        connection.refusal = status
        connection.last = True
        self._hand_over(connection, "refusals")

    def _refuse_plainly(self, connection: Connection, status: int, reason: str) -> None:
        self.log.info("%s for a request that could not be read (%s)", status, reason)
        self._leave_room(connection)
        connection.last = True
        wsgi.refuse_plainly(connection.output, status)
        connection.end_request()
        self._write(connection)


def _most_connections(wanted: int) -> int:
    """Return how many connections there may be: each may have a file for its body beside it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    more = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < more:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return wanted if soft == resource.RLIM_INFINITY else max(16, min(wanted, (soft - 128) // 2))
