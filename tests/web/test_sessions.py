"""Sessions are rows: listed, ended one by one or all, and a copied cookie dies with them."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
import requests
from sqlalchemy import event

from app import background
from app.accounts import audit, sessions
from app.db import db, utcnow
from app.models import AuditEvent, User, UserSession
from tests.support.photos import colourful, file_of
from tests.support.visitor import TOKEN, Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
JSON = {"Accept": "application/json"}


def copy_of(visitor: Visitor) -> Visitor:
    """Return somebody who has copied the cookies."""
    thief = Visitor(visitor.site)
    thief.http.cookies.update(visitor.http.cookies)
    return thief


def sessions_of(visitor: Visitor) -> list[dict[str, object]]:
    """Return what the list says."""
    answer = visitor.get("/settings/sessions", headers=JSON)
    assert answer.status_code == 200
    found: list[dict[str, object]] = answer.json()["sessions"]
    return found


def send(thief: Visitor, token: str, path: str, **kwargs: object) -> requests.Response:
    """Send a form with a token that was good."""
    headers = {"X-CSRFToken": token, **JSON}
    return thief.http.post(thief.site + path, headers=headers, timeout=20, **kwargs)  # type: ignore[arg-type]


def test_a_copied_cookie_dies_with_its_session(visitor: Visitor) -> None:
    """After signing out it reads nothing and writes nothing, wherever it knocks."""
    visitor.sign_in("copied")
    made = visitor.post("/tweets", text="For tomorrow", when="in 24 hours").json()
    thief = copy_of(visitor)
    found = TOKEN.search(thief.get("/").text)
    assert found
    token = found[1]
    assert thief.status(made["job_id"])["state"] == "scheduled"
    visitor.submit("/logout")
    assert "Sign in with X" in thief.get("/").text
    assert thief.get("/settings", allow_redirects=False).status_code == 302
    for path in (made["status_url"], f"/status?job_ids={made['job_id']}", "/status?job_ids="):
        answer = thief.get(path, headers=JSON)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signed_out")
    assert send(thief, token, "/tweets", json={"text": "by a thief"}).status_code == 401
    file = {"picture": ("p.jpg", file_of(colourful()), "image/jpeg")}
    assert send(thief, token, "/pictures", files=file).status_code == 401
    big = {"picture-files": ("p.jpg", b"x" * 400_000, "image/jpeg")}
    assert send(thief, token, "/tweets", files=big).status_code == 413


def test_signing_out_ends_this_session_alone(running: World, visitor: Visitor) -> None:
    """The other browser goes on."""
    visitor.sign_in("two_places")
    other = Visitor(running.site)
    other.sign_in("two_places")
    visitor.submit("/logout")
    assert [one["current"] for one in sessions_of(other)] == [True]


def test_the_list_says_where_one_is_signed_in(visitor: Visitor) -> None:
    """Browser, place, when, and which one this is; as JSON and as a page."""
    visitor.http.headers["User-Agent"] = FIREFOX
    visitor.get("/login/x?timezone=Europe/Berlin")
    visitor.http.post(
        visitor.begin("x").url, data={"handle": "in_berlin", "decision": "approve"}, timeout=20
    )
    (one,) = sessions_of(visitor)
    assert set(one) == {"id", "browser", "signed_in_at", "seen_at", "current"}
    assert (one["browser"], one["current"]) == ("Firefox on Linux", True)
    assert datetime.fromisoformat(str(one["signed_in_at"])) <= datetime.now(UTC)
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{3}Z", str(one["seen_at"]))
    page = visitor.get("/settings/sessions").text
    assert "Firefox on Linux" in page
    assert "Connected @in_berlin on X" in page
    assert 'href="/settings/sessions"' in visitor.get("/settings").text


def test_the_place_comes_from_the_time_zone(visitor: Visitor) -> None:
    """Said in words; a made-up zone says nothing."""
    for zone, place in (("Europe/Berlin", "Berlin"), ("nowhere/<b>", "")):
        visitor.http.cookies.clear()
        consent = visitor.get(f"/login/x?timezone={zone}")
        answer = {"handle": "traveller", "decision": "approve"}
        visitor.http.post(consent.url, data=answer, timeout=20)
        page = visitor.get("/settings/sessions").text
        card = page.partition("This one")[0].rpartition("<li")[2]
        assert ("Time zone of" in card) == bool(place)
        assert place in card


def test_ending_sessions(running: World, visitor: Visitor) -> None:
    """One, all others, one's own; somebody else's does not exist."""
    others = [Visitor(running.site) for _ in range(3)]
    for one in (visitor, *others):
        one.sign_in("many_places")
    stranger = Visitor(running.site)
    stranger.sign_in("stranger")
    mine = {str(one["id"]) for one in sessions_of(visitor)}
    assert len(mine) == 4
    (here,) = [one["id"] for one in sessions_of(visitor) if one["current"]]
    (first,) = [one["id"] for one in sessions_of(others[0]) if one["current"]]
    assert stranger.post(f"/settings/sessions/{first}/end").status_code == 404
    assert visitor.post("/settings/sessions/999999999999999/end").status_code == 404
    assert visitor.post(f"/settings/sessions/{first}/end").status_code == 200
    assert visitor.post(f"/settings/sessions/{first}/end").status_code == 404
    assert "Sign in with X" in others[0].get("/").text
    assert len(sessions_of(others[1])) == 3
    page = visitor.submit("/settings/sessions/end")
    assert page.url.endswith("/settings/sessions")
    assert "2 sessions were ended." in page.text
    assert [one["id"] for one in sessions_of(visitor)] == [here]
    assert "Sign in with X" in others[2].get("/").text
    assert "Sign in with X" in visitor.submit(f"/settings/sessions/{here}/end").text
    assert len(sessions_of(stranger)) == 1


def test_the_cookie_is_worth_nothing_to_who_reads_the_database(
    running: World, visitor: Visitor
) -> None:
    """Only a hash of the key is stored; the browser's own cookie is closed to scripts, too."""
    visitor.sign_in("hashed")
    stored = (running.folder / "tweet-later.sqlite3").read_bytes()
    with running.rows():
        session = UserSession.query.order_by(UserSession.id.desc()).first()
        assert len(session.key_hash) == 64
    lasting = next(c for c in visitor.http.cookies if c.name == "tweet_later_browser")
    assert lasting.has_nonstandard_attr("HttpOnly")
    assert lasting.expires
    assert lasting.expires > datetime.now(UTC).timestamp() + 700 * 86_400
    assert (lasting.value or "").encode() not in stored


