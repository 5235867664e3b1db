"""Polls of one job are answered before Flask, with the words and headers of Flask's own view."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests

from tests.support.visitor import Visitor

pytestmark = pytest.mark.slow
PASSING = {"Date", "Content-Length"}
"""Headers that differ from one moment to the next."""


@pytest.fixture
def job_id(ana: Visitor) -> str:
    """A tweet of Ana's for tomorrow."""
    answer = ana.post(
        "/tweets", text=f"Asked about often {uuid.uuid4().hex}", when="tomorrow at 9:00"
    )
    assert answer.status_code == 202
    return str(answer.json()["job_id"])


def lasting(answer: requests.Response) -> dict[str, str]:
    """Return the headers that stay."""
    return {name: value for name, value in answer.headers.items() if name not in PASSING}


def of_view(ana: Visitor, job_id: str, **more: Any) -> dict[str, Any]:
    """Ask the view that answers for many."""
    jobs = ana.get("/status", params={"job_ids": job_id}, **more).json()["jobs"]
    return {**jobs[0], "poll_after_ms": None}


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_same_as_the_view(ana: Visitor, job_id: str, language: str) -> None:
    """In the browser's language, and with the headers of the answer to HEAD, which Flask makes."""
    asked = {"headers": {"Accept-Language": language, "Accept": "application/json"}}
    answer = ana.get(f"/status/{job_id}", **asked)
    said = answer.json()
    assert said["poll_after_ms"] > 0
    assert {**said, "poll_after_ms": None} == of_view(ana, job_id, **asked)
    view = ana.http.head(f"{ana.site}/status/{job_id}", timeout=20, **asked)
    assert lasting(answer) == lasting(view)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_only_for_its_owner(ana: Visitor, ben: Visitor, job_id: str) -> None:
    """Somebody else's job is unknown, and an ended session is signed out at once."""
    assert ana.get(f"/status/{job_id}").json()["status"] == "pending"
    assert ben.get(f"/status/{job_id}").status_code == 404
    assert ana.get(f"/status/{job_id}x").status_code == 404
    kept = requests.Session()
    kept.cookies.update(ana.http.cookies)
    assert kept.get(f"{ana.site}/status/{job_id}", timeout=20).status_code == 200
    ana.submit("/logout")
    assert kept.get(f"{ana.site}/status/{job_id}", timeout=20).status_code == 401
    assert requests.get(f"{ana.site}/status/{job_id}", timeout=20).status_code == 401
