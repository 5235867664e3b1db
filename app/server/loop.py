"""The loop over all connections: who comes, who may read or write, whose deadline has passed."""

from __future__ import annotations

import errno
import os
import resource
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.base import Worker as Base

from app.concurrency import ConcurrencyLimiter
from app.server.balance import Balance
from app.server.connection import PIECE, ClientGone, Connection, Stage
from app.server.policy import BULKHEADS, Policy
from app.server.turns import Turns

LINGER = 2.0
LAST_WORDS = 3.0
"""Seconds for what is being read or written when the process is told to stop."""
LARGE_BODIES, OF_A_PERSON = 8, 3
"""Bodies above everybody's limit that are read at a time; each of them may take much disk."""
SWEEP = 0.25
"""Seconds between looks at the deadlines."""
AT_ONCE = 32
"""Connections that are accepted before anything else is looked at."""
LEAVE_TO_OTHERS = 0.002
"""Seconds for which a process with many connections leaves new ones to the other processes."""
FILES = 4096
"""Open files to ask the system for; macOS gives 256 by itself."""
STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}


Step = Callable[[Connection], None]


class Settings:
    """gunicorn's settings, each looked up once: it computes them anew for each header."""

    def __init__(self, cfg: Any) -> None:
        self._cfg = cfg

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._cfg, name)
        self.__dict__[name] = value
        return value


