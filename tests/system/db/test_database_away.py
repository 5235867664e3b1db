"""PostgreSQL restarted the rude way, in the middle of posts and in the middle of submits."""

from __future__ import annotations

import random
import threading
import time
import uuid
from datetime import timedelta

import pytest
import requests

from app.db import utcnow
from app.models import Delivery
from app.states import State
from tests.conftest import MakeWorld
from tests.support.crowd import until_posts_arrive
from tests.support.figures import promise_kept, sized
from tests.support.servers import Postgres
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

JSON = {"Accept": "application/json"}
RESTARTS = sized(3, 10)


@pytest.fixture
def server(postgres: tuple[Postgres, str]) -> Postgres:
    """The server, to be restarted."""
    return postgres[0]


@pytest.fixture
def big_world(make_world: MakeWorld, postgres: tuple[Postgres, str]) -> World:
    """An installation on PostgreSQL."""
    server, template = postgres
    return make_world(server.url(server.create(template)))


def test_restarts_in_the_middle_of_posts(big_world: World, server: Postgres) -> None:
    """Whatever was claimed, sent or answered when it went away: out once, and its row says so."""
    world = big_world
    count = sized(60, 400)
    users = [world.user(f"person{n}") for n in range(6)]
    world.sandbox.fault("slow", seconds=0.4, count=None)
    world.start_worker()
    world.start_worker()
    start = utcnow() + timedelta(seconds=2)
    jobs = {
        f"through a restart, {n}": world.tweet_later(
            users[n % len(users)],
            f"through a restart, {n}",
            start + timedelta(seconds=random.random() * RESTARTS * 2),
        )
        for n in range(count)
    }
    for _ in range(RESTARTS):
        until_posts_arrive(world, jobs.values(), least=4)
        server.restart_immediately()
    states = world.until_settled(list(jobs.values()))
    assert set(states.values()) == {State.PUBLISHED}
    promise_kept(world, jobs, f"{RESTARTS} restarts of PostgreSQL in the middle of posts")


class Writer(threading.Thread):
    """Ana's program: submits tweets, each with a key of its own, until each one is accepted."""

    def __init__(self, ana: Visitor, token: str, name: str) -> None:
        super().__init__(name=name)
        self.jobs: dict[str, str] = {}
        self.answers: list[requests.Response] = []
        self.stop = threading.Event()
        self._ana = ana
        self._token = token

    def run(self) -> None:
        """Submit until told to stop; the last one is finished, too."""
        while not self.stop.is_set():
            text = f"{self.name} writes {len(self.jobs)}"
            self.jobs[text] = self._submit(text)

    def _submit(self, text: str) -> str:
        headers = {"X-CSRFToken": self._token, "Idempotency-Key": str(uuid.uuid4()), **JSON}
        while True:
            answer = requests.post(
                f"{self._ana.site}/tweets",
                json={"text": text},
                headers=headers,
                cookies=self._ana.http.cookies,
                timeout=30,
            )
            self.answers.append(answer)
            if answer.status_code == 202:
                return str(answer.json()["job_id"])
            time.sleep(0.05)  # as a program that repeats should


def test_restarts_in_the_middle_of_submits(big_world: World, server: Postgres) -> None:
    """202 or a sentence; what was repeated with its key until 202 goes out exactly once."""
    world = big_world
    world.environ["RATE_LIMIT_WRITES"] = "100000 per minute"
    site = world.start_web(processes=2)
    ana = Visitor(site)
    ana.sign_in("ana")
    token = ana.token()
    writers = [Writer(ana, token, f"Writer {n}") for n in range(4)]
    for writer in writers:
        writer.start()
    for _ in range(RESTARTS):
        written = [len(writer.jobs) for writer in writers]
        wait_for(
            lambda w=written: all(len(x.jobs) > n + 1 for x, n in zip(writers, w, strict=True)),
            what="submits between two restarts",
        )
        server.restart_immediately()
        assert_page_or_sentence(ana)
    for writer in writers:
        writer.stop.set()
    for writer in writers:
        writer.join()
    answers = [answer for writer in writers for answer in writer.answers]
    assert {answer.status_code for answer in answers} == {202, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert "Our database does not answer" in answer.json()["error"]["message"]
    world.start_worker()
    jobs = {text: job for writer in writers for text, job in writer.jobs.items()}
    states = world.until_settled(list(jobs.values()))
    assert set(states.values()) == {State.PUBLISHED}
    promise_kept(world, jobs, f"{RESTARTS} restarts of PostgreSQL in the middle of submits")
    assert "Traceback" not in world.log()


def test_a_submit_whose_commit_was_not_acknowledged(big_world: World, server: Postgres) -> None:
    """Stored, but the answer says 503: the same key again is the same tweet, and not a second."""
    world = big_world
    ana = Visitor(world.start_web())
    ana.sign_in("ana")
    key = str(uuid.uuid4())
    headers = {"X-CSRFToken": ana.token(), "Idempotency-Key": key, **JSON}
    answers: list[requests.Response] = []

    def submit() -> None:
        url, tweet = f"{ana.site}/tweets", {"text": "Was it stored"}
        answers.append(ana.http.post(url, json=tweet, headers=headers, timeout=30))

    first = threading.Thread(target=submit)
    with server.commits_unacknowledged():
        first.start()
        wait_for(lambda: server.unacknowledged() == 1, what="a commit without its answer")
    first.join()
    submit()
    assert [answer.status_code for answer in answers] == [503, 202]
    world.start_worker()
    job = answers[1].json()["job_id"]
    world.until_state(job, State.PUBLISHED)
    with world.rows():
        assert Delivery.query.count() == 1
    assert world.sandbox.texts() == {"Was it stored": 1}


def test_a_connection_cut_behind_an_answer(big_world: World, server: Postgres) -> None:
    """Cut within the second in which it was used, it is noticed before it is used again."""
    ana = Visitor(big_world.start_web(processes=1))
    ana.sign_in("ana")
    tweet = ana.post("/tweets", text="after the cut", when="in one hour").json()
    for _ in range(5):
        server.cut_connections()
        assert ana.get(tweet["status_url"], headers=JSON).json()["state"] == State.SCHEDULED
        server.cut_connections()
        assert ana.get("/").status_code == 200


def assert_page_or_sentence(ana: Visitor) -> None:
    """The start page is whole, or says in a sentence that the database is away."""
    page = ana.get("/")
    assert page.status_code in {200, 503}
    assert ("@ana" if page.ok else "Our database does not answer") in page.text
