"""The overview of operations: what programs and people get, and that the policy blocks nothing."""

from __future__ import annotations

import re

import psycopg

from app.db import db
from app.models import User
from tests.conftest import MakeWorld
from tests.support.desk import JSON, Desk

EMPTY = {"p50": None, "p95": None, "max": None}


def test_what_ended(desk: Desk) -> None:
    """Every period is there; the numbers are those of the rows, as soon as something has ended."""
    hours = desk.get("/overview")
    assert (hours["by"], len(hours["buckets"])) == ("hour", 48)
    assert {
        name: sum(one[name] for one in hours["buckets"]) for name in ("published", "failed")
    } == {
        "published": 2,
        "failed": 2,
    }
    assert hours["buckets"][0] == {
        "at": hours["buckets"][0]["at"],
        "published": 0,
        "failed": 0,
        "lateness_ms": EMPTY,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00\.000Z", hours["buckets"][0]["at"])
    (network,) = hours["networks"]
    assert (network["network"], network["published"], network["failed"]) == ("x", 2, 2)
    assert network["answer_ms"] == EMPTY
    assert sorted(hours["errors"], key=lambda one: one["code"]) == [
        {"code": "duplicate", "count": 1},
        {"code": "too_long", "count": 1},
    ]
    assert len(desk.get("/overview", by="day")["buckets"]) == 30
    assert len(desk.get("/overview", by="month")["buckets"]) == 12
    assert "incomplete" not in hours
    odd = desk.operator.get("/operations/overview", params={"by": "year"}, headers=JSON)
    assert (odd.status_code, odd.json()["error"]["field"]) == (422, "by")


def test_the_page(desk: Desk) -> None:
    """Charts obey the content policy; each has its numbers as a table; times are the viewer's."""
    with desk.world.rows():
        User.by_handle("ana").timezone = "Asia/Kathmandu"
        db.session.commit()
    for by, rows in (("hour", 48), ("day", 30), ("month", 12)):
        page = desk.page(f"/overview?by={by}")
        charts = re.findall(r"<svg[^>]*class=\"chart\".*?</svg>", page, re.DOTALL)
        assert len(charts) == 2
        for chart in charts:
            assert not re.search(r"<style|<script|style=|\son\w+=|href=|url\(", chart)
        assert page.count('<table class="figures">') == 2
        assert page.count('<tr><th scope="row">') == 2 * rows
        assert "/operations/failed?reason=duplicate&amp;network=x" in page
    hours = desk.page("")
    assert "Asia/Kathmandu" in hours
    assert re.search(r"<th scope=\"row\">\w{3} \d+ \w{3,4}, \d\d:45</th>", hours)


def test_a_database_that_does_not_answer(make_world: MakeWorld, postgres_url: str) -> None:
    """It is said, in both."""
    desk = Desk(make_world(postgres_url))
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        told = desk.get("/overview")
        assert told == {
            "by": "hour",
            "buckets": [],
            "networks": [],
            "errors": [],
            "as_of": None,
            "unavailable": True,
        }
        assert "nobody can say what went out" in desk.page("/overview")
