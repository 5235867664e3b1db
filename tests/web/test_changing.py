"""What an owner may still do, and that nobody else may."""

from __future__ import annotations

import pytest

from tests.support.visitor import Visitor
from tests.support.world import World


def scheduled(visitor: Visitor, text: str) -> tuple[int, str]:
    """Write a tweet for later; return its id and job id."""
    made = visitor.post("/tweets", text=text, when="in 5 hours").json()
    return made["tweet"]["id"], made["job_id"]


def test_cancel(ana: Visitor) -> None:
    """A cancelled tweet is final and cannot be cancelled again."""
    tweet, job = scheduled(ana, "Cancel me")
    assert ana.post(f"/tweets/{tweet}/cancel").status_code == 200
    assert ana.status(job)["state"] == "cancelled"
    again = ana.post(f"/tweets/{tweet}/cancel")
    assert again.status_code == 409
    assert "already being sent" in again.json()["error"]["message"]


def test_edit_changes_what_is_posted(ana: Visitor, running: World) -> None:
    """The text that is posted is the text that was stored last."""
    tweet, job = scheduled(ana, "Old words")
    assert ana.post(f"/tweets/{tweet}", verb="PATCH", text="New words").status_code == 200
    assert ana.post(f"/tweets/{tweet}/reschedule", when="now").status_code == 200
    assert ana.until_final(job)["status"] == "done"
    assert running.sandbox.texts()["New words"] == 1
    assert "Old words" not in running.sandbox.texts()


def test_reschedule_moves_the_due_time(ana: Visitor) -> None:
    """A new time replaces the old one."""
    tweet, job = scheduled(ana, "Move me")
    before = ana.status(job)["due_at"]
    answer = ana.post(f"/tweets/{tweet}/reschedule", when="in 9 hours")
    assert answer.status_code == 200
    assert ana.status(job)["due_at"] > before


def test_published_cannot_be_changed(ana: Visitor) -> None:
    """What is out is out."""
    made = ana.post("/tweets", text="Out and about").json()
    ana.until_final(made["job_id"])
    tweet = made["tweet"]["id"]
    for path in ("cancel", "reschedule", "retry", "confirm"):
        assert ana.post(f"/tweets/{tweet}/{path}", when="").status_code == 409
    assert ana.post(f"/tweets/{tweet}", verb="PATCH", text="Otherwise").status_code == 409


def test_failed_can_be_edited_and_retried(ana: Visitor, running: World) -> None:
    """A refused text is shown with its reason; changed and retried, it goes out."""
    running.sandbox.fault("refuse", handle="ana")
    made = ana.post("/tweets", text="Not like this").json()
    status = ana.until_final(made["job_id"])
    assert status["status"] == "failed"
    assert status["error"]["message"]
    assert status["error"]["next_step"]
    tweet = made["tweet"]["id"]
    assert ana.post(f"/tweets/{tweet}", verb="PATCH", text="Like this").status_code == 200
    assert ana.post(f"/tweets/{tweet}/retry").status_code == 200
    assert ana.until_final(made["job_id"])["status"] == "done"
    assert running.sandbox.texts()["Like this"] == 1


def test_a_bad_change_changes_nothing(ana: Visitor) -> None:
    """A refused edit leaves text and time as they were."""
    tweet, job = scheduled(ana, "Stay as you are")
    before = ana.status(job)["due_at"]
    assert ana.post(f"/tweets/{tweet}", verb="PATCH", text="").status_code == 422
    assert ana.post(f"/tweets/{tweet}", verb="PATCH", when="banana").status_code == 422
    assert ana.post(f"/tweets/{tweet}/reschedule", when="yesterday").status_code == 422
    assert ana.status(job)["due_at"] == before
    assert "Stay as you are" in ana.get(f"/tweets/{tweet}").text


def test_edit_page_without_javascript(ana: Visitor) -> None:
    """The edit form shows and stores, and keeps the time when it is not touched."""
    tweet, job = scheduled(ana, "Edit on a page")
    before = ana.status(job)["due_at"]
    page = ana.get(f"/tweets/{tweet}/edit").text
    assert "Edit on a page" in page
    when = page.split('name="when"')[1].split('value="')[1].split('"')[0]
    ana.submit(f"/tweets/{tweet}/edit", text="Edited on a page", when=when)
    assert "Edited on a page" in ana.get("/").text
    assert ana.status(job)["due_at"][:19] == before[:19]


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/tweets/{tweet}"),
        ("GET", "/tweets/{tweet}/card"),
        ("GET", "/tweets/{tweet}/edit"),
        ("GET", "/status/{job}"),
        ("POST", "/tweets/{tweet}/cancel"),
        ("POST", "/tweets/{tweet}/reschedule"),
        ("POST", "/tweets/{tweet}/retry"),
        ("POST", "/tweets/{tweet}/confirm"),
        ("PATCH", "/tweets/{tweet}"),
    ],
)
def test_somebody_elses_tweet_does_not_exist(
    ana: Visitor, ben: Visitor, verb: str, path: str
) -> None:
    """Ben gets 404 for everything of Ana's, and nothing changes."""
    tweet, job = scheduled(ana, f"Private to Ana {verb} {path}")
    answer = ben.post(path.format(tweet=tweet, job=job), verb=verb, text="Mine now", when="")
    assert answer.status_code == 404
    assert ana.status(job)["state"] == "scheduled"


def test_many_statuses_in_one_answer(ana: Visitor, ben: Visitor) -> None:
    """Own ids are answered, foreign and unknown ones left out, more than 100 refused."""
    _, own = scheduled(ana, "Mine to ask about")
    _, foreign = scheduled(ben, "Not mine to ask about")
    answer = ana.get(f"/status?job_ids={own},{foreign},unknown")
    assert [job["job_id"] for job in answer.json()["jobs"]] == [own]
    too_many = ",".join(["x"] * 101)
    headers = {"Accept": "application/json"}
    assert ana.get(f"/status?job_ids={too_many}", headers=headers).status_code == 422
    assert ana.get("/status/unknown", headers=headers).status_code == 404


def test_settings_are_stored_all_or_none(ana: Visitor) -> None:
    """A zone that does not exist is refused at its field."""
    bad = ana.submit("/settings", timezone="Mars/Olympus", locale="en", late_tolerance_hours="6")
    assert bad.status_code == 422
    assert "We do not know this time zone" in bad.text
    good = ana.submit("/settings", timezone="UTC", locale="es", late_tolerance_hours="0,5")
    assert good.status_code == 200
    assert 'value="0.5"' in good.text
    ana.submit("/settings", timezone="UTC", locale="en", late_tolerance_hours="6")
