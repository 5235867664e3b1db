"""How long pictures are kept, on both databases and with their bytes in both kinds of place."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import update

from app import pictures
from app.db import db, from_now
from app.models import Delivery, Tweet, User
from app.models.picture import Picture, PictureFile, PictureState, UnknownPicture
from app.networks.errors import UploadRefused
from app.pictures import lifecycle
from app.states import State
from tests.conftest import MakeWorld
from tests.support import photos
from tests.support.migrating import downgrade, upgrade
from tests.support.world import World

DAY = 86_400


@pytest.fixture
def ana(gallery: World) -> int:
    """Ana's id."""
    return gallery.user("ana")


def made(owner: int) -> str:
    """Send a picture and let it be made; return its id."""
    user = db.session.get_one(User, owner)
    picture_id = pictures.accept(user, photos.photo_with_place(), "photo.jpg").id
    lifecycle.process(picture_id)
    return picture_id


def tweet_with(owner: int, *picture_ids: str) -> Tweet:
    """Write a tweet for later; return it."""
    user = db.session.get_one(User, owner)
    job_id = user.tweet_later("Look", "in one hour", pictures=picture_ids)
    return db.session.get_one(Delivery, job_id).tweet


def end(tweet: Tweet, state: State, days_ago: float) -> None:
    """Let a tweet have ended."""
    ended = {"state": state, "next_at": None, "finished_at": from_now(-days_ago * DAY)}
    db.session.execute(update(Delivery).where(Delivery.tweet_id == tweet.id).values(ended))
    db.session.commit()


def look(*picture_ids: str) -> None:
    """Let the time come at which a worker looks whether pictures are needed, and let it look."""
    past = {"created_at": from_now(-30 * DAY), "next_at": from_now(-1)}
    db.session.execute(update(Picture).where(Picture.id.in_(picture_ids)).values(past))
    db.session.commit()
    pictures.sweep()
    pictures.sweep()


def kept(world: World, picture_id: str) -> set[str]:
    """Return the kinds of a picture's bytes that are kept."""
    rows = db.session.scalars(db.select(PictureFile.key))
    files = (world.folder / "media").glob(f"*/{picture_id}")
    keys = [*rows, *(f"{path.parent.name}/{path.name}" for path in files)]
    return {key.split("/")[0] for key in keys if key.endswith(picture_id)}


def state_of(picture_id: str) -> Any:
    """Return the state as it is now, None when there is no row; ends the transaction."""
    state = db.session.scalar(db.select(Picture.state).where(Picture.id == picture_id))
    db.session.commit()
    return state


@pytest.mark.parametrize("state", [State.PUBLISHED, State.CANCELLED, State.FAILED])
def test_a_week_after_the_end(gallery: World, ana: int, state: State) -> None:
    """A week after its tweet ended only the thumbnail of a picture is left."""
    with gallery.rows():
        recent, old = made(ana), made(ana)
        end(tweet_with(ana, recent), state, days_ago=6.9)
        end(tweet_with(ana, old), state, days_ago=7.1)
        look(recent, old)
        assert (state_of(recent), kept(gallery, recent)) == (
            PictureState.READY,
            {"picture", "thumb"},
        )
        assert (state_of(old), kept(gallery, old)) == (PictureState.PAST, {"thumb"})
        assert pictures.thumb(old)
        with pytest.raises(UploadRefused) as gone:
            lifecycle.load(old)
        assert gone.value.code == "picture_gone"
        with pytest.raises(UnknownPicture):
            tweet_with(ana, old)


def test_what_still_waits_keeps_its_pictures(gallery: World, ana: int) -> None:
    """While one of a picture's tweets, or one of a tweet's accounts, may be sent, nothing goes."""
    gallery.connect(ana, "mastodon", "ana")
    with gallery.rows():
        shared, own, thread = made(ana), made(ana), made(ana)
        end(tweet_with(ana, shared), State.PUBLISHED, days_ago=30)
        tweet_with(ana, shared)
        user = db.session.get_one(User, ana)
        mastodon = user.accounts[1].id
        variants = {mastodon: [{"text": "Own", "pictures": [own]}]}
        user.tweet_later("All", "in one hour", [a.id for a in user.accounts], variants=variants)
        parts = [{"text": "One", "pictures": []}, {"text": "Two", "pictures": [thread]}]
        user.tweet_later("", "in two years", parts=parts)
        look(shared, own, thread)
        for picture_id in (shared, own, thread):
            assert kept(gallery, picture_id) == {"picture", "thumb"}
            assert state_of(picture_id) == PictureState.READY


