"""Series over HTTP: what is made ahead, changed, ended, and left out after an outage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from app.background import Run
from app.db import db, from_now, utcnow
from app.delivery import dispatcher
from app.models import Delivery, Picture, PictureState, Tweet, User
from app.models import series as rows
from app.planning import make_due
from app.states import State
from app.web.i18n import iso_utc
from app.web.schemas.series import SeriesForm
from app.web.series import forms
from tests.support.world import World
from tests.web.test_interests import JSON, send, signed_in, submit

ZONE = ZoneInfo("Europe/Madrid")
DAILY = "FREQ=DAILY"


@pytest.fixture
def ana(small_world: World) -> FlaskClient:
    """Ana, signed in, in Madrid."""
    client = signed_in(small_world, "ana")
    with small_world.rows():
        User.by_handle("ana").timezone = ZONE.key
        db.session.commit()
    return client


def tomorrow(hour: int = 9) -> str:
    """Return a wall time of tomorrow."""
    day = utcnow().astimezone(ZONE).date() + timedelta(days=1)
    return f"{day}T{hour:02}:00"


def make(client: FlaskClient, **more: Any) -> dict[str, Any]:
    """Make a series and return it."""
    body = {"text": "Good morning", "rrule": DAILY, "start": tomorrow(), **more}
    answer = send(client, "POST", "/series", **body)
    assert answer.status_code == 201, answer.text
    return answer.get_json()["series"]


def shown(client: FlaskClient, series_id: int) -> dict[str, Any]:
    """Return a series as it is now."""
    return client.get(f"/series/{series_id}", headers=JSON).get_json()["series"]


def texts(world: World, series: dict[str, Any]) -> dict[int, tuple[str, str]]:
    """Return the text and the state of each tweet of a series, by id."""
    with world.rows():
        mine = db.select(Tweet).where(Tweet.series_id == series["id"]).order_by(Tweet.due_at)
        return {one.id: (one.text, one.deliveries[0].state) for one in db.session.scalars(mine)}


def test_a_series_is_made_ahead(small_world: World, ana: FlaskClient) -> None:
    """Thirty days of tweets wait, on the clocks of its owner, each once."""
    series = make(ana)
    assert series.keys() >= {"id", "rrule", "timezone", "next"}
    assert (series["rrule"], series["timezone"]) == (DAILY, ZONE.key)
    coming = series["next"]
    assert len(coming) in {30, 29}
    for one in coming:
        local = datetime.fromisoformat(one["local"])
        assert (local.hour, local.utcoffset()) == (
            9,
            local.replace(tzinfo=ZONE).utcoffset(),
        )
        assert local == datetime.fromisoformat(one["due_at"])
    tweet = ana.get(f"/tweets/{coming[3]['tweet_id']}", headers=JSON).get_json()
    assert (tweet["tweet"]["text"], tweet["tweet"]["due_at"]) == (
        "Good morning",
        coming[3]["due_at"],
    )
    assert shown(ana, series["id"]) == series
    listed = ana.get("/series", headers=JSON).get_json()
    assert [one["id"] for one in listed["series"]] == [series["id"]]
    assert listed["next"] is None


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"rrule": "FREQ=SECONDLY"}, "rrule", "rrule"),
    ({"rrule": "FREQ=DAILY;COUNT=999999999"}, "rrule", "rrule"),
    ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "rrule", "rrule"),
    ({"rrule": "nonsense"}, "rrule", "rrule"),
    ({"rrule": "FREQ=DAILY;" * 200}, "rrule", "rrule"),
    ({"rrule": ""}, "rrule", "rrule"),
    ({"start": "whenever"}, "start", "rrule"),
    ({"start": "9999-12-31T23:59"}, "start", "rrule"),
    ({"text": "x" * 281}, "text", "too_long"),
    ({"accounts": [987]}, "accounts", "unknown_account"),
    ({"rrule": 7}, "rrule", "wrong_type"),
    ({"often": True}, "often", "unknown_name"),
]


def test_what_is_refused(ana: FlaskClient) -> None:
    """With 422, its field and a sentence; nothing is stored."""
    for given, field, code in REFUSED:
        body = {"text": "Hi", "rrule": DAILY, "start": tomorrow(), **given}
        answer = send(ana, "POST", "/series", **body)
        assert answer.status_code == 422, answer.text
        error = answer.get_json()["error"]
        assert (error["field"], error["code"]) == (field, code)
        assert len(error["message"]) > 15
    assert ana.get("/series", headers=JSON).get_json()["series"] == []


def test_a_key_makes_one_series(small_world: World, ana: FlaskClient) -> None:
    """The same request again gets the same answer; another one with its key is refused."""
    first = make(ana, submit_id="k1")
    assert make(ana, submit_id="k1")["id"] == first["id"]
    body = {"text": "Else", "rrule": DAILY, "start": tomorrow(), "submit_id": "k1"}
    assert send(ana, "POST", "/series", **body).status_code == 422
    assert len(texts(small_world, first)) == len(first["next"])


def test_repeating_is_no_duplicate(ana: FlaskClient) -> None:
    """Its own tweets are not asked about; X is warned of, and a single tweet is still asked."""
    body = {"text": "Again", "rrule": DAILY, "start": tomorrow()}
    answer = send(ana, "POST", "/series", **body).get_json()
    assert [one["code"] for one in answer["warnings"]] == ["identical_text"]
    assert "X" in answer["warnings"][0]["message"]
    assert send(ana, "POST", "/tweets", text="Again", when="in one hour").status_code == 409


def run(world: World) -> None:
    """Do what a worker does at intervals."""
    with world.rows():
        make_due(_Endless("1", 1, "series", "", 5))


class _Endless(Run):
    """A run that nobody takes away."""

    def advance(self, percent: int) -> None:
        """Go on."""


def test_one_is_edited_moved_and_skipped(small_world: World, ana: FlaskClient) -> None:
    """By its tweet, and it is not made again."""
    series = make(ana)
    ids = [one["tweet_id"] for one in series["next"]]
    assert send(ana, "PATCH", f"/tweets/{ids[0]}", text="Special").status_code == 200
    moved = send(ana, "POST", f"/tweets/{ids[1]}/reschedule", when="in 3 hours")
    assert moved.status_code == 200
    assert send(ana, "POST", f"/tweets/{ids[2]}/cancel").status_code == 200
    with small_world.rows():
        db.session.execute(db.update(rows.Series).values(made_wall=None, made_number=0))
        db.session.execute(db.update(rows.Series).values(next_at=from_now()))
        db.session.commit()
    run(small_world)
    found = texts(small_world, series)
    assert len(found) == len(ids)
    assert (found[ids[0]][0], found[ids[2]][1]) == ("Special", State.CANCELLED)
    assert ids[2] not in [one["tweet_id"] for one in shown(ana, series["id"])["next"]]


def test_all_are_changed(small_world: World, ana: FlaskClient) -> None:
    """The words of all that wait, but of what was edited singly; the rule, where it differs."""
    series = make(ana)
    address = f"/series/{series['id']}"
    first, second = (one["tweet_id"] for one in series["next"][:2])
    send(ana, "PATCH", f"/tweets/{first}", text="Special")
    answer = send(ana, "PATCH", address, text="New words")
    assert (answer.status_code, answer.get_json()["series"]["id"]) == (200, series["id"])
    found = texts(small_world, series)
    assert list(found) == [one["tweet_id"] for one in series["next"]]
    assert found.pop(first) == ("Special", State.SCHEDULED)
    assert set(found.values()) == {("New words", State.SCHEDULED)}
    weekly = send(ana, "PATCH", address, rrule="FREQ=WEEKLY").get_json()["series"]
    assert first in [one["tweet_id"] for one in weekly["next"]]
    assert len(weekly["next"]) == 5
    assert texts(small_world, series)[second][1] == State.CANCELLED
    again = send(ana, "PATCH", address, rrule=DAILY).get_json()["series"]
    assert [one["due_at"] for one in again["next"]] == [one["due_at"] for one in series["next"]]
    assert send(ana, "PATCH", address, rrule="FREQ=SECONDLY").status_code == 422
    assert send(ana, "PATCH", address).status_code == 422


def test_this_and_all_later_are_changed(small_world: World, ana: FlaskClient) -> None:
    """The series ends before that moment, and another one goes on with the same tweets."""
    series = make(ana, rrule="FREQ=DAILY;COUNT=10")
    ids = [one["tweet_id"] for one in series["next"]]
    send(ana, "POST", f"/tweets/{ids[7]}/cancel")
    cut = series["next"][4]["due_at"]
    answer = send(ana, "PATCH", f"/series/{series['id']}", text="Later", **{"from": cut})
    later = answer.get_json()["series"]
    assert later["id"] != series["id"]
    assert (later["rrule"], len(later["next"])) == ("FREQ=DAILY;COUNT=6", 5)
    assert [one["tweet_id"] for one in later["next"]] == [*ids[4:7], *ids[8:]]
    assert {text for text, state in texts(small_world, later).values() if state == "scheduled"} == {
        "Later"
    }
    earlier = shown(ana, series["id"])
    assert [one["tweet_id"] for one in earlier["next"]] == ids[:4]
    assert earlier["rrule"].startswith("FREQ=DAILY;UNTIL=")
    run(small_world)
    assert [one["tweet_id"] for one in shown(ana, series["id"])["next"]] == ids[:4]
    assert shown(ana, later["id"]) == later


def test_other_accounts(small_world: World, ana: FlaskClient) -> None:
    """What waits for the old ones is cancelled, and made for the new ones, once."""
    series = make(ana, rrule="FREQ=DAILY;COUNT=3")
    with small_world.rows():
        user_id = User.by_handle("ana").id
    other = small_world.connect(user_id, "mastodon", "ana")
    changed = send(ana, "PATCH", f"/series/{series['id']}", accounts=[other]).get_json()["series"]
    with small_world.rows():
        waiting = db.select(Delivery).where(Delivery.state == State.SCHEDULED)
        assert [one.account_id for one in db.session.scalars(waiting)] == [other] * 3
    assert [one["due_at"] for one in changed["next"]] == [one["due_at"] for one in series["next"]]


@pytest.mark.parametrize(
    "rule",
    ["FREQ=DAILY;COUNT=5", "FREQ=DAILY;UNTIL={:%Y%m%d}", "FREQ=DAILY;UNTIL={:%Y%m%dT%H%M%SZ}"],
)
def test_ending_it_later_than_it_ends_changes_nothing(ana: FlaskClient, rule: str) -> None:
    """However its end is written, and when it was ended once before."""
    series = make(ana, rrule=rule.format(utcnow() + timedelta(days=6)))
    address = f"/series/{series['id']}"
    after = iso_utc(utcnow() + timedelta(days=20))
    assert send(ana, "DELETE", address, **{"from": after}).get_json()["series"] == series
    cut = {"from": series["next"][2]["due_at"]}
    ended = send(ana, "DELETE", address, **cut).get_json()["series"]
    assert len(ended["next"]) == 2
    assert send(ana, "DELETE", address, **{"from": after}).get_json()["series"] == ended


def test_it_goes_on_after_its_end(small_world: World, ana: FlaskClient) -> None:
    """Another rule makes what the end has cancelled, and not what was skipped singly."""
    series = make(ana)
    address = f"/series/{series['id']}"
    times = [one["due_at"] for one in series["next"]]
    skipped = series["next"][5]
    assert send(ana, "POST", f"/tweets/{skipped['tweet_id']}/cancel").status_code == 200
    assert send(ana, "DELETE", address, **{"from": times[3]}).status_code == 200
    again = send(ana, "PATCH", address, rrule=DAILY).get_json()["series"]["next"]
    assert [one["due_at"] for one in again] == [one for one in times if one != skipped["due_at"]]
    assert all(one["tweet_id"] for one in again)
    states = [state for _, state in texts(small_world, series).values()]
    assert states.count(State.SCHEDULED) == len(times) - 1


def test_the_end(small_world: World, ana: FlaskClient) -> None:
    """This and all later, then all; what is out stays."""
    series = make(ana)
    address = f"/series/{series['id']}"
    ids = [one["tweet_id"] for one in series["next"]]
    with small_world.rows():
        out = db.update(Delivery).where(Delivery.tweet_id == ids[0])
        done = {"state": State.PUBLISHED, "next_at": None, "finished_at": utcnow()}
        db.session.execute(out.values(**done))
        db.session.commit()
    answer = send(ana, "DELETE", address, **{"from": series["next"][3]["due_at"]})
    assert answer.status_code == 200
    assert [one["tweet_id"] for one in answer.get_json()["series"]["next"]] == ids[:3]
    run(small_world)
    assert [state for _, state in texts(small_world, series).values()] == [
        State.PUBLISHED,
        *[State.SCHEDULED] * 2,
        *[State.CANCELLED] * (len(ids) - 3),
    ]
    assert send(ana, "DELETE", address).status_code == 204
    assert ana.get(address, headers=JSON).status_code == 404
    assert {state for _, state in texts(small_world, series).values()} == {
        State.PUBLISHED,
        State.CANCELLED,
    }


def test_somebody_elses(small_world: World, ana: FlaskClient) -> None:
    """Does not exist."""
    series = make(ana)
    ben = signed_in(small_world, "ben")
    address = f"/series/{series['id']}"
    assert ben.get(address, headers=JSON).status_code == 404
    assert send(ben, "PATCH", address, text="Mine").status_code == 404
    assert send(ben, "DELETE", address).status_code == 404
    assert ben.get("/series", headers=JSON).get_json() == {"series": [], "next": None}
    assert ana.get(f"/series/{2**40}", headers=JSON).status_code == 404
    assert shown(ana, series["id"]) == series


@pytest.fixture
def outage(small_world: World, ana: FlaskClient) -> dict[str, Any]:
    """A series of every hour, after a day in which nothing ran."""
    series = make(ana, rrule="FREQ=HOURLY;COUNT=48", start=tomorrow(0))
    back = timedelta(hours=24.5) + (
        datetime.fromisoformat(series["next"][0]["due_at"]) - datetime.now(UTC)
    )
    milliseconds = round(back.total_seconds() * 1000)
    with small_world.rows():
        for table, names in ((Tweet, ("due_at", "occurrence")), (Delivery, ("due_at",))):
            values = {name: getattr(table, name) - milliseconds for name in names}
            db.session.execute(db.update(table).values(values))
        moved = {"not_before": Delivery.due_at, "next_at": Delivery.due_at}
        db.session.execute(db.update(Delivery).values(moved))
        db.session.commit()
    return series


def test_one_catch_up_after_an_outage(
    small_world: World, ana: FlaskClient, outage: dict[str, Any]
) -> None:
    """Of 25 tweets that were missed the last one goes out; the others say why they do not."""
    with small_world.rows():
        due = dispatcher.dispatch()
        assert dispatcher.dispatch().job_ids == []
    states = [state for _, state in texts(small_world, outage).values()]
    assert states == [State.CANCELLED] * 24 + [State.SCHEDULED] * 24
    ids = list(texts(small_world, outage))
    (job,) = due.job_ids
    with small_world.rows():
        assert db.session.get_one(Delivery, job).tweet_id == ids[24]
    left_out = ana.get(f"/tweets/{ids[5]}", headers=JSON).get_json()["jobs"][0]
    assert left_out["error"]["code"] == "skipped"
    assert "left out" in left_out["error"]["message"]


def test_one_late_tweet_of_those_that_were_not_even_made(
    small_world: World, ana: FlaskClient
) -> None:
    """After an outage that was longer than what was made ahead."""
    series = make(ana, rrule="FREQ=HOURLY", start=tomorrow(0))
    month = timedelta(days=40)
    with small_world.rows():
        row = db.session.get_one(rows.Series, series["id"])
        row.start = (row.starts - month).isoformat()
        row.since -= month
        row.made_wall = (datetime.fromisoformat(row.made_wall or "") - month).isoformat()
        row.next_at = row.since
        db.session.execute(db.delete(Delivery))
        db.session.execute(db.delete(Tweet))
        db.session.commit()
    run(small_world)
    with small_world.rows():
        row = db.session.get_one(rows.Series, series["id"])
        late = db.select(Tweet).where(Tweet.due_at <= utcnow())
        (one,) = db.session.scalars(late)
        assert utcnow() - one.due_at < timedelta(hours=1)
        missed = row.missed
    assert missed > 24 * 8
    assert shown(ana, series["id"])["missed"] == missed


def test_the_pages(small_world: World, ana: FlaskClient) -> None:
    """A form without scripts makes a series from a tweet, changes it, skips and ends it."""
    tweet = send(ana, "POST", "/tweets", text="Once <b>", when="in one hour").get_json()["tweet"]
    assert f"/series/new?tweet={tweet['id']}" in ana.get(f"/tweets/{tweet['id']}").text
    page = ana.get(f"/series/new?tweet={tweet['id']}").text
    assert "Once &lt;b&gt;" in page
    fields = {"text": "Again", "start": tomorrow(), "repeat": "every_n", "every": "10"}
    refused = submit(ana, "/series", **{**fields, "every": "often"})
    assert refused.status_code == 422
    assert "Again" in refused.text
    made = submit(ana, "/series", **fields, ends="count", count="4", submit_id="f1")
    assert made.status_code == 303
    address = made.headers["Location"]
    assert (
        submit(ana, "/series", **fields, ends="count", count="4", submit_id="f1")
        .headers["Location"]
        .endswith(address)
    )
    shown = ana.get(address)
    assert "Every 10 days at 09:00, 4 times" in shown.text
    series = ana.get(address, headers=JSON).get_json()["series"]
    assert series["rrule"] == "FREQ=DAILY;INTERVAL=10;COUNT=4"
    assert f'href="{address}"' in ana.get("/").text  # the chip of its tweets
    assert "Again" in ana.get("/series").text
    since = series["next"][1]["due_at"]
    kept = {"repeat": "rule", "rrule": series["rrule"], "start": series["start"][:16]}
    split = submit(ana, address, text="Later", **kept, **{"from": since})
    assert split.status_code == 303
    later = ana.get(split.headers["Location"], headers=JSON).get_json()["series"]
    assert (later["text"], later["rrule"]) == ("Later", "FREQ=DAILY;INTERVAL=10;COUNT=3")
    cut = later["next"][-1]["due_at"]
    assert submit(ana, f"{split.headers['Location']}/end", **{"from": cut}).status_code == 303
    assert submit(ana, f"{address}/end").headers["Location"].endswith("/series")
    assert ana.get(address).status_code == 404


def test_a_form_has_all_of_a_thread(small_world: World, ana: FlaskClient) -> None:
    """Each part is in a field of its own; pictures, variants and options stay."""
    with small_world.rows():
        account = User.by_handle("ana").accounts[0]
        key, ids = account.id, [_ready(account.user_id), _ready(account.user_id)]
    parts = [{"text": "One", "pictures": ids[:1]}, {"text": "Two", "pictures": ids[1:]}]
    options = {str(key): {"made_with_ai": True}}
    said = {"parts": [*parts, {"text": "Three", "pictures": []}], "options": options}
    tweet = send(ana, "POST", "/tweets", when="in one hour", **said).get_json()["tweet"]
    page = ana.get(f"/series/new?tweet={tweet['id']}").text
    assert [f"{words}</textarea>" in page for words in ("One", "Two", "Three")] == [True] * 3
    assert page.count('class="thumbs"') == 2
    fields = {"tweet": str(tweet["id"]), "accounts": str(key), "start": tomorrow()}
    made = submit(ana, "/series", text="First", part=["Two", "Three", ""], **fields)
    address = made.headers["Location"]
    series = ana.get(address, headers=JSON).get_json()["series"]
    first = {"text": "First", "pictures": ids[:1]}
    assert (series["parts"][0], len(series["parts"]), series["options"]) == (first, 3, options)
    kept = {"repeat": "rule", "rrule": series["rrule"], "start": series["start"][:16]}
    since = series["next"][1]["due_at"]
    changed = submit(ana, address, text="First", part=["", "Last"], **kept, **{"from": since})
    later = ana.get(changed.headers["Location"], headers=JSON).get_json()["series"]
    assert later["parts"] == [first, {"text": "", "pictures": ids[1:]}, said_alone("Last")]
    assert (later["options"], later["next"][0]["due_at"]) == (options, since)
    refused = submit(ana, changed.headers["Location"], text="x" * 300, part=["", "Kept"], **kept)
    assert refused.status_code == 422
    assert "Kept</textarea>" in refused.text
    assert send(ana, "DELETE", address).status_code == 204


def said_alone(text: str) -> dict[str, Any]:
    """Return a part without pictures."""
    return {"text": text, "pictures": []}


def _ready(user_id: int) -> str:
    picture = Picture(
        user_id=user_id, state=PictureState.READY, mime="image/jpeg", width=10, height=10
    )
    db.session.add(picture)
    db.session.commit()
    return picture.id


RULES = [
    ({"repeat": "daily"}, "FREQ=DAILY"),
    ({"repeat": "weekdays"}, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
    ({"repeat": "weekly", "days": ["MO", "FR"]}, "FREQ=WEEKLY;BYDAY=MO,FR"),
    ({"repeat": "monthly_nth", "nth": "2", "nth_day": "TU"}, "FREQ=MONTHLY;BYDAY=2TU"),
    ({"repeat": "daily", "ends": "until", "until": "2030-01-31"}, "FREQ=DAILY;UNTIL=20300131"),
]


@pytest.mark.parametrize(("chosen", "rule"), RULES, ids=lambda one: str(one)[:30])
def test_rules_of_the_form(chosen: dict[str, Any], rule: str) -> None:
    """What people choose is what the rule says."""
    form = SeriesForm.model_validate(chosen)
    assert forms.rule_of(form) == rule
