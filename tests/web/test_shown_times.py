"""The moment that was shown is sent along and stored, else it is shown anew and asked."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

from tests.support.visitor import Visitor

SHOWN_AT = re.compile(r'name="shown_at" id="shown_at" value="([^"]*)"')


def shown(visitor: Visitor, words: str, ago: float = 0) -> str:
    """Return the moment that the page showed for drifting words so many seconds ago."""
    answer = visitor.get("/when", params={"when": words}).json()
    at = datetime.fromisoformat(answer["due_at"]) - timedelta(seconds=ago)
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_the_composer(ana: Visitor) -> None:
    """Two minutes later the shown moment is stored; twenty minutes later it is asked."""
    at, old = shown(ana, "in one hour", 120), shown(ana, "in one hour", 1200)
    stored = ana.post("/tweets", text="Shown", when="in one hour", shown_at=at)
    assert (stored.status_code, stored.json()["tweet"]["due_at"]) == (202, at)
    text = f"Not stored {uuid.uuid4().hex}"
    refused = ana.post("/tweets", text=text, when="in one hour", shown_at=old)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["field"]) == (422, "time_moved", "when")
    assert "in 1 hour" in error["message"]
    assert text not in ana.get("/").text
    for wrong in ("yesterday", "2026-10-14T14:05:00", "9" * 50):
        answer = ana.post("/tweets", text=text, when="in one hour", shown_at=wrong)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "shown_at"), wrong


def test_the_same_submit_id_again(ana: Visitor) -> None:
    """What was stored is stored: its answer is the same, whatever the words mean by now."""
    old, key = shown(ana, "in one hour", 1200), str(uuid.uuid4())
    sent = {"text": "Once", "when": "in one hour", "submit_id": key}
    first = ana.post("/tweets", **sent)
    again = ana.post("/tweets", **sent, shown_at=old)
    assert (again.status_code, again.json()) == (202, first.json())


def test_changing(ana: Visitor) -> None:
    """The same when it is changed or moved."""
    tweet = ana.post("/tweets", text="Moved", when="in 3 hours").json()["tweet"]
    path = f"/tweets/{tweet['id']}"
    at, old = shown(ana, "in 2 hours", 120), shown(ana, "in 2 hours", 1200)
    for verb, where in (("PATCH", path), ("POST", f"{path}/reschedule")):
        refused = ana.post(where, verb, when="in 2 hours", shown_at=old)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "time_moved")
        moved = ana.post(where, verb, when="in 2 hours", shown_at=at)
        assert (moved.status_code, moved.json()["tweet"]["due_at"]) == (200, at)


def test_forms_without_scripts(ana: Visitor) -> None:
    """What "Check the time" has shown is what its page sends along; a refusal shows it anew."""
    text = f"Plain {uuid.uuid4().hex}"
    checked = ana.submit("/tweets", text=text, when="in one hour", check="1")
    found = SHOWN_AT.search(checked.text)
    assert found
    assert found[1]
    old = shown(ana, "in one hour", 1200)
    refused = ana.submit("/tweets", text=text, when="in one hour", shown_at=old)
    assert refused.status_code == 422
    assert "This time now means" in refused.text
    anew = SHOWN_AT.search(refused.text)
    assert anew
    assert anew[1] > old
    assert text not in ana.get("/").text.partition('id="tweets"')[2]
    stored = ana.submit("/tweets", text=text, when="in one hour", shown_at=found[1])
    assert stored.status_code == 200
    assert found[1][:19] in stored.text.partition(text)[2]
    edit = re.search(rf'{text}.*?href="(/tweets/\d+/edit)"', stored.text, re.DOTALL)
    assert edit
    refused = ana.submit(edit[1], text=text, when="in 2 hours", shown_at=old)
    assert refused.status_code == 422
    anew = SHOWN_AT.search(refused.text)
    assert anew
    assert anew[1] > old
    assert ana.submit(edit[1], text=text, when="in 2 hours", shown_at=anew[1]).status_code == 200
