"""Every network signs people in, and one person ties accounts of all of them to one login."""

from __future__ import annotations

import pytest

from app.db import db
from app.models import Account
from tests.support.story import NETWORKS
from tests.support.visitor import Visitor
from tests.support.world import World


def owners(world: World, network: str, handle: str) -> set[int]:
    """Return the users that an account of this handle belongs to."""
    with world.rows():
        accounts = db.session.scalars(db.select(Account).where(Account.network == network))
        return {a.user_id for a in accounts if a.handle.replace("@", ".").split(".")[0] == handle}


@pytest.mark.parametrize("network", NETWORKS)
def test_signing_in(running: World, network: str) -> None:
    """From the first page to a published tweet, with nothing but an account there."""
    visitor, handle = Visitor(running.site), f"only{network}"
    assert visitor.connect(network, handle).status_code == 200
    answer = visitor.post("/tweets", text=f"Hello {network}")
    assert answer.status_code == 202, answer.text
    assert visitor.until_final(answer.json()["job_id"])["status"] == "done"
    assert running.sandbox.on(network).texts()[f"Hello {network}"] == 1
    assert len(owners(running, network, handle)) == 1


def test_all_networks_in_one_login(running: World) -> None:
    """Written once, it goes out on every network, each in a job of its own."""
    visitor = Visitor(running.site)
    for network in NETWORKS:
        assert visitor.connect(network, "everywhere").status_code == 200
    (owner,) = set.union(*(owners(running, network, "everywhere") for network in NETWORKS))
    with running.rows():
        found = db.session.scalars(db.select(Account).where(Account.user_id == owner))
        first = {account.network: account.id for account in reversed(list(found))}
    answer = visitor.post("/tweets", text="Hello all", accounts=list(first.values()))
    assert answer.status_code == 202, answer.text
    jobs = {job["network"]: job["job_id"] for job in answer.json()["jobs"]}
    assert set(jobs) == set(NETWORKS)
    for network, job in jobs.items():
        assert visitor.until_final(job)["status"] == "done"
        assert running.sandbox.on(network).texts()["Hello all"] == 1
