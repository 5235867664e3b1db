"""One action for many tweets, and a failed tweet at another time."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from app.db import db, utcnow
from app.models import Delivery, Tweet
from app.states import State
from app.web.tweets import bulk
from tests.support import full_list
from tests.support.reader import Reader
from tests.support.world import World

SCHEDULED, FAILED, REVIEW, CANCELLED = 1, 14, 16, 17
"""Tweets of the full list with one job."""
IN_A_DAY = {"when": "in 24 hours"}


@pytest.fixture
def ana(world: World) -> Reader:
    """Ana, with twenty tweets of every kind."""
    with world.rows():
        return Reader(world, *full_list.fill())


def ids_of(world: World, *numbers: int) -> list[int]:
    """Return the ids of tweets of the list, by their numbers."""
    with world.rows():
        found = {
            text.split()[1]: tweet_id
            for tweet_id, text in db.session.execute(db.select(Tweet.id, Tweet.text))
        }
    return [found[str(number)] for number in numbers]


def jobs_of(world: World, tweet_id: int) -> list[tuple[str, int]]:
    """Return the state of each job, and in how many hours it is due."""
    with world.rows():
        rows = db.session.scalars(
            db.select(Delivery).where(Delivery.tweet_id == tweet_id).order_by(Delivery.account_id)
        )
        return [(row.state, round((row.due_at - utcnow()) / timedelta(hours=1))) for row in rows]


def skipped(*rows: tuple[int, str]) -> list[dict[str, Any]]:
    """Return what is said about tweets that were left alone."""
    return [{"id": tweet_id, "code": code} for tweet_id, code in rows]


def test_cancel(world: World, ana: Reader) -> None:
    """Each is told apart: done, finished already, and nobody's. A second time changes nothing."""
    scheduled, further, over = ids_of(world, SCHEDULED, 18, CANCELLED)
    asked = [scheduled, over, 999, further, scheduled, 0, -3, 2**40]
    answer = ana.post("/tweets/bulk", action="cancel", tweet_ids=asked, when=None)
    assert answer.status_code == 200
    assert answer.json["done"] == [scheduled, further]
    unknown = [(each, "not_found") for each in (999, 0, -3, 2**40)]
    assert answer.json["skipped"] == skipped((over, "already_being_sent"), *unknown)
    assert answer.json["message"].startswith("2 tweets are cancelled. 5 tweets stay as they are")
    assert {state for state, _ in jobs_of(world, further)} == {State.CANCELLED}
    again = ana.post("/tweets/bulk", action="cancel", tweet_ids=[scheduled, further])
    assert again.json["done"] == []
    assert again.json["skipped"] == skipped(
        (scheduled, "already_being_sent"), (further, "already_being_sent")
    )


def test_move(world: World, ana: Reader) -> None:
    """All to the same time; what is published stays where it is."""
    scheduled, sent, partly = ids_of(world, SCHEDULED, 9, 18)
    body = {"action": "reschedule", "tweet_ids": [scheduled, sent, partly]}
    answer = ana.post("/tweets/bulk", **body, **IN_A_DAY)
    assert answer.json["done"] == [scheduled, partly]
    assert answer.json["skipped"] == skipped((sent, "already_being_sent"))
    assert jobs_of(world, scheduled) == [(State.SCHEDULED, 24)]
    assert jobs_of(world, partly) == [(State.SCHEDULED, 24)] * 3
    for when, code in (("", "empty_time"), (None, "empty_time"), ("banana", "not_understood")):
        refused = ana.post("/tweets/bulk", **body, when=when)
        assert refused.status_code == 422
        assert refused.json["error"]["field"] == "when"
        assert code in {"not_understood", refused.json["error"]["code"]}
    assert ana.post("/tweets/bulk", **body, when="now").json["done"] == [scheduled, partly]
    assert jobs_of(world, scheduled) == [(State.SCHEDULED, 0)]


def test_retry(world: World, ana: Reader) -> None:
    """What failed, now or then. What may be there is never sent again without a look at it."""
    failed, review, partly = ids_of(world, FAILED, REVIEW, 19)
    body = {"action": "retry", "tweet_ids": [failed, review, partly]}
    assert ana.post("/tweets/bulk", **body, when="").status_code == 422
    answer = ana.post("/tweets/bulk", **body, **IN_A_DAY)
    assert answer.json["done"] == [failed, partly]
    assert answer.json["skipped"] == skipped((review, "look_first"))
    assert jobs_of(world, failed) == [(State.SCHEDULED, 24)]
    states = [state for state, _ in jobs_of(world, partly)]
    assert states == [State.PUBLISHED, State.SCHEDULED, State.PUBLISHED]
    again = ana.post("/tweets/bulk", **body)
    assert again.json["done"] == []
    assert jobs_of(world, failed) == [(State.SCHEDULED, 24)]
    assert jobs_of(world, review)[0][0] == State.REVIEW


