"""What a tweet costs the database: updates, write-ahead log, and room on its disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial

from benchmarks.contender import Contender
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.progress import counts, sleep_until, store_due_together, until_finished
from benchmarks.tables import Column, Figures
from tests.support.waiting import wait_for

ACCOUNTS = 50
COLUMNS = [
    Column("updates per tweet", 2),
    Column("of them HOT %", 1),
    Column("log MB per 1,000", 2),
    Column("growth MB per 1,000", 2),
    Column("doubled", worst=True),
    Column("lost", worst=True),
]
NOTE = (
    "Of a burst of tweets that are due in the same second, from before they are due until the last "
    "one is recorded and the worker has left. *Updates* of rows of the table of jobs; *HOT*: "
    "without a new entry in any index. *Log*: what was written ahead, after a checkpoint, so that "
    "the first change of each page is in it as a whole page. *Growth* of all tables with their "
    "indexes."
)
WRITTEN = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
SIZE = "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables"
SESSIONS = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend'"""


@dataclass(frozen=True, slots=True)
class State:
    """What the database has counted so far."""

    updates: int
    hot: int
    written: int
    """Bytes of write-ahead log."""
    size: int
    """Bytes of tables and indexes."""

    @classmethod
    def of(cls, contender: Contender) -> State:
        """Ask for it."""
        machine, database = contender.machine, contender.database
        updates = f"""SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
            WHERE relname = '{contender.jobs_table}'"""
        written = machine.database_size(database, WRITTEN)
        size = machine.database_size(database, SIZE)
        moved, hot = machine.numbers(database, updates)
        return cls(moved, hot, written, size)

    def since(self, before: State) -> State:
        """Return what was counted since then."""
        return State(*(new - old for new, old in zip(astuple(self), astuple(before), strict=True)))


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table."""
    count = plan.bursts[0]
    cases = [
        Case(
            f"{count:,} tweets, {ACCOUNTS} accounts: {contender.name}",
            partial(within, contender, partial(_burst, contender, count)),
        )
        for contender in contenders
    ]
    return f"{alternating(plan, COLUMNS, cases)}\n\n{NOTE}"


def _burst(contender: Contender, count: int) -> list[Figures]:
    machine = contender.machine
    worker = contender.start_worker()
    due = store_due_together(contender, count, ACCOUNTS)
    machine.checkpoint()
    before = State.of(contender)
    sleep_until(due)
    until_finished(contender, worker, count)
    # A session tells what it counted when it ends, at the latest.
    machine.stop(worker)
    wait_for(lambda: machine.database_size(contender.database, SESSIONS) == 0, what="no session")
    told = counts(machine.x, count, due)
    made = State.of(contender).since(before)
    published = max(1.0, count - told["lost"])
    return [
        {
            "updates per tweet": made.updates / published,
            "of them HOT %": 100 * made.hot / max(1, made.updates),
            "log MB per 1,000": made.written / 1e3 / published,
            "growth MB per 1,000": made.size / 1e3 / published,
            "doubled": told["doubled"],
            "lost": told["lost"],
        }
    ]
