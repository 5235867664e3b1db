"""`make run`, as a person uses it: real processes on free ports in a copy of the checkout."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from dotenv import dotenv_values

from dev import ports
from dev.processes import marked, wait_until

ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".venv.lock", ".env", "instance", "tests", "__pycache__", ".*_cache"
)
OURS = ("X_", "REDIS_", "DATABASE_", "APP_", "SANDBOX_", "PORT", "MAKELEVEL", "DYNO", "MEDIA_")
OURS += ("MASTODON_", "BLUESKY_", "FACEBOOK_", "ALLOW_")
START, STOP = 90, 15


class Run:
    """One ``python -m dev.run`` in a checkout."""

    def __init__(self, checkout: Path) -> None:
        """Start it on a free port; its words go to a file beside the checkout."""
        self.checkout = checkout
        self.port = ports.next_free(18_000 + os.getpid() % 1000 * 10)
        self.output = checkout.with_suffix(f".{self.port}.log")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dev.run"],
                cwd=checkout,
                env=kept | {"PORT": str(self.port)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_up(self) -> None:
        """Wait for the sentence that says where the page is."""
        wait_until(self._has_something_to_say, START)
        assert "Tweet Later is at" in self.words()

    def _has_something_to_say(self) -> bool:
        return "Tweet Later is at" in self.words() or self.process.poll() is not None

    def words(self) -> str:
        """Return all it has printed."""
        return self.output.read_text()

    def status_of_page(self) -> int:
        """Return the HTTP status of the first page."""
        connection = http.client.HTTPConnection(ports.LOOPBACK, self.port, timeout=10)
        connection.request("GET", "/")
        status = connection.getresponse().status
        connection.close()
        return status

    def run_env(self) -> dict[str, str | None]:
        """Return what other terminals are told."""
        return dotenv_values(self.checkout / "instance" / "run.env")

    def interrupt(self) -> None:
        """Press Ctrl-C and wait for the end."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(STOP)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A copy of this checkout, under a name with a space, that leaves nothing running."""
    copy = tmp_path / "a checkout"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    yield copy
    for process in marked(str(copy)):
        process.kill()


def left_running(checkout: Path) -> list[str]:
    """Return the command lines of what a run of this checkout started and did not stop."""
    return [" ".join(process.cmdline()) for process in marked(str(checkout))]


def test_everything_starts_and_ctrl_c_stops_all_of_it(checkout: Path) -> None:
    """One command serves the page with all it needs, and Ctrl-C leaves nothing behind."""
    (checkout / "instance").mkdir(mode=0o755)
    run = Run(checkout)
    run.wait_until_up()

    assert run.status_of_page() == 200
    shared = run.run_env()
    assert f"sandbox: nothing leaves this machine — {shared['X_API_URL']}" in run.words()
    assert redis.Redis.from_url(str(shared["REDIS_URL"])).ping()
    for name in ("MASTODON_SERVER", "BLUESKY_URL", "FACEBOOK_GRAPH_URL"):
        assert ports.answers(urlsplit(str(shared[name])).port or 0), name
    for path in (checkout / "instance", *(checkout / "instance").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert left_running(checkout)

    run.interrupt()
    assert left_running(checkout) == []
    assert not (checkout / "instance" / "run.env").exists()
    assert "Traceback" not in run.words()


def test_a_killed_run_can_be_started_again_and_finds_its_data(checkout: Path) -> None:
    """After kill -9 of everything but the servers, the same command works and nothing is lost."""
    first = Run(checkout)
    first.wait_until_up()
    with redis.Redis.from_url(str(first.run_env()["REDIS_URL"])) as server:
        server.set("kept", "yes")
        server.execute_command("WAITAOF", 1, 0, 5000)
    for process in marked(str(checkout)):
        if "dev.guard" in process.cmdline():
            process.kill()
    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.wait(STOP)
    assert left_running(checkout)

    second = Run(checkout)
    second.wait_until_up()
    with redis.Redis.from_url(str(second.run_env()["REDIS_URL"])) as server:
        assert server.get("kept") == b"yes"
    second.interrupt()
    assert left_running(checkout) == []


def test_what_a_killed_run_started_stops_by_itself(checkout: Path) -> None:
    """Whoever kills `make run` with kill -9 is not left with servers that nobody owns."""
    run = Run(checkout)
    run.wait_until_up()
    os.killpg(run.process.pid, signal.SIGKILL)
    run.process.wait(STOP)
    assert wait_until(lambda: not marked(str(checkout)), STOP)
    assert not (checkout / "instance" / "run.env").exists()


def test_the_same_checkout_runs_only_once(checkout: Path) -> None:
    """A second start in the same checkout is refused in one sentence and harms nothing."""
    first = Run(checkout)
    first.wait_until_up()
    second = Run(checkout)
    assert second.process.wait(STOP) == 1
    assert second.words().strip().count("\n") == 0
    assert "runs already in this checkout" in second.words()
    assert first.status_of_page() == 200
    first.interrupt()
