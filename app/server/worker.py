"""gunicorn's worker: one loop reads heads and bodies under deadlines, threads answer.

A thread gets a request when all of it is here, and never waits for a client: what a client does not
send or take in time costs a socket and a little memory. docs/decisions/0012 says why it is our own.
"""

from __future__ import annotations

import math
import socket
import time
from typing import Any

from app.server import wsgi
from app.server.balance import Balance
from app.server.bodies import Body, TooLarge, Unreadable
from app.server.connection import HEAD_PIECE, PIECE, BadHead, ClientGone, Connection, Stage
from app.server.loop import LINGER, Loop, Step

STEP = 4 * 1024 * 1024
"""Each so many bytes of a large body that have come give it its time once more."""
MAX_BODIES = 256
"""Bodies that are read at a time; beyond that the oldest one has had its time."""
MAX_UNSENT = 32 * 1024 * 1024
"""Bytes of answers that wait for clients to take them."""
WRITE_TIMEOUT = 30.0


class Worker(Loop):
    """Serves a WSGI app whose ``extensions`` may hold a Policy as ``server``."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse what is left to a proxy; before the first process is divided off."""
        if cfg.is_ssl:
            raise SystemExit("Tweet Later cannot start.\nTLS is a proxy's: see docs/deployment.md.")
        cls.hold_signals()
        cls.balance = Balance()

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
            connection.request = connection.take_head(self._settings)
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
            self._wait(connection, Stage.WORK, math.inf)
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
            _, environ = wsgi.environ_of(connection, self._settings)
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
        self._wait(connection, Stage.WORK, math.inf)
        if bulkhead == "pages":
            self._ready.append((connection, time.monotonic()))
        else:
            self._pools[bulkhead].submit(self._work, connection, time.monotonic())

    def _work(self, connection: Connection, taken_at: float) -> None:
        """Answer; in a thread."""
        connection.last = connection.last or not self.alive
        following: Step = self._close
        try:
            wsgi.answer(connection, self.wsgi, self._settings, self.log, taken_at)
            connection.output.flush()
            following = self._write
        except ClientGone:
            self.log.debug("A client did not wait for its answer")
        except BaseException:  # nobody reads what a thread has raised, and no request ends the loop
            self.log.exception("A request was given up")
        finally:
            if following != self._write or not self._rest(connection):
                self._from_thread(following, connection)

    def _rest(self, connection: Connection) -> bool:
        """Let an answered connection wait for its next request, without waking the loop for it.

        In a thread; False when something is left for the loop to do. The stage comes last: from
        then on the loop may do anything with the connection.
        """
        if connection.output or connection.last or connection.buffer:
            return False
        connection.end_request()
        connection.since = time.monotonic()
        connection.deadline = connection.since + self._settings.keepalive
        connection.stage = Stage.IDLE
        if not (connection.events and self.alive):
            self._from_thread(self._wait_again, connection)
        return True

    def _wait_again(self, connection: Connection) -> None:
        """Watch an answered connection, on which something has happened in the meantime."""
        if connection in self._connections and connection.stage is Stage.IDLE:
            self._wait(connection, Stage.IDLE, self._settings.keepalive)

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
            self._wait(connection, Stage.IDLE, self._settings.keepalive)

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
