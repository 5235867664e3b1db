"""The life of a picture: stored, re-encoded by a worker, read by deliveries, deleted.

As with deliveries, the row is the truth. A wake-up notifies a worker; if it is lost, a worker finds
the row when its next_at has passed.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Row, func, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from app import broker
from app.db import BuiltStatement, commit_and_keep, db, from_now, retry_transient
from app.kinds import PROCESS_PICTURES
from app.models import Picture, PictureState, User, quota
from app.networks import LookUpFailed, UploadRefused, base
from app.pictures import retention, storage
from app.pictures.encoding import Made, make
from app.pictures.fair_queue import LastTurns, turns
from app.pictures.fitting import fitted
from app.pictures.inspection import PictureRefused, look_at
from app.pictures.retention import KEPT_FOR, change, drop_row, forget_files
from app.pictures.storage import FileMissing, FilesAway

log = logging.getLogger(__name__)

PICTURE_LEASE_SECONDS = 30.0
"""Seconds after which another worker may start on a picture that a worker has started on, or whose
bytes are still being stored."""
PAUSE = 10.0
"""Seconds until the next try when the storage did not answer."""
MAX_TRIES = 3
MAX_LOAD_SECONDS = 10.0
"""Seconds that a delivery waits for a picture that another worker is making."""
SOON = 60.0
"""Seconds before its due time from which a tweet's pictures are made before others."""
FAR = 2**62
"""A moment later than any other."""
AT_A_TIME = 20
"""Pictures that one sweep makes at most."""
MAX_UNCLAIMED = 60
"""Pictures of one person that belong to no tweet (yet)."""


def accept(user: User, data: bytes, filename: str, picture_id: str | None = None) -> Picture:
    """Store what somebody sent and wake a worker to make a picture of it.

    :param filename: only named in a refusal.
    :param picture_id: an id chosen by the caller; a file sent twice with it is stored once.
    :raises PictureRefused: the inspection shows that it cannot be used, or its owner has no space
        left (``quota``); nothing was stored.
    :raises FilesAway: the storage does not answer; nothing was stored.
    """
    try:
        look = look_at(data)
    except PictureRefused as refusal:
        refusal.name = filename
        raise
    if picture_id and (known := db.session.get(Picture, picture_id)):
        return known
    if _unclaimed_of(user) >= MAX_UNCLAIMED:
        raise PictureRefused("too_many_waiting")
    if not quota.has_room_for(user.id, len(data)):
        db.session.rollback()
        raise PictureRefused("quota", filename)
    picture = Picture(
        id=picture_id,
        user_id=user.id,
        mime=look.mime,
        width=look.width,
        height=look.height,
        size=len(data),
        next_at=from_now(PICTURE_LEASE_SECONDS),
    )
    db.session.add(picture)
    try:
        commit_and_keep()
    except IntegrityError:  # the same file was sent twice at the same time
        db.session.rollback()
        return db.session.get_one(Picture, picture_id)
    try:
        storage.put(storage.original(picture.id), data)
    except FilesAway as error:
        log.warning("pictures cannot be stored: %s", error)
        drop_row(picture.id)
        raise
    _postpone(picture.id, 0)  # from now on any worker may take it
    broker.notify([broker.WakeUp(PROCESS_PICTURES, [picture.id])])
    return picture


def process(picture_id: str, *, is_due: bool = False) -> bool:
    """Make a clean picture, unless another worker has started on it. May be repeated.

    Return False when the storage does not answer.

    :param is_due: a tweet that is due waits for it.
    """
    person = db.session.scalar(select(Picture.user_id).where(Picture.id == picture_id))
    db.session.commit()
    with turns.turn(person or 0, is_due=is_due):  # wait first: the lease should cover only the work
        tries = _begin(picture_id)
        return tries is None or _make(picture_id, tries)


def process_next() -> bool:
    """Make the next picture; False when there is none, or when its bytes cannot be read.

    Pictures of due tweets come first. For the others, people take turns, so that fifty pictures of
    one person do not delay a single one of another. Each person's pictures are ordered by when
    they are needed, then by age.
    """
    with turns.turn():  # choose the next one only when it can start at once
        while row := _next():
            tries = _begin(row.id)
            if tries is not None:  # else another worker was quicker
                _last_made.had_one(row.user_id)
                return _make(row.id, tries)
    return False


_last_made = LastTurns()


def _make(picture_id: str, tries: int) -> bool:
    """Make a picture that this worker has taken; False when the storage does not answer."""
    try:
        _keep(picture_id, make(storage.get(storage.original(picture_id))))
    except PictureRefused as refusal:
        _finish(picture_id, state=PictureState.REFUSED, error_code=refusal.code)
        forget_files(storage.original(picture_id))
    except FileMissing:
        if tries >= MAX_TRIES:
            _finish(picture_id, state=PictureState.REFUSED, error_code="picture_gone")
    except FilesAway as error:
        log.warning("pictures cannot be read or stored: %s", error)
        _postpone(picture_id, PAUSE, since=tries)
        return False
    return True


