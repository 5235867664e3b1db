"""With everything logged that anybody logs, no log holds a secret, a token or a tweet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.db import db
from app.models import Account
from app.networks.base import SECRETS
from tests.conftest import MakeWorld
from tests.support.story import NETWORKS
from tests.support.visitor import Visitor

LOUD = """
import logging
logging.basicConfig(level=logging.DEBUG)
logging.getLogger("said").debug("all is said")
"""
"""What runs before the program: whoever looks for a fault turns this on."""


def test_no_secret_is_said(make_world: MakeWorld, sqlite_url: str, tmp_path: Path) -> None:
    """Somebody signs in at every network and publishes there, while all libraries say all."""
    (tmp_path / "loud").mkdir()
    (tmp_path / "loud" / "sitecustomize.py").write_text(LOUD)
    loud = {"PYTHONPATH": str(tmp_path / "loud")}
    world = make_world(sqlite_url, **loud)
    world.site = world.start_web()
    world.start_worker("--loglevel=debug")
    visitor, codes = Visitor(world.site), set[str]()
    for network in NETWORKS:
        page = visitor.connect(network, "loud")
        assert page.status_code == 200
        codes |= {code for answer in page.history for code in codes_in(answer.headers)}
    answer = visitor.post("/tweets", text="Nobody reads this", accounts=accounts_of(visitor, world))
    assert answer.status_code == 202, answer.text
    for job in answer.json()["jobs"]:
        assert visitor.until_final(job["job_id"])["status"] == "done"
    log = world.log()
    assert "all is said" in log
    assert "DEBUG" in log
    assert "connectionpool" in log
    secrets = {"Nobody reads this", "sandbox-password", *codes}
    secrets |= {value for name, value in world.environ.items() if is_secret(name)}
    with world.rows():
        for account in db.session.scalars(db.select(Account)):
            secrets |= {str(account.credentials[name]) for name in SECRETS if said(account, name)}
    assert len(secrets) > 12
    assert [secret for secret in sorted(secrets) if secret in log] == []
    assert "appsecret_proof" not in log
