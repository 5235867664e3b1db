"""The life of a picture, on both databases and with its bytes in both kinds of place."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app import pictures
from app.db import db, from_now
from app.models import User
from app.models.picture import Picture, PictureFile, PictureState, TooManyPictures, UnknownPicture
from app.networks.errors import LookUpFailed, UploadRefused
from app.pictures import lifecycle
from app.pictures.fair_queue import turns
from tests.conftest import MakeWorld
from tests.support import photos
from tests.support.waiting import wait_for
from tests.support.world import World

DAY = 86_400


def taken(world: World, owner: int, data: bytes | None = None) -> str:
    """Send a picture as the pages do; return its id."""
    data = data or photos.photo_with_place()
    return pictures.accept(db.session.get_one(User, owner), data, "photo.jpg").id


def row(picture_id: str) -> Picture:
    """Return the row as it is now."""
    found = db.session.get(Picture, picture_id, populate_existing=True)
    assert found is not None
    return found


def change(picture_id: str, **values: Any) -> None:
    """Let time pass for a row."""
    db.session.execute(update(Picture).where(Picture.id == picture_id).values(**values))
    db.session.commit()


def kept(world: World) -> set[str]:
    """Return the kinds of bytes that are kept."""
    folder = world.folder / "media"
    rows = {key.split("/")[0] for key in db.session.scalars(db.select(PictureFile.key))}
    files = {p.parent.name for p in folder.glob("*/*")} if folder.exists() else set()
    assert not (rows and files)
    return rows | files


def test_from_taken_to_loaded(gallery: World) -> None:
    """A picture is taken, made clean once, and what came is forgotten; deliveries load it."""
    owner = gallery.user("ana")
    with gallery.rows():
        picture_id = taken(gallery, owner)
        assert row(picture_id).state == PictureState.PROCESSING
        assert kept(gallery) == {"original"}
        lifecycle.process(picture_id)
        lifecycle.process(picture_id)
        ready = row(picture_id)
        assert (ready.state, ready.mime, ready.width, ready.tries) == (
            PictureState.READY,
            "image/jpeg",
            192,
            1,
        )
        assert kept(gallery) == {"picture", "thumb"}
        change(picture_id, alt="A field")
        loaded = lifecycle.load(picture_id)
        assert (loaded.mime, loaded.alt, loaded.width, loaded.height) == (
            "image/jpeg",
            "A field",
            192,
            256,
        )
        assert b"Secret" not in loaded.data
        assert len(loaded.data) == ready.size


def test_lost_bell(gallery: World) -> None:
    """A picture whose wake-up was lost is made by whoever sweeps next, once it is stored."""
    owner = gallery.user("ana")
    with gallery.rows():
        picture_id = taken(gallery, owner)
        change(picture_id, next_at=from_now(5))
        pictures.sweep()
        assert row(picture_id).state == PictureState.PROCESSING
        change(picture_id, next_at=from_now(-1))
        pictures.sweep()
        assert row(picture_id).state == PictureState.READY


def test_loading_makes_what_nobody_has_made(gallery: World) -> None:
    """A delivery does not wait for a wake-up that was lost."""
    owner = gallery.user("ana")
    with gallery.rows():
        assert lifecycle.load(taken(gallery, owner)).mime == "image/jpeg"


def test_picture_that_ends_workers(small_world: World) -> None:
    """After three workers that began and never came back, it is refused instead of a fourth."""
    owner = small_world.user("ana")
    with small_world.rows():
        picture_id = taken(small_world, owner)
        change(picture_id, tries=3, next_at=from_now(-1))
        pictures.sweep()
        refused = row(picture_id)
        assert (refused.state, refused.error_code) == (PictureState.REFUSED, "picture_broken")
        assert kept(small_world) == set()


def test_refused_in_the_background(gallery: World) -> None:
    """A picture that only decoding shows to be broken says so, and nothing of it is kept."""
    owner = gallery.user("ana")
    whole = photos.file_of(photos.noisy(300, 300))
    with gallery.rows():
        picture_id = taken(gallery, owner, whole[: len(whole) // 2])
        with pytest.raises(UploadRefused) as refused:
            lifecycle.load(picture_id)
        assert refused.value.code == "picture_broken"
        assert kept(gallery) == set()


def test_refused_at_once(small_world: World) -> None:
    """What the first look refuses leaves neither row nor bytes."""
    owner = small_world.user("ana")
    with small_world.rows():
        with pytest.raises(pictures.PictureRefused) as refused:
            taken(small_world, owner, b"<svg/>")
        assert (refused.value.code, refused.value.name) == ("picture_unknown", "photo.jpg")
        assert db.session.scalars(db.select(Picture)).all() == []
        assert kept(small_world) == set()


def test_unclaimed_pictures_are_swept(gallery: World) -> None:
    """After a day, what no tweet has is forgotten with its bytes; what one has stays."""
    owner = gallery.user("ana")
    with gallery.rows():
        mine, forgotten = taken(gallery, owner), taken(gallery, owner)
        lifecycle.load(forgotten)
        Picture.claim(owner, [mine])
        db.session.commit()
        for picture_id in (mine, forgotten):
            change(picture_id, created_at=from_now(-DAY - 60))
        pictures.sweep()
        assert db.session.scalars(db.select(Picture.id)).all() == [mine]
        assert kept(gallery) == {"picture", "thumb"}
        with pytest.raises(UploadRefused) as gone:
            lifecycle.load(forgotten)
        assert gone.value.code == "picture_gone"


def test_claiming(small_world: World) -> None:
    """Only the owner's own pictures that were not refused, and four at most, become a tweet's."""
    ana, ben = small_world.user("ana"), small_world.user("ben")
    with small_world.rows():
        ids = [taken(small_world, ana) for _ in range(5)]
        whole = photos.file_of(photos.noisy(300, 300))
        refused_id = taken(small_world, ana, whole[: len(whole) // 2])
        lifecycle.process(refused_id)
        with pytest.raises(UnknownPicture):
            Picture.claim(ben, ids[:1])
        db.session.rollback()
        with pytest.raises(UnknownPicture):
            Picture.claim(ana, [refused_id])
        db.session.rollback()
        with pytest.raises(UnknownPicture):
            Picture.claim(ana, [ids[0], "no such picture"])
        db.session.rollback()
        with pytest.raises(TooManyPictures):
            Picture.claim(ana, ids)
        assert not any(row(picture_id).claimed for picture_id in ids)
        Picture.claim(ana, ids[:4])
        Picture.claim(ana, [])
        db.session.commit()
        assert [row(picture_id).claimed for picture_id in ids] == [True] * 4 + [False]


def test_discarding(gallery: World) -> None:
    """A picture is forgotten at once, unless a tweet has it."""
    owner = gallery.user("ana")
    with gallery.rows():
        picture_id, claimed_id = taken(gallery, owner), taken(gallery, owner)
        Picture.claim(owner, [claimed_id])
        db.session.commit()
        assert pictures.discard(row(picture_id))
        assert not pictures.discard(row(claimed_id))
        assert db.session.scalars(db.select(Picture.id)).all() == [claimed_id]


def test_discarded_while_it_is_made(small_world: World) -> None:
    """What a worker makes after its owner took it back does not stay."""
    owner = small_world.user("ana")

    def work() -> None:
        with small_world.rows():
            lifecycle.process(picture_id)

    with small_world.rows():
        picture_id = taken(small_world, owner, photos.bomb(6000, 6000))
        worker = threading.Thread(target=work)
        worker.start()
        wait_for(lambda: row(picture_id).tries == 1, what="the worker's beginning")
        db.session.commit()
        assert pictures.discard(row(picture_id))
        worker.join(20)
        assert kept(small_world) == set()


def test_waiting_for_the_turn_is_no_try(small_world: World) -> None:
    """A picture that waits while others are made is not begun with, so its lease cannot end."""
    owner = small_world.user("ana")

    def work() -> None:
        with small_world.rows():
            lifecycle.process(picture_id)

    with small_world.rows():
        picture_id, done = taken(small_world, owner), threading.Event()
        worker = threading.Thread(target=lambda: (work(), done.set()))
        with turns.turn():
            worker.start()
            assert not done.wait(0.5)
            assert row(picture_id).tries == 0
            db.session.commit()
        worker.join(20)
        assert row(picture_id).state == PictureState.READY


def test_place_of_the_bytes_is_away(make_world: MakeWorld, sqlite_url: str, tmp_path: Path) -> None:
    """While the place does not answer, nothing new is taken and nothing old is refused."""
    world = make_world(sqlite_url, MEDIA_URL=f"file://{tmp_path}/media/deep")
    media, elsewhere = tmp_path / "media", tmp_path / "elsewhere"
    owner = world.user("ana")
    with world.rows():
        picture_id = taken(world, owner)
        media.rename(elsewhere)
        media.write_text("no folder any more")
        with pytest.raises(pictures.FilesAway):
            taken(world, owner)
        assert db.session.scalars(db.select(Picture.id)).all() == [picture_id]
        for _ in range(5):
            change(picture_id, next_at=from_now(-1))
            lifecycle.process(picture_id)
        assert row(picture_id).state == PictureState.PROCESSING
        begun = time.monotonic()
        with pytest.raises(LookUpFailed):
            lifecycle.load(picture_id)
        assert time.monotonic() - begun < lifecycle.MAX_LOAD_SECONDS / 2
        media.unlink()
        elsewhere.rename(media)
        assert lifecycle.load(picture_id).mime == "image/jpeg"
        media.rename(elsewhere)
        media.write_text("no folder any more")
        with pytest.raises(LookUpFailed):
            lifecycle.load(picture_id)


@pytest.mark.parametrize("redis_is_away", [False, True])
def test_a_running_worker_makes_pictures(small_world: World, redis_is_away: bool) -> None:
    """At a wake-up, and with Redis away all the same."""
    owner = small_world.user("ana")
    small_world.start_worker()
    with small_world.rows():
        if redis_is_away:
            small_world.valkey.stop()
        try:
            picture_id = taken(small_world, owner)
            wait_for(lambda: row(picture_id).state == PictureState.READY, what="a ready picture")
        finally:
            if redis_is_away:
                small_world.valkey.start()
