"""Start Tweet Later with everything it needs on this machine, and stop it again.

``python -m dev.run`` migrates the database and starts the lines of ``Procfile.dev``: a
Redis-protocol server unless ``REDIS_URL`` or ``REDIS_PROVIDER`` says where one is, the sandbox
of all networks unless X's keys are set, the web process and the worker. While it runs,
``instance/run.env`` tells other terminals where its servers are.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from dotenv import load_dotenv

from dev import plan, ports, ready
from dev.processes import MARK, Processes, sweep

ROOT = Path(__file__).resolve().parent.parent
INSTANCE = ROOT / "instance"
RUN_ENV = INSTANCE / "run.env"
INTERRUPTED = {128 + signal.SIGINT, 128 + signal.SIGTERM}


def main() -> int:
    """Run until interrupted; return the exit status.

    :raises SystemExit: with a sentence, when it cannot start.
    """
    os.chdir(ROOT)
    os.umask(0o077)  # what all of them write in instance/ is their owner's alone
    signal.signal(signal.SIGTERM, stop_early)
    signal.signal(signal.SIGINT, stop_early)
    load_dotenv(ROOT / ".env")
    with only_one():
        if sweep(str(ROOT)):
            print("Stopped what an earlier run had left behind.", flush=True)
        try:
            status = start()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            sweep(str(ROOT))
            RUN_ENV.unlink(missing_ok=True)
    return status


def stop_early(signum: int, _frame: object) -> NoReturn:
    """Leave in an orderly way before honcho has taken over the signals."""
    sys.exit(128 + signum)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold this checkout's lock; it goes with this process, however that ends.

    :raises SystemExit: when this checkout runs already, or ``instance/`` cannot be written.
    """
    try:
        INSTANCE.mkdir(mode=0o700, exist_ok=True)
        lock = (INSTANCE / "run.lock").open("a")
    except OSError as error:
        sys.exit(f"Cannot write to {INSTANCE}: {error.strerror}.")
    with lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit("Tweet Later runs already in this checkout. Its addresses: instance/run.env")
        yield


def start() -> int:
    """Choose ports, migrate, run the processes until they stop; return the exit status."""
    turn = ports.Turn()
    turn.take()
    chosen = plan.make(os.environ)
    environment = chosen.environment | {MARK: str(ROOT)}
    write_run_env(chosen.shared)
    migrate(environment)
    start_guard(environment)

    def announce() -> None:
        ready.wait_for_ports(chosen)
        turn.give_up()
        ready.announce(chosen)

    processes = Processes(after_start=announce)
    processes.add_procfile(ROOT / "Procfile.dev", environment, chosen.skipped)
    processes.loop()
    status = processes.returncode
    if status not in INTERRUPTED:
        print("One process stopped by itself (its last lines are above), so all were stopped.")
        return status or 1
    return int(status)


def write_run_env(variables: dict[str, str], file: Path = RUN_ENV) -> None:
    """Tell other terminals of this user where the servers are."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as writer:
        for name, value in variables.items():
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            writer.write(f"{name}='{quoted}'\n")


def migrate(environment: dict[str, str]) -> None:
    """Bring the database up to date.

    :raises SystemExit: when it cannot be.
    """
    command = [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"]
    if subprocess.run(command, cwd=ROOT, env=environment).returncode:
        sys.exit("The database could not be brought up to date; the reason is above.")


def start_guard(environment: dict[str, str]) -> None:
    """Start the process that cleans up should this one be killed."""
    parent = os.getppid() if "MAKELEVEL" in os.environ else 0
    command = [sys.executable, "-m", "dev.guard", str(os.getpid()), str(parent)]
    subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)


if __name__ == "__main__":
    sys.exit(main())
