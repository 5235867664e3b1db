"""A server whose words no database takes: its own tweet is asked about, the others go out once."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from app.accounts import connections
from app.db import db
from app.delivery.claims import Claim, claim_deliveries, store_intents
from app.delivery.outcomes import SendResult, record_results
from app.models import Account, Attempt, Delivery
from app.networks import http
from app.networks.base import Outcome, OutcomeKind, Profile
from app.networks.errors import LookUpFailed
from app.states import State
from tests.conftest import MakeWorld
from tests.support.mastodon import credentials_at
from tests.support.scripted import ScriptedServer, Seen
from tests.support.world import World

HALF = "\\ud800"
NUL = "\\u0000"
ODD: dict[str, str] = {
    "tweet 3": f'{{"id": "3", "url": "https://a.example/{NUL}", "content": "{NUL}{HALF}"}}',
    "tweet 5": f'{{"id": "5", "url": "javascript:alert(1)", "{NUL}{HALF}": {{"{HALF}": "{NUL}"}}}}',
    "tweet 7": f'{{"id": "7{NUL}", "url": "https://a.example/7"}}',
    "tweet 9": f'{{"id": "9{HALF}"}}',
    "tweet 11": f'{{"id": "{"1" * 5_000}"}}',
    "tweet 13": '{"id": 1e999}',
    "tweet 15": f'{{"id": "15", "count": {"9" * 5_000}, "rate": NaN}}',
}
"""What a create is answered, by its text. Ids that are none are given right in the list."""


class HostileServer:
    """A Mastodon server that accepts everything, and answers some of it as it likes."""

    def __init__(self) -> None:
        self.server = ScriptedServer()
        self.server.play = self._play
        self.posts: list[dict[str, Any]] = []
        self.never_named = ""
        """A post whose id is none in the list, either."""
        self._lock = threading.Lock()

    def _play(self, seen: Seen) -> tuple[int, Any]:
        if seen.method == "POST" and seen.path == "/api/v1/statuses":
            return self._create(json.loads(seen.body)["status"])
        if "/statuses?" in seen.path:
            with self._lock:
                return 200, [] if "max_id" in seen.path else self.posts[::-1]
        return 404, {"error": "Not found"}

    def _create(self, words: str) -> tuple[int, Any]:
        number = words.rpartition(" ")[2]
        post = {"id": number, "content": f"<p>{words}</p>", "url": "https://a.example/" + number}
        with self._lock:
            self.posts.append({**post, "id": "7\0"} if words == self.never_named else post)
        return 200, ODD.get(words, post)

    def counts(self) -> Counter[str]:
        """Return how often each text was accepted."""
        return Counter(str(post["content"]) for post in self.posts)


@pytest.fixture
def hostile() -> Iterator[HostileServer]:
    """Such a server."""
    server = HostileServer()
    yield server
    server.server.close()


def account_at(world: World, url: str) -> int:
    """Connect an account of that server; return its user's id."""
    with world.rows():
        profile = Profile("1", f"ana@{url.rpartition('/')[2]}", server=url.rpartition("/")[2])
        return connections.by_token("mastodon", profile, credentials_at(url)).user_id


def test_words_that_no_database_takes(world: World, hostile: HostileServer) -> None:
    """Twenty at once, seven of them answered with garbage: all are out, none twice, none hangs."""
    user = account_at(world, hostile.server.url)
    texts = [f"tweet {number}" for number in range(20)]
    jobs = {words: world.tweet_later(user, words) for words in texts}
    world.start_worker()
    states = world.until_settled(list(jobs.values()))
    assert set(states.values()) == {State.PUBLISHED}
    assert hostile.counts() == Counter(f"<p>{words}</p>" for words in texts)
    for words, job in jobs.items():
        row = world.delivery(job)
        assert row.remote_id == words.rpartition(" ")[2]
        assert row.remote_url is not None
        assert row.remote_url.startswith("http")
        assert "\ufffd" not in row.remote_url


def test_a_post_that_cannot_be_named_is_its_owners_question(
    make_world: MakeWorld, sqlite_url: str, hostile: HostileServer
) -> None:
    """The list has an id that is none, too: nothing is sent again, its owner is asked."""
    world = make_world(sqlite_url, RECONCILE_GIVE_UP_AFTER="2")
    user = account_at(world, hostile.server.url)
    hostile.never_named = "tweet 7"
    job = world.tweet_later(user, "tweet 7")
    world.start_worker()
    assert world.until_settled([job]) == {job: State.REVIEW}
    assert len(hostile.posts) == 1


REFUSALS = {
    "sqlite": "CREATE TRIGGER picky BEFORE UPDATE ON {table} WHEN {condition}"
    " BEGIN SELECT RAISE(ABORT, 'no'); END",
    "postgresql": "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no'; END"
    " $$ LANGUAGE plpgsql; CREATE TRIGGER picky BEFORE UPDATE ON {table} FOR EACH ROW"
    " WHEN ({condition}) EXECUTE FUNCTION refuse()",
}


def refuse(table: str, condition: str) -> None:
    """Have the database itself refuse some rows."""
    db.session.execute(text(REFUSALS[db.engine.name].format(table=table, condition=condition)))
    db.session.commit()


def sent(world: World, user: int, count: int) -> list[Claim]:
    """Schedule tweets and get them to where their calls are under way."""
    jobs = [world.tweet_later(user, f"tweet {number}") for number in range(count)]
    claims = claim_deliveries(jobs, "somebody")
    return store_intents([(claim, {"text": claim.text}) for claim in claims], "somebody")


