"""Who may do what: every route, every method, signed out, as its owner and as somebody else.

A route that has no row in MATRIX fails: whoever adds one says here who may use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests

from app.db import db, utcnow
from app.learning.suggestions import keep_hobbies
from app.models import Account, Interest, LearnedItem, PushTarget, Suggestion, User
from tests.support import photos
from tests.support.visitor import Visitor
from tests.support.world import World

SAFE = {"GET"}
IGNORED = {"HEAD", "OPTIONS"}
VARIABLE = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
NOT_THERE = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Rule:
    """What a call answers to whom; by default nobody gets anything who is not signed in."""

    is_public: bool = False
    """People who are signed out may use it, too."""
    has_owner: bool = False
    """Its address names something of one person's: nobody else has it."""
    ends: bool = False
    """It ends what the other rows are tried with: its owner does not try it here."""
    is_secret: bool = False
    """Whoever knows its address got it by mail, so it needs no token of ours: test_email.py."""
    takes: str = "json"
    """What its body is: json, form or file."""


PUBLIC, PRIVATE, OWNED = Rule(is_public=True), Rule(), Rule(has_owner=True)
BY_LINK = Rule(is_public=True, is_secret=True)

MATRIX: dict[str, Rule] = {
    "GET /": PUBLIC,
    "GET /static/<>": PUBLIC,
    "GET /static/v-<>/<>": PUBLIC,
    "GET /vendor/<>": PUBLIC,
    "GET /vendor/v-<>/<>": PUBLIC,
    "GET /bootstrap/static/<>": PUBLIC,
    "GET /healthz": PUBLIC,
    "GET /metrics": PUBLIC,  # for this machine and whoever has a token: test_metrics.py
    "GET /silence": PRIVATE,
    "GET /login/<>": PUBLIC,
    "POST /login/<>": Rule(is_public=True, ends=True, takes="form"),
    "POST /login/<>/anew": Rule(is_public=True, ends=True),
    "GET /login/<>/callback": PUBLIC,
    "GET /login/<>/callback/<>": PUBLIC,
    "GET /drafts": PRIVATE,
    "POST /drafts": PRIVATE,
    "GET /drafts/<>": OWNED,
    "PUT /drafts/<>": OWNED,
    "DELETE /drafts/<>": Rule(has_owner=True, ends=True),
    "POST /drafts/<>/delete": Rule(has_owner=True, ends=True, takes="form"),
    "POST /drafts/<>/schedule": OWNED,
    "POST /tweets/<>/draft": Rule(has_owner=True, ends=True),
    "GET /interests": PRIVATE,
    "PATCH /interests/<>": OWNED,
    "POST /interests/<>": Rule(has_owner=True, takes="form"),
    "GET /suggestions": PRIVATE,
    "GET /suggestions/surprise": PRIVATE,
    "GET /suggestions/<>": OWNED,
    "POST /suggestions/<>/dismiss": OWNED,
    "POST /logout": Rule(is_public=True, ends=True),
    "GET /when": PRIVATE,
    "GET /status": PRIVATE,
    "GET /status/<>": OWNED,
    "GET /calendar": PRIVATE,
    "GET /composer": PRIVATE,
    "GET /tweets": PRIVATE,
    "POST /tweets": PRIVATE,
    "POST /tweets/bulk": PRIVATE,
    "GET /tweets/<>": OWNED,
    "PATCH /tweets/<>": OWNED,
    "GET /tweets/<>/card": OWNED,
    "GET /tweets/<>/edit": OWNED,
    "GET /tweets/<>/move": OWNED,
    "POST /tweets/<>/edit": Rule(has_owner=True, takes="form"),
    "POST /tweets/<>/cancel": OWNED,
    "POST /tweets/<>/reschedule": OWNED,
    "POST /tweets/<>/retry": OWNED,
    "POST /tweets/<>/confirm": OWNED,
    "GET /pools": PRIVATE,
    "POST /pools": PRIVATE,
    "GET /pools/<>": OWNED,
    "PATCH /pools/<>": OWNED,
    "POST /pools/<>": Rule(has_owner=True, takes="form"),
    "DELETE /pools/<>": Rule(has_owner=True, ends=True),
    "POST /pools/<>/delete": Rule(has_owner=True, ends=True, takes="form"),
    "GET /selections": PRIVATE,
    "POST /selections": PRIVATE,
    "GET /selections/<>": OWNED,
    "PATCH /selections/<>": OWNED,
    "POST /selections/<>": Rule(has_owner=True, takes="form"),
    "DELETE /selections/<>": Rule(has_owner=True, ends=True),
    "POST /selections/<>/delete": Rule(has_owner=True, ends=True, takes="form"),
    "GET /signatures": PRIVATE,
    "POST /signatures": PRIVATE,
    "GET /signatures/<>": OWNED,
    "PATCH /signatures/<>": OWNED,
    "POST /signatures/<>": Rule(has_owner=True, takes="form"),
    "DELETE /signatures/<>": Rule(has_owner=True, ends=True),
    "POST /signatures/<>/delete": Rule(has_owner=True, ends=True, takes="form"),
    "GET /hashtag-sets": PRIVATE,
    "POST /hashtag-sets": PRIVATE,
    "GET /hashtag-sets/<>": OWNED,
    "PATCH /hashtag-sets/<>": OWNED,
    "POST /hashtag-sets/<>": Rule(has_owner=True, takes="form"),
    "DELETE /hashtag-sets/<>": Rule(has_owner=True, ends=True),
    "POST /hashtag-sets/<>/delete": Rule(has_owner=True, ends=True, takes="form"),
    "GET /series": PRIVATE,
    "POST /series": PRIVATE,
    "GET /series/new": PRIVATE,
    "GET /series/<>": OWNED,
    "PATCH /series/<>": OWNED,
    "POST /series/<>": Rule(has_owner=True, takes="form"),
    "DELETE /series/<>": Rule(has_owner=True, ends=True),
    "POST /series/<>/end": Rule(has_owner=True, ends=True, takes="form"),
    "POST /pictures": Rule(takes="file"),
    "GET /pictures/<>": OWNED,
    "GET /pictures/<>/thumb": OWNED,
    "PATCH /pictures/<>": OWNED,
    "DELETE /pictures/<>": OWNED,
    "GET /accounts": PRIVATE,
    "GET /accounts/confirm": PRIVATE,
    "POST /accounts/confirm": Rule(takes="form"),
    "PATCH /accounts/<>": OWNED,
    "POST /accounts/<>/door": Rule(has_owner=True, takes="form"),
    "POST /accounts/<>/visibility": Rule(has_owner=True, takes="form"),
    "GET /accounts/<>/avatar": OWNED,
    "GET /accounts/<>/options": OWNED,
    "GET /accounts/<>/option-fields": OWNED,
    "GET /accounts/<>/disconnect": OWNED,
    "POST /accounts/<>/disconnect": Rule(has_owner=True, ends=True),
    "GET /queue": PRIVATE,
    "GET /accounts/<>/slots": OWNED,
    "PUT /accounts/<>/slots": OWNED,
    "POST /accounts/<>/slots": Rule(has_owner=True, takes="form"),
    "GET /accounts/<>/queue": OWNED,
    "POST /accounts/<>/queue/shuffle": OWNED,
    "POST /accounts/<>/queue/<>/top": OWNED,
    "GET /accounts/<>/learning": OWNED,
    "POST /accounts/<>/learning": OWNED,
    "PATCH /accounts/<>/learning": OWNED,
    "DELETE /accounts/<>/learning": OWNED,
    "POST /accounts/<>/learning/import": OWNED,
    "POST /accounts/<>/learning/off": Rule(has_owner=True, takes="form"),
    "GET /accounts/<>/learned": OWNED,
    "GET /numbers": PRIVATE,
    "GET /numbers/hours": PRIVATE,
    "DELETE /accounts/<>/learned/<>": OWNED,
    "POST /accounts/<>/learned/<>/delete": Rule(has_owner=True, ends=True, takes="form"),
    "GET /notices": PRIVATE,
    "GET /notices/unread": PRIVATE,
    "POST /notices/read": PRIVATE,
    "GET /settings/notices": PRIVATE,
    "PATCH /settings/notices": PRIVATE,
    "POST /settings/notices": Rule(takes="form"),
    "GET /settings": PRIVATE,
    "POST /settings": Rule(takes="form"),
    "POST /settings/alert-url": PRIVATE,
    "GET /tweets/import": PRIVATE,
    "POST /tweets/import": Rule(takes="file"),
    "GET /tweets/import/<>": OWNED,
    "POST /tweets/import/<>/confirm": OWNED,
    "GET /export.json": PRIVATE,
    "GET /export.csv": PRIVATE,
    "GET /export.zip": PRIVATE,
    "POST /settings/calendar-feed": PRIVATE,
    "DELETE /settings/calendar-feed": PRIVATE,
    "POST /settings/calendar-feed/delete": PRIVATE,
    "GET /calendar/<>.ics": PUBLIC,
    "GET /me/delete": PRIVATE,
    "POST /me/delete": PRIVATE,
    "DELETE /me": PRIVATE,
    "POST /me/keep": PRIVATE,
    "GET /service-worker.js": PUBLIC,
    "GET /push/key": PRIVATE,
    "POST /push/subscriptions": PRIVATE,
    "DELETE /push/subscriptions/<>": OWNED,
    "GET /email": PRIVATE,
    "POST /email": PRIVATE,
    "DELETE /email": PRIVATE,
    "POST /email/remove": PRIVATE,
    "GET /email/confirm/<>": PUBLIC,
    "POST /email/confirm/<>": BY_LINK,
    "GET /sign-up": PUBLIC,
    "POST /sign-up": PUBLIC,
    "GET /sign-up/<>": PUBLIC,
    "POST /sign-up/<>": BY_LINK,
    "GET /unsubscribe/<>": PUBLIC,
    "POST /unsubscribe/<>": BY_LINK,
    "GET /settings/sessions": PRIVATE,
    "POST /settings/sessions/<>/end": Rule(has_owner=True, ends=True),
    "POST /settings/sessions/end": Rule(ends=True),
    "POST /settings/sessions/seen": Rule(takes="form"),
}