def test_retry_now_notifies_workers(
    world: World, ana: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to wait for a scheduler."""
    notified: list[str] = []
    monkeypatch.setattr(bulk.broker, "notify_jobs", notified.extend)
    (failed,) = ids_of(world, FAILED)
    answer = ana.post("/tweets/bulk", action="retry", tweet_ids=[failed])
    assert answer.json == {"done": [failed], "skipped": [], "message": "1 tweet is on its way."}
    with world.rows():
        mine = db.select(Delivery.id).where(Delivery.tweet_id == failed)
        assert notified == db.session.scalars(mine).all()


def test_what_does_not_fit_is_refused(ana: Reader) -> None:
    """By name, before anything is done."""
    for body, field in (
        ({"action": "delete", "tweet_ids": [1]}, "action"),
        ({"action": "cancel"}, "tweet_ids"),
        ({"action": "cancel", "tweet_ids": ["1"]}, "tweet_ids"),
        ({"action": "cancel", "tweet_ids": [1.5]}, "tweet_ids"),
        ({"action": "cancel", "tweet_ids": [*range(1, 102)]}, "tweet_ids"),
        ({"action": "cancel", "tweet_ids": [1], "confirmed": "1"}, "confirmed"),
    ):
        refused = ana.post("/tweets/bulk", **body)
        assert (refused.status_code, refused.json["error"]["field"]) == (422, field), body
    assert (
        ana.post("/tweets/bulk", action="cancel", tweet_ids=[*range(900, 1000)]).status_code == 200
    )
    assert ana.post("/tweets/bulk", action="cancel", tweet_ids=[]).json["done"] == []


def test_without_scripts_cancelling_is_confirmed(world: World, ana: Reader) -> None:
    """A page says how many; its button does it, and leads back to the part of the list."""
    ids = ids_of(world, 1, 2)
    place = {"tab": "scheduled", "q": "many", "when": ""}
    page = ana.submit("/tweets/bulk", action="cancel", tweet_ids=ids, **place)
    assert "Cancel 2 tweets?" in page.text
    assert [state for each in ids for state, _ in jobs_of(world, each)] == [State.SCHEDULED] * 2
    fields = dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)"', page.text))
    assert fields == {"action": "cancel", "confirmed": "1", "tab": "scheduled", "q": "many"}
    done = ana.submit("/tweets/bulk", tweet_ids=ids, **fields)
    assert (done.status_code, done.location) == (303, "/tweets?tab=scheduled&q=many")
    assert "2 tweets are cancelled." in ana.page(done.location)
    assert [state for each in ids for state, _ in jobs_of(world, each)] == [State.CANCELLED] * 2


def test_without_scripts_the_other_actions_are_done_at_once(world: World, ana: Reader) -> None:
    """An empty time moves nothing, and means now for what failed."""
    scheduled, failed = ids_of(world, SCHEDULED, FAILED)
    nothing = ana.submit("/tweets/bulk", action="cancel", when="")
    assert nothing.status_code == 303
    assert "Nothing was ticked." in ana.page("/")
    form = {"tweet_ids": [scheduled, failed], "when": ""}
    assert ana.submit("/tweets/bulk", action="reschedule", **form).status_code == 422
    assert (
        ana.submit("/tweets/bulk", action="retry", **form, tab="all").location == "/tweets?tab=all"
    )
    assert jobs_of(world, failed) == [(State.SCHEDULED, 0)]
    moved = form | IN_A_DAY
    assert ana.submit("/tweets/bulk", action="reschedule", **moved).status_code == 303
    assert jobs_of(world, scheduled) == [(State.SCHEDULED, 24)]
    assert "are scheduled for" in ana.page("/")


def test_cards_can_be_ticked_where_something_can_be_done(world: World, ana: Reader) -> None:
    """On the page of the list, in the form below it; the start page leaves that to scripts."""
    page = ana.page("/tweets")
    ticks = re.findall(r'<input class="tick" [^>]*value="(\d+)" aria-labelledby="t\1">', page)
    (sent, cancelled, failed) = map(str, ids_of(world, 9, CANCELLED, FAILED))
    assert failed in ticks
    assert not {sent, cancelled} & set(ticks)
    assert page.count('id="bulk"') == 1
    assert 'class="tick"' not in ana.page("/")


def test_a_failed_tweet_at_another_time(world: World, ana: Reader) -> None:
    """Only what failed, also when the same is asked twice; an empty time is none."""
    failed, review, partly = ids_of(world, FAILED, REVIEW, 19)
    for when in ("", "banana", "yesterday"):
        refused = ana.post(f"/tweets/{failed}/retry", when=when)
        assert (refused.status_code, refused.json["error"]["field"]) == (422, "when")
    answer = ana.post(f"/tweets/{failed}/retry", **IN_A_DAY)
    assert answer.status_code == 200
    assert answer.json["message"].startswith("Scheduled for ")
    assert jobs_of(world, failed) == [(State.SCHEDULED, 24)]
    assert ana.post(f"/tweets/{failed}/retry", **IN_A_DAY).status_code == 409
    assert ana.post(f"/tweets/{review}/retry", **IN_A_DAY).status_code == 409
    assert ana.post(f"/tweets/{review}/retry", when=None).status_code == 200
    with world.rows():
        job = db.session.scalars(
            db.select(Delivery.id).where(
                Delivery.tweet_id == partly, Delivery.state == State.FAILED
            )
        ).one()
    assert ana.post(f"/tweets/{partly}/retry", job_id="other", **IN_A_DAY).status_code == 404
    assert ana.post(f"/tweets/{partly}/retry", job_id=job, when="now").status_code == 200


def test_a_failed_tweet_offers_another_time(world: World, ana: Reader) -> None:
    """Its card leads to the form on its page."""
    (failed,) = ids_of(world, FAILED)
    assert f'href="/tweets/{failed}#again"' in ana.page("/tweets?tab=failed")
    assert f'action="/tweets/{failed}/retry"' in ana.page(f"/tweets/{failed}")
    done = ana.submit(f"/tweets/{failed}/retry", **IN_A_DAY)
    assert done.status_code == 303
    assert jobs_of(world, failed) == [(State.SCHEDULED, 24)]
    assert 'id="again"' not in ana.page(f"/tweets/{failed}")
