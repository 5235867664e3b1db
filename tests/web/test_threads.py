"""A thread that is half out is shown as what it is."""

from __future__ import annotations

from typing import Any

import pytest

from app.states import State
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow


def half_out(running: World, visitor: Visitor) -> dict[str, Any]:
    """Write a thread whose second part has to wait; return the answer."""
    visitor.sign_in("half")
    before = len(running.sandbox.accepted())
    running.sandbox.fault("rate_limit", skip=1, handle="half", reset_in=600)
    parts = [{"text": word} for word in ("One", "Two", "Three")]
    made: dict[str, Any] = visitor.post("/tweets", parts=parts).json()
    wait_for(lambda: len(running.sandbox.accepted()) > before, what="the first part")
    wait_for(lambda: visitor.status(made["job_id"])["attempts"] == 2, what="the second call")
    running.until_state(made["job_id"], State.SCHEDULED)
    return made


def test_what_is_out_is_told_and_linked(running: World, visitor: Visitor) -> None:
    """One of three parts: a number and links in JSON and on the card; cancelled, it stays so."""
    made = half_out(running, visitor)
    job = visitor.status(made["job_id"])
    first = running.delivery(made["job_id"]).posted[0]["remote_url"]
    assert first
    assert (job["status"], job["state"]) == ("pending", "scheduled")
    assert job["parts"] == {"total": 3, "posted": [first]}
    assert job["url"] == first
    card = visitor.get(f"/tweets/{made['tweet']['id']}/card").text
    assert "1 of 3 parts is out" in card
    assert f'href="{first}"' in card
    cancelled = visitor.post(f"/tweets/{made['tweet']['id']}/cancel").json()
    assert cancelled["message"] == "Cancelled. Nothing more is sent."
    assert cancelled["jobs"][0]["parts"] == {"total": 3, "posted": [first]}


def test_a_tweet_of_one_part_says_nothing_of_parts(running: World, visitor: Visitor) -> None:
    """There is nothing to count."""
    visitor.sign_in("plain")
    made = visitor.post("/tweets", text="Only one", when="in one hour").json()
    assert visitor.status(made["job_id"])["parts"] is None
    cancelled = visitor.post(f"/tweets/{made['tweet']['id']}/cancel").json()
    assert cancelled["message"] == "Cancelled. Nothing is sent."