def test_others_are_told_of_a_new_browser_and_a_new_account(
    running: World, visitor: Visitor
) -> None:
    """On the next page of every other session, until its person says that it was read."""
    visitor.sign_in("told")
    elsewhere = Visitor(running.site)
    elsewhere.http.headers["User-Agent"] = FIREFOX
    elsewhere.sign_in("told")
    page = visitor.get("/accounts").text
    assert "Signed in with @told on X, in a new browser" in page
    assert "Firefox on Linux" in page
    assert 'href="/settings/sessions"' in page
    assert "data-notice" not in elsewhere.get("/").text
    elsewhere.sign_in("told_too")
    assert "Connected @told_too on X" in visitor.get("/").text
    found = re.search(r'name="up_to" value="(\d+)"', visitor.get("/").text)
    assert found
    assert elsewhere.submit("/settings/sessions/seen", up_to="99999999999").status_code == 422
    assert "data-notice" not in visitor.submit("/settings/sessions/seen", up_to=found[1]).text
    elsewhere.submit("/logout")
    elsewhere.sign_in("told")  # a known browser is no news
    assert "data-notice" not in visitor.get("/").text


@pytest.mark.slow
def test_a_dead_session_does_not_spend_what_its_owner_has(running: World) -> None:
    """Whoever hammers with a copied cookie is counted by address."""
    visitor = Visitor(running.start_web(RATE_LIMIT_READS="30 per minute"))
    visitor.sign_in("hammered")
    thief = copy_of(visitor)
    visitor.submit("/logout")
    back = Visitor(visitor.site)
    back.sign_in("hammered")
    for _ in range(40):
        last = thief.get("/accounts", allow_redirects=False)
    assert last.status_code == 429
    assert back.get("/accounts").status_code == 200


@pytest.mark.parametrize("days", [29, 31])
def test_a_session_ends_when_it_is_not_used(running: World, visitor: Visitor, days: int) -> None:
    """30 days after it was last seen; using it is noted, at most every five minutes."""
    visitor.sign_in(f"away_{days}")
    with running.rows():
        user_id = User.by_handle(f"away_{days}").id
        UserSession.query.filter_by(user_id=user_id).one().seen_at = utcnow() - timedelta(days=days)
        db.session.commit()
    page = visitor.get("/accounts", allow_redirects=False)
    assert page.status_code == (200 if days < 30 else 302)
    with running.rows():
        sessions.sweep()
        left = UserSession.query.filter_by(user_id=user_id).all()
        assert len(left) == (1 if days < 30 else 0)
        seen = [one.seen_at for one in left]
    assert all(utcnow() - moment < timedelta(minutes=1) for moment in seen)
    visitor.get("/accounts")
    with running.rows():
        again = [one.seen_at for one in UserSession.query.filter_by(user_id=user_id)]
    assert again == seen


