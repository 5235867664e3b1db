"""With everything logged that anybody logs, no log holds a secret, a token or a tweet."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

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


PASSING = {"code", "state", "oauth_token", "oauth_verifier"}
"""What a callback's address carries and is worth something."""


def passed(address: str) -> set[str]:
    """Return what an address of a sign-in carries that nobody else may know."""
    query = parse_qs(urlsplit(address).query)
    return {value for name in PASSING for value in query.get(name, [])}


def is_secret(name: str) -> bool:
    """Whether a setting is one that nobody may read."""
    return name.endswith(("_SECRET", "SECRET_KEY", "TOKEN_KEYS"))


KEYS = {
    "oauth2": {},
    "oauth1": {
        "X_CLIENT_ID": "",
        "X_CLIENT_SECRET": "",
        "X_CONSUMER_KEY": "sandbox-consumer",
        "X_CONSUMER_SECRET": "sandbox-consumer-secret",
    },
}


@pytest.mark.parametrize("keys", KEYS)
def test_no_secret_is_said(
    make_world: MakeWorld, sqlite_url: str, tmp_path: Path, keys: str
) -> None:
    """Somebody signs in at every network and publishes there, while all libraries say all."""
    (tmp_path / "loud").mkdir()
    (tmp_path / "loud" / "sitecustomize.py").write_text(LOUD)
    world = make_world(sqlite_url, PYTHONPATH=str(tmp_path / "loud"), **KEYS[keys])
    world.site = world.start_web()
    world.start_worker("--loglevel=debug")
    visitor, codes = Visitor(world.site), set[str]()
    for network in NETWORKS:
        page = visitor.connect(network, "loud")
        assert page.status_code == 200
        for answer in page.history:
            codes |= passed(answer.headers.get("Location", ""))
    with world.rows():
        accounts = list(db.session.scalars(db.select(Account.id)))
    answer = visitor.post("/tweets", text="Nobody reads this", accounts=accounts)
    assert answer.status_code == 202, answer.text
    for job in answer.json()["jobs"]:
        assert visitor.until_final(job["job_id"])["status"] == "done"
    log = world.log()
    assert "all is said" in log
    assert "DEBUG" in log
    assert "connectionpool" in log
    secrets = {"Nobody reads this", "sandbox-password", *codes}
    secrets |= {value for name, value in world.environ.items() if value and is_secret(name)}
    with world.rows():
        for account in db.session.scalars(db.select(Account)):
            kept = account.credentials
            secrets |= {kept[name] for name in SECRETS if kept.get(name)}
    assert len(secrets) > 12
    assert [secret for secret in sorted(secrets) if secret in log] == []
    assert "appsecret_proof" not in log