def test_what_is_not_needed_is_looked_at_once(gallery: World, ana: int) -> None:
    """A picture that is needed is left alone for a day, one that has ended for good."""
    with gallery.rows():
        waiting, ended = made(ana), made(ana)
        tweet_with(ana, waiting)
        end(tweet_with(ana, ended), State.PUBLISHED, days_ago=8)
        look(waiting, ended)
        hours = (Picture.next_at - from_now()) / 3_600_000
        rows = dict(db.session.execute(db.select(Picture.id, db.cast(hours, db.Integer))).all())
        assert rows[waiting] in {23, 24}
        assert rows[ended] is None


def test_taken_out_by_an_edit(gallery: World, ana: int) -> None:
    """A picture that no tweet shows any more is forgotten whole."""
    with gallery.rows():
        dropped, stays = made(ana), made(ana)
        tweet_with(ana, dropped).edit("Look", parts=[{"text": "Look", "pictures": [stays]}])
        look(dropped, stays)
        assert (state_of(dropped), kept(gallery, dropped)) == (None, set())
        assert state_of(stays) == PictureState.READY


def test_used_again_just_in_time(gallery: World, ana: int) -> None:
    """A picture that goes into another tweet before a worker looks is kept for that one."""
    with gallery.rows():
        picture_id = made(ana)
        end(tweet_with(ana, picture_id), State.PUBLISHED, days_ago=30)
        tweet_with(ana, picture_id)
        look(picture_id)
        assert lifecycle.load(picture_id).mime == "image/jpeg"


def test_while_the_place_is_away(make_world: MakeWorld, sqlite_url: str, tmp_path: Path) -> None:
    """Bytes that could not be deleted are deleted later."""
    world = make_world(sqlite_url, MEDIA_URL=f"file://{tmp_path}/media")
    owner = world.user("ana")
    media, elsewhere = tmp_path / "media", tmp_path / "elsewhere"
    with world.rows():
        picture_id = made(owner)
        end(tweet_with(owner, picture_id), State.PUBLISHED, days_ago=30)
        media.rename(elsewhere)
        media.write_text("no folder any more")
        look(picture_id)
        media.unlink()
        elsewhere.rename(media)
        assert kept(world, picture_id) == {"picture", "thumb"}
        look(picture_id)
        assert kept(world, picture_id) == {"thumb"}


def test_pictures_from_before(gallery: World, ana: int) -> None:
    """A picture from before there was an end is looked at too; going back keeps its row."""
    with gallery.rows():
        picture_id = made(ana)
        end(tweet_with(ana, picture_id), State.PUBLISHED, days_ago=30)
        downgrade(revision="0003")
        names = {index["name"] for index in sa.inspect(db.engine).get_indexes("pictures")}
        assert "pictures_processing" in names
        upgrade()
        pictures.sweep()
        assert state_of(picture_id) == PictureState.PAST
        downgrade(revision="0003")
        assert state_of(picture_id) == PictureState.REFUSED
        upgrade()


def test_full_disk(make_world: MakeWorld, sqlite_url: str, tmp_path: Path) -> None:
    """What does not fit is refused, and no piece of it takes what room is left."""
    world = make_world(sqlite_url, MEDIA_URL=f"file://{tmp_path}/media")
    user_id, picture_id = world.user("ana"), str(uuid.uuid4())
    place = tmp_path / "media" / "original" / picture_id
    place.parent.mkdir(parents=True)
    place.symlink_to("/dev/full")
    with world.rows():
        user = db.session.get_one(User, user_id)
        with pytest.raises(pictures.FilesAway):
            pictures.accept(user, photos.photo_with_place(), "photo.jpg", picture_id)
        assert db.session.scalars(db.select(Picture)).all() == []
    assert not place.is_symlink()
