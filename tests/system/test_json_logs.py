"""``LOG_FORMAT=json``: whatever is logged, by whom ever, is one object a line."""

from __future__ import annotations

import json
from datetime import datetime

from app import background
from app.kinds import LONG_TASK
from app.states import State
from tests.conftest import MakeWorld
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for

SETTINGS = {"LOG_FORMAT": "json", "LONG_TASK_SECONDS": "1"}


def lines_of(log: str) -> list[dict[str, str]]:
    """Return the lines of a log, each of which has to be an object with all that is promised."""
    lines = [json.loads(line) for line in log.splitlines()]
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys(), line
        assert datetime.fromisoformat(line["time"]).tzinfo is not None
    return lines


def test_every_line_is_an_object(make_world: MakeWorld, sqlite_url: str) -> None:
    """Of web, worker and commands; with the ids of jobs and tasks, and tracebacks in a field."""
    world = make_world(sqlite_url, **SETTINGS)
    worker = world.start_worker()
    world.site = world.start_web()
    ana = world.user("ana")
    out = world.tweet_later(ana, "Secret words")
    world.sandbox.fault("refuse", handle="ben")
    refused = world.tweet_later(world.user("ben"), "More secret words")
    states = world.until_settled([out, refused])
    assert states == {out: State.PUBLISHED, refused: State.FAILED}
    assert Visitor(world.site).get("/").status_code == 200
    with world.rows():
        task = background.ask_for(LONG_TASK)
    wait_for(lambda: "DONE" in world.log(), what="the end of the long task")
    world.kill(worker, 15)
    lines = lines_of(world.log())
    assert {line["logger"] for line in lines} >= {"gunicorn.error", "gunicorn.access", "app.ended"}
    told = {line["job_id"]: line["message"] for line in lines if line["logger"] == "app.ended"}
    assert told == {
        out: f"job {out} has ended: SUCCESS",
        refused: f"job {refused} has ended: FAILURE",
        task: f"job {task} has ended: SUCCESS",
    }
    assert [line["message"] for line in lines if line["logger"] == "app.workers.chores"] == [
        "Running a long task",
        "Almost done",
        "DONE",
    ]
    assert {line["job_id"] for line in lines if line["logger"] == "app.workers.chores"} == {task}
    assert "worker: Warm shutdown (MainProcess)" in {line["message"] for line in lines}
    assert "ecret words" not in world.log()
    done = world.flask("shell", stdin=COMMANDS)
    assert done.returncode == 0, done.stderr
    last = [line for line in lines_of_command(done.stderr) if line["message"] == "stumbled"]
    assert [(line["level"], line["job_id"]) for line in last] == [("ERROR", "7")]
    assert last[0]["traceback"].splitlines()[-1] == "ZeroDivisionError: division by zero"


COMMANDS = """
import logging
try: 1 / 0
except ZeroDivisionError as error:
    more = {"job_id": "7", "token": "hush"}
    logging.getLogger("app").error("stumbled", exc_info=error, extra=more)

"""


def lines_of_command(said: str) -> list[dict[str, str]]:
    """Return the lines of a command's log; the shell's own prompt is no log."""
    assert "hush" not in said
    return lines_of("\n".join(part for part in said.splitlines() if part.startswith("{")))
