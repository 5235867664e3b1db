"""Worker dynos over the Platform API, which a server on loopback plays."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator

import pytest

from app.autoscale import heroku
from app.autoscale.driver import ScalingFailed
from app.autoscale.heroku import HerokuDriver
from tests.support.scripted import LOST, ScriptedServer
from tests.support.waiting import free_port

KEY = "HRKU-a-secret-of-somebody"


@pytest.fixture
def driver(scripted: ScriptedServer) -> HerokuDriver:
    """The driver of an app with a name that must be quoted."""
    return HerokuDriver(scripted.url, "our app", KEY)


@pytest.fixture(autouse=True)
def no_secret_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens, and however much is logged."""
    caplog.set_level(logging.DEBUG)
    yield
    assert KEY not in caplog.text


def test_one_call_sets_the_quantity(scripted: ScriptedServer, driver: HerokuDriver) -> None:
    """As the Platform API wants it."""
    scripted.answers = [(200, {"type": "worker", "quantity": 2})]
    driver.scale(2)
    (seen,) = scripted.seen
    assert (seen.method, seen.path) == ("PATCH", "/apps/our%20app/formation/worker")
    assert json.loads(seen.body) == {"quantity": 2}
    assert seen.headers["Authorization"] == f"Bearer {KEY}"
    assert seen.headers["Accept"] == "application/vnd.heroku+json; version=3"
    assert seen.headers["Content-Type"] == "application/json"


def test_it_can_be_asked_for_the_quantity(scripted: ScriptedServer, driver: HerokuDriver) -> None:
    """A formation may be changed by hand; what is no number says nothing."""
    scripted.answers = [(200, {"quantity": 3}), (200, {"quantity": "many"}), (200, [])]
    assert [driver.count(), driver.count(), driver.count()] == [3, None, None]
    assert scripted.seen[0].method == "GET"


@pytest.mark.parametrize(
    ("status", "body", "is_known"),
    [
        (401, {"id": "unauthorized", "message": "Invalid credentials provided."}, True),
        (404, "<html>", True),
        (429, {"id": "rate_limit"}, True),
        (500, {"id": "internal_server_error"}, False),
        (503, "", False),
    ],
)
def test_what_is_refused(
    scripted: ScriptedServer, driver: HerokuDriver, status: int, body: object, is_known: bool
) -> None:
    """The reason is told; after an error of the server it may have been done nevertheless."""
    scripted.answers = [(status, body)]
    with pytest.raises(ScalingFailed, match=f"Heroku answers {status}") as told:
        driver.scale(1)
    assert told.value.outcome_is_known is is_known
    assert KEY not in str(told.value)
    assert told.value.retry_after == (heroku.UNSTATED_WAIT if status == 429 else 0)


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7), ("0", 1), ("1000000", heroku.MAX_WAIT), ("soon", 60)]
)
def test_too_many_calls(
    scripted: ScriptedServer, driver: HerokuDriver, said: str, seconds: float
) -> None:
    """Retry-After is obeyed within reason."""
    scripted.headers = {"Retry-After": said}
    scripted.answers = [(429, {"id": "rate_limit"})]
    with pytest.raises(ScalingFailed) as told:
        driver.scale(1)
    assert told.value.retry_after == seconds


def test_no_answer(scripted: ScriptedServer, driver: HerokuDriver) -> None:
    """A call that is lost or takes too long may have been done; one that never left was not."""
    scripted.answers = [LOST]
    with pytest.raises(ScalingFailed, match="does not answer") as told:
        driver.scale(1)
    assert not told.value.outcome_is_known
    scripted.play = lambda _seen: (time.sleep(1), (200, {}))[1]
    with pytest.raises(ScalingFailed, match="does not answer"):
        HerokuDriver(scripted.url, "app", KEY, timeout=0.2).scale(1)
    nobody = HerokuDriver(f"http://127.0.0.1:{free_port()}", "app", KEY)
    with pytest.raises(ScalingFailed, match="cannot be reached") as told:
        nobody.scale(1)
    assert told.value.outcome_is_known