def accepted(claim: Claim, number: int) -> SendResult:
    """Return the end of a call that was accepted."""
    outcome = Outcome(
        OutcomeKind.OK,
        remote_id=str(100 + number),
        remote_url=f"https://a.example/{number}",
        request_id=f"request-{number}",
        http_status=201,
        answered_at=http.boottime(),
    )
    return SendResult(claim, "x", 1, outcome)


def test_words_that_are_refused_are_left_out(world: World) -> None:
    """One row cannot be stored as it is: it is stored without the network's words."""
    user = world.user("ana")
    with world.rows():
        claims = sent(world, user, 3)
        refuse("deliveries", "NEW.remote_url = 'https://a.example/1'")
        assert record_results([accepted(c, n) for n, c in enumerate(claims)]) == []
    rows = [world.delivery(claim.job_id) for claim in claims]
    assert {row.state for row in rows} == {State.PUBLISHED}
    assert [row.remote_id for row in rows] == ["100", "101", "102"]
    assert [row.remote_url for row in rows] == ["https://a.example/0", None, "https://a.example/2"]


def test_an_id_that_is_refused_is_looked_for(world: World) -> None:
    """One row cannot be stored at all: it may be there, and its neighbours are published."""
    user = world.user("ana")
    with world.rows():
        claims = sent(world, user, 3)
        refuse("deliveries", "NEW.remote_id = '101'")
        assert record_results([accepted(c, n) for n, c in enumerate(claims)]) == []
    rows = [world.delivery(claim.job_id) for claim in claims]
    assert [row.state for row in rows] == ["published", "unconfirmed", "published"]
    assert rows[1].error_code == "garbled_answer"


def test_a_refusal_that_cannot_be_stored_spoils_no_other(world: World) -> None:
    """What is said of one row cannot be kept: the others end as they should, and it does too."""
    user = world.user("ana")
    with world.rows():
        claims = sent(world, user, 3)
        refuse("deliveries", "NEW.error_detail = 'odd'")
        no = Outcome(OutcomeKind.REJECTED, "rejected", "no")
        said = [no, replace(no, detail="odd"), no]
        results = [SendResult(c, "x", 1, outcome) for c, outcome in zip(claims, said, strict=True)]
        assert record_results(results) == []
    rows = [world.delivery(claim.job_id) for claim in claims]
    assert {row.state for row in rows} == {State.FAILED}
    assert [row.error_detail for row in rows] == ["no", None, "no"]


def test_what_cannot_be_stored_is_not_sent(world: World) -> None:
    """One body cannot be kept: it has failed, nothing of it was sent, and the others may go."""
    user = world.user("ana")
    with world.rows():
        jobs = [world.tweet_later(user, f"tweet {number}") for number in range(3)]
        claims = claim_deliveries(jobs, "somebody")
        bodies: list[Any] = [{"text": claim.text} for claim in claims]
        bodies[1] = {"text": object()}
        going = store_intents(list(zip(claims, bodies, strict=True)), "somebody")
        assert [claim.job_id for claim in going] == [claims[0].job_id, claims[2].job_id]
        tried = db.session.scalar(db.select(db.func.count()).select_from(Attempt))
        assert tried == 2
    odd = world.delivery(claims[1].job_id)
    assert (odd.state, odd.error_code, odd.attempts) == (State.FAILED, "not_stored", 0)


def test_columns_take_what_nobody_should_give_them(world: World) -> None:
    """The last defence: moments out of range, halves of characters, NULs, numbers that are none."""
    user = world.user("ana")
    job = world.tweet_later(user, "hello")
    with world.rows():
        account = db.session.scalars(db.select(Account)).one()
        account.credentials = {"access_token": "a\ud800", "b\0": float("nan")}
        account.limits = {"\ud800": "\0", "deep": [float("inf")]}
        row = db.session.get_one(Delivery, job)
        row.posted = [{"remote_id": "\0\ud800"}]
        db.session.execute(db.update(Delivery).where(Delivery.id == job).values(accepted_at=10**18))
        db.session.commit()
        db.session.expire_all()
        assert account.credentials == {"access_token": "a\ufffd", "b\ufffd": None}
        assert account.limits == {"\ufffd": "\ufffd", "deep": [None]}
        assert row.posted == [{"remote_id": "\ufffd\ufffd"}]
        assert row.accepted_at is not None
        assert row.accepted_at.year >= 9999


def test_names_that_no_database_takes(world: World, hostile: HostileServer) -> None:
    """Somebody's server calls them what no column takes: they are connected all the same.

    Not by a handle that could be read as another one.
    """
    told = (
        f'{{"id": "7", "username": "ana", "display_name": "{HALF}{NUL}\\n'
        f'{"y" * 5_000}", "avatar": "javascript:alert(1)", "{NUL}": "{HALF}"}}'
    )
    hostile.server.play = lambda _seen: (200, told)
    url = hostile.server.url
    with world.rows():
        profile = world.app.extensions["networks"]["mastodon"].who_am_i(credentials_at(url))
        connections.by_token("mastodon", profile, credentials_at(url))
        account = db.session.scalars(db.select(Account)).one()
        assert account.handle == f"ana@{url.rpartition('/')[2]}"
        assert account.display_name.startswith("\ufffd\ufffd y")
        assert max(len(account.handle), len(account.display_name)) <= 255
        assert account.avatar_url == ""
        for odd in (f"an{NUL}a", "ana@example.com", f"an{HALF}a"):
            hostile.server.play = lambda _seen, odd=odd: (200, told.replace('"ana"', f'"{odd}"'))
            with pytest.raises(LookUpFailed):
                world.app.extensions["networks"]["mastodon"].who_am_i(credentials_at(url))