@dataclass
class Place:
    """One installation, one person's things in it, somebody else and somebody signed out."""

    site: str
    calls: list[tuple[str, str, str]]
    """(row, method, address with the owner's things in it)."""
    owner: Visitor
    stranger: Visitor
    nobody: Visitor


def row_of(method: str, rule: str) -> str:
    """Return the name of a row: variables of an address have no names there."""
    return f"{method} {VARIABLE.sub('<>', rule)}"


def thing_in(found: re.Match[str], things: dict[str, str]) -> str:
    """Return what stands for a variable: a thing of the owner's, else something of its kind."""
    thing = things.get(found["name"], "x")
    return thing if found["kind"] != "int" or thing.isdigit() else "1"


def calls_of(world: World, things: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return every call that there is."""
    return sorted(
        (
            row_of(method, rule.rule),
            method,
            VARIABLE.sub(lambda found: thing_in(found, things), rule.rule),
        )
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - IGNORED
        if rule.rule.split("/")[1] != "operations"  # they have test_operations_access.py
    )


@pytest.fixture(scope="module")
def place(running: World) -> Place:
    """Ana has things, Ben is signed in, and nobody knows the third."""
    ana, ben = Visitor(running.site), Visitor(running.site)
    ana.sign_in("access_ana")
    ben.sign_in("access_ben")
    made = ana.post("/tweets", text="Ana's own", when="in 20 hours").json()
    draft = ana.post("/drafts", text="Ana's own").json()["draft"]
    start = (utcnow() + timedelta(days=3)).date().isoformat() + "T09:00"
    again = {"text": "Ana's again", "rrule": "FREQ=DAILY;COUNT=2", "start": start}
    series = ana.post("/series", **again).json()["series"]
    pool = ana.post("/pools", tweets=["Ana's always"]).json()["pool"]
    headers = {"X-CSRFToken": ana.token(), "Accept": "application/json"}
    named = {"name": "Work"}
    signature = ana.post("/signatures", text="Ana", **named).json()["signature"]
    hashtags = ana.post("/hashtag-sets", text="#ana", **named).json()["hashtag_set"]
    rows = {"file": ("tweets.csv", b"text,when\nHello,2027-03-01 09:00")}
    imported = ana.http.post(
        f"{running.site}/tweets/import", files=rows, headers=headers, timeout=20
    ).json()
    picture = ana.http.post(
        f"{running.site}/pictures",
        files={"picture": ("photo.jpg", photos.photo_with_place())},
        headers=headers,
        timeout=20,
    ).json()
    with running.rows():
        own = db.select(Account.id).where(Account.handle == "access_ana")
        account_id = db.session.scalars(own).one()
        item = LearnedItem(account_id=account_id, kind="posts", remote_id="1", sort_at=utcnow())
        user_id = db.session.get_one(Account, account_id).user_id
        target = PushTarget(user_id=user_id, way="url", fingerprint="1", address={})
        target.created_at = utcnow()
        db.session.add_all([item, target])
        db.session.commit()
        item_id, target_id = item.id, target.id
    selection = ana.post("/selections", accounts=[account_id], **named).json()["selection"]
    things = {
        "tweet_id": str(made["tweet"]["id"]),
        "job_id": made["job_id"],
        "draft_id": str(draft["id"]),
        "series_id": str(series["id"]),
        "pool_id": str(pool["id"]),
        "selection_id": str(selection["id"]),
        "signature_id": str(signature["id"]),
        "hashtag_set_id": str(hashtags["id"]),
        "picture_id": picture["id"],
        "account_id": str(account_id),
        "item_id": str(item_id),
        "target_id": str(target_id),
        "import_id": imported["import"]["id"],
        **learnt(running, account_id),
        "network": "x",
        "session_id": NOT_THERE,
        "filename": "js/shared/page.js",
    }
    return Place(running.site, calls_of(running, things), ana, ben, Visitor(running.site))


def learnt(world: World, account_id: int) -> dict[str, str]:
    """Store an interest and a suggestion of an account's owner; return their ids."""
    with world.rows():
        user_id = db.session.get_one(Account, account_id).user_id
        row = Interest(user_id=user_id, kind="hashtag", key="own", label="#own", weight=1.0)
        row.pinned = True  # a worker that looks meanwhile keeps it
        db.session.add(row)
        keep_hobbies(user_id, "chess")
        db.session.get_one(User, user_id).hobbies = "chess"
        db.session.commit()
        mine = (Suggestion.user_id == user_id, Suggestion.kind == "hobby")
        hobby = db.select(Suggestion.id).where(*mine)
        suggestion_id = db.session.scalars(hobby).one()
        return {"interest_id": str(row.id), "suggestion_id": str(suggestion_id)}


def ask(
    visitor: Visitor, method: str, path: str, rule: Rule, token: str | None, accept: str
) -> requests.Response:
    """Make one call with an empty body of its kind."""
    headers = {"Accept": accept, **({"X-CSRFToken": token} if token else {})}
    body: dict[str, Any] = {}
    if method not in SAFE:
        body = {"json": {"json": {}}, "form": {"data": {"submit_id": "x"}}, "file": {}}[rule.takes]
    return visitor.http.request(
        method, f"{visitor.site}{path}", headers=headers, timeout=20, allow_redirects=False, **body
    )


def code_of(answer: requests.Response) -> str:
    """Return the code of a refusal."""
    return str(answer.json()["error"]["code"])


def test_every_route_is_in_the_matrix(place: Place) -> None:
    """Nobody adds a route without saying who may use it."""
    assert {row for row, _method, _path in place.calls} - set(MATRIX) == set()


def test_signed_out(place: Place) -> None:
    """Programs get 401, people are led to the sign-in; what is public answers."""
    token = place.nobody.token()
    for row, method, path in place.calls:
        rule = MATRIX.get(row, PRIVATE)
        if rule.is_public and rule.ends:
            continue  # the token of the others would end with it
        answer = ask(place.nobody, method, path, rule, token, "application/json")
        page = ask(place.nobody, method, path, rule, token, "text/html")
        if rule.is_public:
            assert answer.status_code != 401, row
        else:
            assert answer.status_code == 401, row
            led = page.status_code in {302, 303} and page.headers["Location"].startswith("/")
            assert led or page.status_code == 401, row


def test_without_the_token(place: Place) -> None:
    """Whoever sends no token changes nothing."""
    for row, method, path in place.calls:
        rule = MATRIX.get(row, PRIVATE)
        if method in SAFE:
            continue
        if rule.is_secret:
            answer = ask(place.nobody, method, path, rule, None, "application/json")
            assert answer.status_code in {404, 410}, row
            continue
        answer = ask(place.owner, method, path, rule, None, "application/json")
        assert (answer.status_code, code_of(answer)) == (400, "csrf"), row
        answer = ask(place.nobody, method, path, rule, None, "application/json")
        assert answer.status_code in ({400} if rule.is_public else {400, 401}), row


def test_somebody_else(place: Place) -> None:
    """What is not one's own does not exist, with the token or without."""
    token = place.stranger.token()
    for row, method, path in place.calls:
        rule = MATRIX.get(row, OWNED)
        if rule.has_owner:
            answer = ask(place.stranger, method, path, rule, token, "application/json")
            assert answer.status_code == 404, row


def test_the_owner(place: Place) -> None:
    """Whoever has it gets an answer about it."""
    token = place.owner.token()
    kept_till_last = {
        "DELETE /pictures/<>",
        "POST /tweets/<>/cancel",
        "POST /suggestions/<>/dismiss",
    }
    for row, method, path in sorted(place.calls, key=lambda call: call[0] in kept_till_last):
        rule = MATRIX.get(row, PRIVATE)
        if rule.ends or rule.is_public:
            continue
        answer = ask(place.owner, method, path, rule, token, "application/json")
        assert answer.status_code not in {401, 403, 405}, row
        assert answer.status_code < 500, row
        # Ana has no avatar, a picture may be in the making, and nothing waits to be confirmed.
        maybe_missing = path.endswith(("/avatar", "/thumb", "/confirm"))
        assert answer.status_code != 404 or maybe_missing, row
