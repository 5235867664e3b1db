"""Changing the key of all tokens to the end, while everything runs; on both databases."""

from __future__ import annotations

from cryptography.fernet import Fernet

from app.accounts import reencryption
from app.db import db
from app.models import Account, ServerApp
from app.models.pending_connection import PendingConnection
from app.states import State
from tests.conftest import MakeWorld
from tests.support.overtaking import overtaken
from tests.support.world import TOKEN_KEY, World

NEW_KEY = Fernet.generate_key().decode()
BOTH = f"{NEW_KEY},{TOKEN_KEY}"


def stored(world: World, table: str, column: str) -> list[str]:
    """Return the encrypted texts as they are in the database."""
    with world.rows():
        return [row[0] for row in db.session.execute(db.text(f"SELECT {column} FROM {table}"))]


def opens(key: str, text: str) -> bool:
    """Whether a key opens a text."""
    return Fernet(key).decrypt(text.encode()) is not None


def test_the_old_key_can_go(make_world: MakeWorld, database_url: str) -> None:
    """Web and worker run; afterwards the new key alone is enough, and tweets go out."""
    old = make_world(database_url)
    ana = old.user("ana")
    old.connect(ana, "mastodon", "ana")
    with old.rows():
        db.session.add(ServerApp(server="a.test", redirect_uri="r", app={"client_id": "7"}))
        opened = {"connections": []}
        db.session.add(PendingConnection(id="p", user_id=ana, network="x", opened=opened))
        db.session.commit()
    both = make_world(database_url, TOKEN_KEYS=BOTH)
    worker = both.start_worker()
    sent = [both.tweet_later(ana, f"During {number}") for number in range(5)]
    done = both.flask("accounts", "reencrypt")
    assert done.returncode == 0, done.stderr
    rows = sum(len(stored(old, *place)) for place in PLACES)
    assert done.stdout.splitlines()[0] == f"Encrypted anew under the first key: {rows}."
    assert all(opens(NEW_KEY, text) for place in PLACES for text in stored(old, *place))
    again = both.flask("accounts", "reencrypt")
    assert again.stdout.splitlines()[0] == "Encrypted anew under the first key: 0."
    both.user("ben")
    assert all(opens(NEW_KEY, text) for text in stored(old, "accounts", "credentials"))
    assert set(both.until_settled(sent).values()) == {State.PUBLISHED}
    both.kill(worker)

    new = make_world(database_url, TOKEN_KEYS=NEW_KEY)
    new.start_worker()
    everywhere = new.tweet_later(ana, "After", accounts=new.accounts_of(ana))
    jobs = list(new.jobs_of(everywhere).values())
    assert set(new.until_settled(jobs).values()) == {State.PUBLISHED}


PLACES = [
    ("accounts", "credentials"),
    ("mastodon_apps", "app"),
    ("pending_connections", "opened"),
]


def test_every_encrypted_column_is_known(small_world: World) -> None:
    """Whatever column is declared as encrypted is found, as a new one will be."""
    with small_world.rows():
        found = {(c.table.name, c.name) for c in reencryption.encrypted_columns()}
    assert set(PLACES) <= found


def test_what_no_key_opens(make_world: MakeWorld, sqlite_url: str) -> None:
    """It is named and stays as it is; the others are rewritten."""
    world = make_world(sqlite_url)
    ana, ben = world.user("ana"), world.user("ben")
    strange = Fernet(Fernet.generate_key()).encrypt(b"{}").decode()
    lost = world.accounts_of(ana)[0]
    with world.rows():
        change = db.text("UPDATE accounts SET credentials = :text WHERE id = :id")
        db.session.execute(change, {"text": strange, "id": lost})
        db.session.commit()
    both = make_world(sqlite_url, TOKEN_KEYS=BOTH)
    done = both.flask("accounts", "reencrypt")
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["Encrypted anew under the first key: 1."]
    assert f"None of TOKEN_KEYS opens accounts.credentials, id {lost}." in done.stderr
    assert strange in stored(world, "accounts", "credentials")
    with both.rows():
        mine = db.select(Account).where(Account.user_id == ben)
        assert db.session.scalars(mine).one().credentials


def test_tokens_refreshed_meanwhile_stay(make_world: MakeWorld, postgres_url: str) -> None:
    """What somebody writes between the read and the write is not overwritten."""
    make_world(postgres_url).user("ana")
    both = make_world(postgres_url, TOKEN_KEYS=BOTH)
    fresh = Fernet(TOKEN_KEY).encrypt(b'{"access_token": "new"}').decode()

    def rewrite(world: World) -> None:
        with world.rows():
            reencryption.reencrypt()

    with overtaken(both, postgres_url, rewrite, "accounts") as refresher:
        refresher.execute("UPDATE accounts SET credentials = %s", [fresh])
    (text,) = stored(both, "accounts", "credentials")
    assert opens(NEW_KEY, text)
    with both.rows():
        account = db.session.scalars(db.select(Account)).one()
        assert account.credentials == {"access_token": "new"}
