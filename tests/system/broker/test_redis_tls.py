"""Redis behind TLS: a certificate that nobody vouches for is refused, unless somebody says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import broker
from tests.conftest import MakeWorld
from tests.support.servers import Valkey
from tests.support.tls import TlsFront
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World


@pytest.fixture
def front(valkey: Valkey, tmp_path: Path) -> Iterator[TlsFront]:
    """TLS in front of the broker."""
    front = TlsFront(tmp_path, valkey.port)
    yield front
    front.close()


def failing(world: World) -> list[str]:
    """Return what ``/healthz`` says; no worker runs here."""
    told: list[str] = world.app.test_client().get("/healthz").get_json()["failing"]
    return told


def wake_ups(world: World) -> bool:
    """Wake a worker."""
    with world.app.app_context():
        return broker.notify_jobs(["nobody"])


def test_an_unknown_certificate_is_refused(
    make_world: MakeWorld, sqlite_url: str, front: TlsFront
) -> None:
    """By the probe, the broker and the limits; the pages go on as without Redis."""
    world = make_world(sqlite_url, REDIS_URL=front.redis_url)
    assert failing(world) == ["redis", "worker"]
    assert not wake_ups(world)
    wait_for(lambda: front.refusals >= 2, what="two refusals")
    refused = front.refusals
    assert world.app.test_client().get("/login/x").status_code == 302
    wait_for(lambda: front.refusals > refused, what="a further refusal")


def test_it_is_taken_where_somebody_says_so(
    make_world: MakeWorld, sqlite_url: str, front: TlsFront
) -> None:
    """``REDIS_TLS_VERIFY=0``: encrypted, and no question asked."""
    world = make_world(
        sqlite_url, REDIS_URL=front.redis_url, REDIS_TLS_VERIFY="0", BROKER_TIMEOUT="5"
    )
    assert failing(world) == ["worker"]
    assert wake_ups(world)


def test_a_known_authority_vouches_for_its_own_names_alone(
    make_world: MakeWorld,
    sqlite_url: str,
    valkey: Valkey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A certificate for another host does not do."""
    elsewhere = TlsFront(tmp_path, valkey.port, "redis.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(elsewhere.authority))
    world = make_world(sqlite_url, REDIS_URL=elsewhere.redis_url)
    assert failing(world) == ["redis", "worker"]
    assert not wake_ups(world)
    elsewhere.close()


def test_everything_works_with_a_known_certificate(
    make_world: MakeWorld, sqlite_url: str, front: TlsFront
) -> None:
    """Wake-ups, results and limits over TLS, with ``SSL_CERT_FILE`` as OpenSSL reads it."""
    trust = {"SSL_CERT_FILE": str(front.authority), "BROKER_TIMEOUT": "5"}
    world = make_world(sqlite_url, REDIS_URL=front.redis_url, **trust)
    site = world.start_web()
    world.start_worker()
    ana = Visitor(site)
    ana.sign_in("ana")
    job_id = ana.post("/tweets", text="over TLS").json()["job_id"]
    assert ana.until_final(job_id)["status"] == "done"
    wait_for(lambda: ana.status(job_id)["celery_state"] == "SUCCESS", what="the result in Redis")
    wait_for(lambda: ana.get("/healthz").json()["failing"] == [], what="a healthy installation")