class Loop(Base):
    """Attends to connections; a Worker says what reading, writing and refusing are."""

    _read: Step
    _write: Step
    _leave_room: Step
    _work: Callable[[Connection, float], None]
    _refuse: Callable[[Connection, int], None]
    _refuse_plainly: Callable[[Connection, int, str], None]
    balance: Balance
    """Of all processes of this server."""

    @classmethod
    def hold_signals(cls) -> None:
        """Let a signal wait that comes to a new process before it can take one; call this once.

        A process that has just been divided still has its parent's handlers, which forget the
        signal, and gunicorn sends it once: the stop would last until the process is killed.
        """
        os.register_at_fork(
            before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, STOPS),
            after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS),
        )

    def init_signals(self) -> None:
        """Take signals from now on."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def init_process(self) -> None:
        """Prepare the loop and its threads; runs until the end."""
        self._poller = selectors.DefaultSelector()
        self._done: deque[tuple[Step, Connection]] = deque()
        self._ready: deque[tuple[Connection, float]] = deque()
        """Requests for pages that are here since these moments, by the monotonic clock."""
        self._turns = Turns(self._attend_to_all)
        self._end = 0.0
        """When the process leaves, whatever is under way; 0 while it is to stay."""
        self._ear, self._mouth = os.pipe()
        os.set_blocking(self._ear, False)
        os.set_blocking(self._mouth, False)
        self._pools = {
            name: ThreadPoolExecutor(count, thread_name_prefix=name)
            for name, count in BULKHEADS.items()
        }
        self._connections: set[Connection] = set()
        self._accepting = False
        self._left_until = 0.0
        """Until when new connections are left to other processes; 0 when they are not."""
        self._insists = False
        """True when they were left for long enough, and none has taken the first of them."""
        self._next_sweep = 0.0
        self._settings = Settings(self.cfg)
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
        self._turns.run()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _attend_to_all(self) -> bool:
        """Go on with the loop; return True at its end, False if another thread has it now."""
        while self.alive and self.ppid == os.getppid():
            if not self._look():
                return False
        if not self._end:
            self.alive = False
            self._end = time.monotonic() + self.cfg.graceful_timeout
            self._accept(False)
            self.balance.leave(self.age)
            for connection in self._connections:
                self._hurry(connection)
        while self._connections and time.monotonic() < self._end:
            if not self._look():
                return False
        return True

    def _look(self) -> bool:
        """Attend to whatever has happened; return False if another thread has the loop now."""
        for key, events in self._poller.select(self._longest_look()):
            if isinstance(key.data, Connection):
                self._attend(key.data, events)
            elif key.data is not None:
                self._welcome(key.data)
        with suppress(BlockingIOError):
            os.read(self._ear, PIECE)
        while self._done:
            self._guarded(*self._done.popleft())
        now = time.monotonic()
        if self._left_until and now >= self._left_until:
            self._left_until, self._insists = 0.0, True
            self._accept(self.alive)
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP
            self.notify()
            self._say_how_many()
            for connection in [one for one in self._connections if one.deadline <= now]:
                self._guarded(self._expire, connection)
            if self.alive and any(one.stage.weight for one in self._connections):
                self._accept(True)  # threads do not say when a connection can make room again
        return self._answer()

    def _answer(self) -> bool:
        """Answer the page that is asked for, here; of several, threads of their bulkhead do.

        Return False if it took so long that another thread has the loop now.
        """
        if len(self._ready) == 1 and self._turns.has_stand_in:
            connection, taken_at = self._ready.pop()
            return self._turns.away(partial(self._work, connection, taken_at))
        while self._ready:
            self._pools["pages"].submit(self._work, *self._ready.popleft())
        return True

    def _longest_look(self) -> float:
        """Return for how many seconds nothing needs to happen by itself."""
        if self._left_until:
            return LEAVE_TO_OTHERS
        return SWEEP if self._connections else 1.0

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
        if connection.stage is Stage.WORK:
            self._look_away(connection)
            return
        step = self._write if connection.stage is Stage.WRITING else self._read
        self._guarded(step, connection)

    def _accept(self, enabled: bool) -> None:
        if enabled is self._accepting or (enabled and self._left_until):
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
            if self._leaves_it_to_others():
                return
            if len(self._connections) >= self._most and not self._give_up_oldest():
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
            self._say_how_many()
            self._wait(connection, Stage.HEAD, self._policy.head_timeout)
            self._guarded(self._read, connection)  # as a rule the request is here already

    def _leaves_it_to_others(self) -> bool:
        """Look away from new connections for a moment if another process should take them."""
        insists, self._insists = self._insists, False
        now = time.monotonic()
        if insists or not self.balance.has_many(self.age, len(self._connections), now):
            return False
        self._accept(False)
        self._left_until = now + LEAVE_TO_OTHERS
        return True

    def _say_how_many(self) -> None:
        if self.alive:
            self.balance.say(self.age, len(self._connections), time.monotonic())

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
            silent = connection.stage in (Stage.HEAD, Stage.IDLE) and not connection.buffer
            said_all = silent or connection.stage is Stage.LINGER
            left = LINGER if said_all else LAST_WORDS
            connection.deadline = min(connection.deadline, time.monotonic() + left)

    def _look_away(self, connection: Connection) -> None:
        """Do not watch a client that says more, or goes, before it has its answer."""
        self._poller.unregister(connection.sock)
        connection.events = 0
        if connection.stage is Stage.IDLE:  # its thread, which has ended meanwhile, cannot know
            self._watch(connection)

    def _watch(self, connection: Connection) -> None:
        """Let the poller watch for what the stage needs."""
        if connection.stage is Stage.WORK:
            return  # watched or not: as a rule nothing comes, and asking the system takes time
        events = selectors.EVENT_READ
        if connection.stage is Stage.WRITING:
            events = selectors.EVENT_WRITE
        elif connection.stage is Stage.ROOM:
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
        self._say_how_many()
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
        if connection.stage is Stage.BODY:
            self._refuse(connection, 408)
        elif connection.stage is Stage.ROOM:
            self._refuse(connection, 429)
        elif connection.stage is Stage.HEAD and connection.buffer:
            self._refuse_plainly(connection, 408, "slow head")
        else:
            self._close(connection)


def _most_connections(wanted: int) -> int:
    """Return how many connections there may be: each may have a file for its body beside it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    more = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < more:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return wanted if soft == resource.RLIM_INFINITY else max(16, min(wanted, (soft - 128) // 2))