def load(picture_id: str) -> base.Picture:
    """Return a clean picture for a delivery, making it first if no worker has.

    :raises UploadRefused: it was refused or is gone; the code says why.
    :raises LookUpFailed: its bytes cannot be read now; try again later.
    """
    gives_up = time.monotonic() + MAX_LOAD_SECONDS
    while (row := _row(picture_id)).state == PictureState.PROCESSING:
        if time.monotonic() > gives_up:
            raise LookUpFailed("the picture is still being processed")
        if not process(picture_id, is_due=True):
            raise LookUpFailed("the place of the pictures does not answer")
        time.sleep(0.05 if row.tries == 0 else 0.5)
    if row.state != PictureState.READY:
        raise UploadRefused(row.error_code or "picture_gone")
    try:
        data = storage.get(storage.clean(picture_id))
    except FileMissing as error:
        raise UploadRefused("picture_gone") from error
    except FilesAway as error:
        raise LookUpFailed(str(error)) from error
    return base.Picture(data, row.mime, row.alt, row.width, row.height)


def load_fitted(picture_id: str, limits: base.Limits) -> base.Picture:
    """Return a clean picture for a delivery, as its network takes it.

    :raises UploadRefused: and LookUpFailed, as ``load`` and ``fitted``.
    """
    picture = load(picture_id)
    person = db.session.scalar(select(Picture.user_id).where(Picture.id == picture_id))
    db.session.commit()
    return fitted(picture, limits, person or 0)


def thumb(picture_id: str) -> bytes:
    """Return a small WebP of a picture that is ready.

    :raises FileMissing: there is none (yet).
    :raises FilesAway: the storage does not answer.
    """
    return storage.get(storage.thumbnail(picture_id))


def sweep() -> None:
    """Make pictures whose worker was lost, and delete those that nobody needs.

    Any number of workers may call it at once. It may take seconds, so the scheduler's thread must
    not call it.
    """
    for _ in range(AT_A_TIME):
        if not process_next():
            break
    retention.sweep()


def _unclaimed_of(user: User) -> int:
    kept = (~Picture.claimed, Picture.state != PictureState.REFUSED)
    query = select(func.count()).where(Picture.user_id == user.id, *kept)
    return db.session.scalar(query) or 0


def _next() -> Row[Any] | None:
    """Return the id and user_id of the picture to make next."""
    return min(_firsts().read({}), key=_order, default=None)


@cache
def _firsts() -> BuiltStatement:
    """Return the query for the picture of each person that comes next."""
    is_due = func.coalesce(Picture.needed_at, from_now(SOON + 1)) <= from_now(SOON)
    place = func.row_number().over(
        partition_by=Picture.user_id,
        order_by=(func.coalesce(Picture.needed_at, FAR), Picture.created_at),
    )
    waiting = (
        select(Picture.id, Picture.user_id, Picture.created_at, is_due.label("is_due"))
        .add_columns(place.label("place"))
        .where(text("pictures.state = 'processing'"), Picture.next_at <= from_now())
        .subquery()
    )
    return BuiltStatement(select(waiting).where(waiting.c.place == 1))


def _order(row: Row[Any]) -> tuple[bool, int, datetime]:
    return not row.is_due, _last_made.of(row.user_id), row.created_at


def _begin(picture_id: str) -> int | None:
    """Take a lease on a picture; return the number of this try, None if it is not available."""
    free = or_(Picture.tries == 0, Picture.next_at <= from_now())
    taken = (
        update(Picture)
        .where(Picture.id == picture_id, Picture.state == PictureState.PROCESSING, free)
        .values(tries=Picture.tries + 1, next_at=from_now(PICTURE_LEASE_SECONDS))
        .returning(Picture.tries)
    )

    def take() -> int | None:
        tries = db.session.scalar(taken, execution_options={"synchronize_session": False})
        db.session.commit()
        return tries

    tries = retry_transient(take)
    if tries is not None and tries > MAX_TRIES:  # every worker that tried it was lost
        _finish(picture_id, state=PictureState.REFUSED, error_code="picture_broken")
        forget_files(storage.original(picture_id))
        return None
    return tries


def _keep(picture_id: str, made: Made) -> None:
    """Store the result; remove it again if the picture was discarded in the meantime."""
    storage.put(storage.clean(picture_id), made.data)
    storage.put(storage.thumbnail(picture_id), made.thumb)
    is_kept = _finish(
        picture_id,
        state=PictureState.READY,
        next_at=from_now(KEPT_FOR),
        mime=made.mime,
        width=made.width,
        height=made.height,
        size=len(made.data),
        thumb_size=len(made.thumb),
    )
    if is_kept:
        forget_files(storage.original(picture_id))
    elif db.session.get(Picture, picture_id) is None:
        forget_files(*storage.keys_of(picture_id))


def _finish(picture_id: str, **values: Any) -> bool:
    """Write the end of the processing, once."""
    unfinished = (Picture.id == picture_id, Picture.state == PictureState.PROCESSING)
    return retry_transient(lambda: change(*unfinished, **{"next_at": None, **values}))


def _postpone(picture_id: str, seconds: float, since: int = 0) -> None:
    """Allow a new try after some seconds, unless one began after try number ``since``.

    Try ``since`` does not count, because the picture did not cause its failure.
    """
    untouched = (Picture.state == PictureState.PROCESSING, Picture.tries == since)
    change(Picture.id == picture_id, *untouched, next_at=from_now(seconds), tries=max(0, since - 1))


def _row(picture_id: str) -> Picture:
    """Return the row as it is now; ends the transaction.

    :raises UploadRefused: there is none.
    """
    row = db.session.get(Picture, picture_id, populate_existing=True)
    if row is None:
        raise UploadRefused("picture_gone")
    commit_and_keep()
    return row