def test_old_events_are_forgotten(running: World, visitor: Visitor) -> None:
    """After a year."""
    visitor.sign_in("long_ago")
    with running.rows():
        user_id = User.by_handle("long_ago").id
        for line in AuditEvent.query.filter_by(user_id=user_id):
            line.at = utcnow() - timedelta(days=366)
        db.session.commit()
        audit.sweep()
        assert AuditEvent.query.filter_by(user_id=user_id).count() == 0


@pytest.mark.slow
def test_nobody_fills_the_tables(running: World, visitor: Visitor) -> None:
    """A person has so many sessions and so many events; the newest ones stay."""
    visitor.sign_in("busy")
    with running.rows():
        user_id = User.by_handle("busy").id
        old = {"user_id": user_id, "seen_at": utcnow() - timedelta(days=1)}
        many = [{**old, "key_hash": f"old {number}"} for number in range(sessions.MOST)]
        db.session.execute(db.insert(UserSession), many)
        event_row = {"user_id": user_id, "kind": "signed_out"}
        db.session.execute(db.insert(AuditEvent), [event_row] * (audit.MOST + 5))
        db.session.commit()
        audit.sweep()
        assert AuditEvent.query.filter_by(user_id=user_id).count() == audit.MOST
    other = Visitor(running.site)
    other.sign_in("busy")
    assert len(sessions_of(other)) == sessions.MOST
    assert visitor.get("/settings", allow_redirects=False).status_code == 200
    with running.rows():
        AuditEvent.query.filter_by(user_id=user_id).delete()
        db.session.commit()


def test_a_cookie_of_before_signs_nobody_in(running: World) -> None:
    """Older cookies named their user and nothing else; so does one that somebody forges."""
    serializer = running.app.session_interface.get_signing_serializer(running.app)  # type: ignore[attr-defined]
    visitor = Visitor(running.site)
    visitor.get("/")
    (name,) = [c.name for c in visitor.http.cookies if c.name.startswith("tweet_later")]
    for forged in ({"_user_id": "1", "_fresh": True}, {"_user_id": "1", "key": 7}):
        visitor.http.cookies.clear()
        visitor.http.cookies.set(name, serializer.dumps(forged))
        assert "Sign in with X" in visitor.get("/").text
        assert visitor.get("/status/x", headers=JSON).status_code == 401


@pytest.mark.slow
def test_a_worker_sweeps(running: World) -> None:
    """When the time of this chore has come."""
    with running.rows():
        old = utcnow() - timedelta(days=400)
        db.session.add(AuditEvent(kind="signed_out", at=old))
        background.soon("sessions")
        db.session.commit()

    def swept() -> bool:
        with running.rows():
            return AuditEvent.query.filter(AuditEvent.at <= old).count() == 0

    wait_for(swept, what="the sweep")


def test_a_session_that_ends_while_a_network_thinks(running: World, visitor: Visitor) -> None:
    """What its cookie began to connect is not connected any more, nor what was opened kept."""
    visitor.sign_in("ends_it")
    thief = copy_of(visitor)
    token = thief.token()
    bluesky = running.sandbox.on("bluesky")
    before = bluesky.calls("code")
    bluesky.fault("slow", "code", seconds=1.5)
    answers: list[requests.Response] = []
    form = {"identifier": "smuggled.test", "password": "sandbox-password"}
    slow = threading.Thread(
        target=lambda: answers.append(
            send(thief, token, "/login/bluesky", data=form, allow_redirects=False)
        )
    )
    slow.start()
    wait_for(lambda: bluesky.calls("code") > before, what="the question to the network")
    visitor.submit("/logout")
    slow.join()
    bluesky.mend()
    assert (answers[0].status_code, answers[0].headers.get("Location")) == (401, None)
    with running.rows():
        assert [one.handle for one in User.by_handle("ends_it").accounts] == ["ends_it"]


@pytest.mark.parametrize(
    ("path", "selects"),
    [("/settings", 1), ("/accounts", 1), ("/status/made-up", 2), ("/pictures/made-up", 1)],
)
def test_who_asks_is_one_query(running: World, visitor: Visitor, path: str, selects: int) -> None:
    """Each request looks for its session once; only a status that is not found looks again."""
    visitor.sign_in("counted")
    client = running.app.test_client()
    for cookie in visitor.http.cookies:
        if cookie.name.startswith("tweet_later_") and cookie.name != "tweet_later_browser":
            client.set_cookie(running.app.config["SESSION_COOKIE_NAME"], cookie.value or "")
    asked: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        asked.append(statement)

    with running.rows():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        assert client.get(path).status_code in {200, 404}
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    about_sessions = [statement for statement in asked if "user_sessions" in statement]
    assert len(about_sessions) == selects
    assert not [statement for statement in asked if statement.startswith("UPDATE user_sessions")]
