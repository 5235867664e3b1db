"""Migrations keep what is stored, in both directions."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.accounts import avatars, credentials
from app.db import db, utcnow
from app.models import Account, Delivery, Tweet, User, sameness
from app.states import State
from tests.conftest import MakeWorld
from tests.support.migrating import downgrade, upgrade


def test_the_networks_come_and_go_without_a_loss(make_world: MakeWorld, database_url: str) -> None:
    """A delivery from before threads is one part; going back and forth again keeps it."""
    world = make_world(database_url)
    job = world.tweet_later(world.user("ana"), "From before", "in one hour")
    with world.rows():
        downgrade(revision="0002")
        names = {column["name"] for column in sa.inspect(db.engine).get_columns("deliveries")}
        assert "posted" not in names
        upgrade()
        delivery = db.session.get_one(Delivery, job)
        assert (delivery.state, delivery.posted, delivery.parts) == (State.SCHEDULED, [], None)
        assert [part.text for part in delivery.contents] == ["From before"]
        assert delivery.account.connected


def test_each_server_is_known_again(make_world: MakeWorld, database_url: str) -> None:
    """Mastodon's at once, Bluesky's when an access is renewed."""
    world = make_world(database_url)
    bluesky, mastodon = (world.sandbox.on(name) for name in ("bluesky", "mastodon"))
    ana = world.user("ana", "bluesky")
    world.connect(ana, "mastodon", "ana")
    here = [urlsplit(played.url).netloc for played in (bluesky, mastodon)]
    with world.rows():
        hosts = db.select(Account.host).order_by(Account.network)
        assert db.session.scalars(hosts).all() == here
        db.session.rollback()
        downgrade(revision="0005")
        upgrade()
        assert db.session.scalars(hosts).all() == ["", here[1]]
        db.session.execute(db.update(Account).values(credentials_stale=True))
        db.session.commit()
        credentials.access_to(world.accounts_of(ana)[0])
        assert db.session.scalars(hosts).all() == here


def test_avatars_come_and_go_without_a_loss(make_world: MakeWorld, database_url: str) -> None:
    """An account from before avatars were kept is as it was; a worker fetches its avatar."""
    world = make_world(database_url)
    user_id = world.user("ana", "mastodon")
    with world.rows():
        downgrade(revision="0004")
        names = {column["name"] for column in sa.inspect(db.engine).get_columns("accounts")}
        assert not {"avatar", "avatar_at"} & names
        upgrade()
        account = db.session.scalars(db.select(Account)).one()
        assert (account.user_id, account.avatar, account.avatar_at) == (user_id, None, None)
        assert account.avatar_url
        assert account.credentials
        assert avatars.outdated() == [account.id]


def test_who_signs_in_is_known_afterwards(make_world: MakeWorld, database_url: str) -> None:
    """X signs in, and of typed servers the first account alone; Pages are shared and never do."""
    world = make_world(database_url)
    ana = world.user("ana", "mastodon")
    for network in ("x", "bluesky", "facebook"):
        world.connect(ana, network, "ana")
    with world.rows():
        second = Account(network="mastodon", server="other.test", remote_id="7", handle="ana@other")
        second.user_id, second.credentials = ana, {}
        db.session.add(second)
        db.session.commit()
        before = db.session.scalar(db.select(db.func.count(Account.id)))
        db.session.commit()
        downgrade(revision="0006")
        upgrade()
        accounts = db.session.scalars(db.select(Account).order_by(Account.id)).all()
        assert len(accounts) == before
        found = [(one.network, one.signs_in, bool(one.person_id)) for one in accounts]
        assert found[:4] == [
            ("mastodon", True, True),
            ("x", True, True),
            ("bluesky", True, True),
            ("facebook", False, False),
        ]
        assert set(found[4:-1]) <= {("facebook", False, False)}
        assert found[-1] == ("mastodon", False, True)


def test_a_disconnected_account_stays_beside_the_one_that_took_its_place(
    make_world: MakeWorld, database_url: str
) -> None:
    """Two rows of one identity survive going back, and the connected one keeps its name."""
    world = make_world(database_url)
    user_id = world.user("ana")
    with world.rows():
        (old,) = db.session.scalars(db.select(Account))
        remote_id = old.remote_id
        old.connected = False
        db.session.commit()
        new = Account(network="x", remote_id=remote_id, handle="ana", user_id=user_id)
        new.credentials = {}
        db.session.add(new)
        db.session.commit()
        downgrade(revision="0006")
        upgrade()
        rows = db.session.scalars(db.select(Account).order_by(Account.id)).all()
        assert [row.connected for row in rows] == [False, True]
        assert rows[1].remote_id == remote_id


def test_who_sees_posts_is_the_accounts_own_choice_at_first(
    make_world: MakeWorld, database_url: str
) -> None:
    """Going back forgets what was chosen here; accounts from before choose nothing."""
    world = make_world(database_url)
    world.user("ana", "mastodon")
    with world.rows():
        db.session.execute(db.update(Account).values(visibility="private"))
        db.session.commit()
        downgrade(revision="0010")
        inspector = sa.inspect(db.engine)
        for table, column in (("accounts", "visibility"), ("mastodon_apps", "anew_at")):
            assert column not in {one["name"] for one in inspector.get_columns(table)}
        upgrade()
        account = db.session.scalars(db.select(Account)).one()
        assert (account.visibility, bool(account.credentials)) == ("", True)


def test_posts_are_known_once_before_and_after(make_world: MakeWorld, database_url: str) -> None:
    """The table is made anew on SQLite: its rows, its rules and what belongs to it stay."""
    world = make_world(database_url)
    ana = world.user("ana")
    jobs = [world.tweet_later(ana, text) for text in ("one", "two")]
    with world.rows():
        for revision in ("0012", "0013"):
            if revision == "0012":
                downgrade(revision=revision)
            else:
                upgrade()
            ids = db.select(Delivery.id).order_by(Delivery.tweet_id)
            assert db.session.scalars(ids).all() == jobs
            for broken in ({"remote_id": "1"}, {"next_at": None}):
                with pytest.raises(IntegrityError):
                    db.session.execute(db.update(Delivery).values(broken))
                db.session.rollback()
            assert {one["name"] for one in sa.inspect(db.engine).get_indexes("deliveries")} >= {
                "deliveries_held",
                "deliveries_in_flight",
                "deliveries_next_at",
            }


def test_roles_and_what_operators_look_for_come_and_go(
    make_world: MakeWorld, database_url: str
) -> None:
    """Nobody has a role afterwards; what waits is as it was."""
    world = make_world(database_url)
    job = world.tweet_later(world.user("ana"), "From before", "in one hour")
    with world.rows():
        downgrade(revision="0013")
        assert not sa.inspect(db.engine).has_table("operations_audit")
        upgrade()
        assert db.session.scalars(db.select(User.role)).all() == [None]
        assert db.session.get_one(Delivery, job).state == State.SCHEDULED
        names = {one["name"] for one in sa.inspect(db.engine).get_indexes("deliveries")}
        assert names >= {"deliveries_retries", "deliveries_stuck", "deliveries_unpublished"}


def test_what_was_written_before_is_known(make_world: MakeWorld, database_url: str) -> None:
    """Texts of the last 90 days and those that wait get their keys; older ones need none."""
    world = make_world(database_url)
    ana = world.user("ana")
    new, old, own = (world.tweet_later(ana, f"Words {n}", "in one hour") for n in range(3))
    with world.rows():
        tweet = db.session.get_one(Delivery, own).tweet
        tweet.edit_job(own, [{"text": "Its own words", "pictures": []}])
        long_ago = {"due_at": utcnow() - timedelta(days=100)}
        tweet_id = db.session.get_one(Delivery, old).tweet_id
        over = {"state": State.CANCELLED, "next_at": None, "finished_at": utcnow(), **long_ago}
        db.session.execute(db.update(Delivery).where(Delivery.id == old).values(over))
        db.session.execute(db.update(Tweet).where(Tweet.id == tweet_id).values(long_ago))
        db.session.commit()
        downgrade(revision="0021")
        upgrade()
        texts = db.session.execute(db.select(Tweet.text, Tweet.text_key))
        keys = {row.text: row.text_key for row in texts}
        assert keys == {
            "Words 0": sameness.text_key("words 0"),
            "Words 1": None,
            "Words 2": sameness.text_key("words 2"),
        }
        assert db.session.get_one(Delivery, own).text_key == sameness.text_key("its own words")
        assert db.session.get_one(Delivery, new).text_key is None


def shape_of(engine: sa.Engine) -> dict[str, tuple[set[str], set[str]]]:
    """Return the columns and the indexes of every table."""
    inspector = sa.inspect(engine)
    return {
        table: (
            {
                f"{one['name']} {one['type']} {one['nullable']}"
                for one in inspector.get_columns(table)
            },
            {str(one["name"]) for one in inspector.get_indexes(table)},
        )
        for table in inspector.get_table_names()
    }


def test_every_step_leads_back(make_world: MakeWorld, database_url: str) -> None:
    """One by one to the first tables, and to the newest again: all is as it was."""
    world = make_world(database_url)
    with world.rows():
        before = shape_of(db.engine)
        downgrade(revision="0001")
        assert shape_of(db.engine).keys() < before.keys()
        upgrade()
        assert shape_of(db.engine) == before
