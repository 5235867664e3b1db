"""The plain Flask + Celery app as a contender."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

from benchmarks.contender import PROCESSES, Contender
from benchmarks.servers import ROOT, clean_environ

WORKER = (
    "celery -A benchmarks.naive.tasks worker -P gevent -c 100"
    " --without-gossip --without-mingle --without-heartbeat --loglevel WARNING"
)
PROCESSES_BY_NAME = " ".join(str(number) for number in range(PROCESSES))


class Plain(Contender):
    """benchmarks/naive, with its worker at its best: many greenlets, nothing logged a task."""

    name = "plain Flask + Celery"
    web_app = "benchmarks.naive.web:create_app()"
    jobs_table = "tweets"
    worker_command = f"for n in {PROCESSES_BY_NAME}; do {WORKER} -n worker$n@%h & done; wait"
    done_query = "SELECT count(*) FROM tweets WHERE state = 'posted'"

    @property
    def environ(self) -> dict[str, str]:
        """oauthlib signs nothing over http unless it is told that this is meant."""
        return {**super().environ, "OAUTHLIB_INSECURE_TRANSPORT": "1"}

    def make_tables(self) -> None:
        """Make the tables."""
        self._fill("0", "0", "0")

    def seconds_to_store(self, count: int) -> float:
        """Every tweet is a message with an ETA, which the worker takes into its own memory."""
        return 8 + count * 0.005

    def store(self, count: int, accounts: int, due_at: datetime) -> None:
        """Store the rows and send the messages from a process of their own."""
        self._fill(str(count), str(accounts), str(due_at.timestamp()))

    def _fill(self, *words: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "benchmarks.plain_rows", *words],
            cwd=ROOT,
            env={**clean_environ(), **self.environ},
            check=True,
        )
