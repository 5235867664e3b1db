"""The bytes of pictures, where web and workers both reach them.

In the database, or at ``MEDIA_URL``: any place that fsspec knows, such as ``s3://bucket/prefix``.
"""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import fsspec
from flask import current_app
from sqlalchemy import delete as delete_from
from sqlalchemy.dialects import postgresql, sqlite

from app.db import db, retry_transient
from app.models import PictureFile

log = logging.getLogger(__name__)

TRIAL = "trial"
original = "original/{}".format
clean = "picture/{}".format
thumbnail = "thumb/{}".format
"""The keys of a picture's bytes: the upload and the results."""


class FilesAway(Exception):
    """The storage does not answer. This says nothing about the bytes in it."""


class FileMissing(LookupError):
    """The storage has nothing under this key."""


def keys_of(picture_id: str) -> tuple[str, ...]:
    """Return all keys of a picture."""
    return original(picture_id), clean(picture_id), thumbnail(picture_id)


def put(key: str, data: bytes) -> None:
    """Store bytes under a key and replace older ones. Commits.

    :raises FilesAway: the bytes may not have been stored.
    """
    if place := _place():
        with _away():
            place.put(key, data)
    else:
        retry_transient(lambda: _put_row(key, data))


def get(key: str) -> bytes:
    """Return what is kept under a key; ends the transaction.

    :raises FileMissing: nothing is.
    :raises FilesAway: the storage does not answer.
    """
    if place := _place():
        with _away():
            return place.get(key)
    data = db.session.scalar(db.select(PictureFile.data).where(PictureFile.key == key))
    db.session.commit()
    if data is None:
        raise FileMissing(key)
    return data


def delete(keys: Iterable[str]) -> None:
    """Delete the bytes under these keys, if there are any. Commits.

    :raises FilesAway: some may still be there.
    """
    if place := _place():
        with _away():
            for key in keys:
                place.delete(key)
    else:
        db.session.execute(delete_from(PictureFile).where(PictureFile.key.in_(list(keys))))
        db.session.commit()


def try_out() -> None:
    """Log an error if the storage outside the database cannot store anything."""
    try:
        put(TRIAL, b"")
        delete([TRIAL])
    except FilesAway as error:
        log.error("MEDIA_URL names a place where no picture can be kept now: %s", error)


def _put_row(key: str, data: bytes) -> None:
    dialect: Any = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(PictureFile).values(key=key, data=data)
    new = {"data": insert.excluded.data}
    db.session.execute(insert.on_conflict_do_update(index_elements=["key"], set_=new))
    db.session.commit()


class _Place:
    """A folder or bucket outside the database."""

    def __init__(self, url: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(url)
        self._is_folder = "file" in self._files.protocol

    def put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        if not self._is_folder:
            self._files.pipe_file(path, data)
            return
        self._files.makedirs(posixpath.dirname(path), exist_ok=True)
        try:
            self._files.pipe_file(path, data)
        except OSError:  # the disk may be full: leave no partial file
            self.delete(key)
            raise

    def get(self, key: str) -> bytes:
        try:
            return bytes(self._files.cat_file(self._path(key)))
        except FileNotFoundError as error:
            raise FileMissing(key) from error

    def delete(self, key: str) -> None:
        with suppress(FileNotFoundError):
            self._files.rm_file(self._path(key))

    def _path(self, key: str) -> str:
        return posixpath.join(self._root, key)


def _place() -> _Place | None:
    """Return the storage outside the database; created late, because it may own threads."""
    url: str | None = current_app.config.get("MEDIA_URL")
    if url and "picture_place" not in current_app.extensions:
        with _away():
            current_app.extensions["picture_place"] = _Place(url)
    return current_app.extensions["picture_place"] if url else None


@contextmanager
def _away() -> Iterator[None]:
    """Turn each storage's own errors into FilesAway; a missing file is not such an error.

    Commits first: the storage may be slow, so no transaction stays open during the call.
    """
    db.session.commit()
    try:
        yield
    except FileMissing:
        raise
    except Exception as error:
        raise FilesAway(f"{type(error).__name__}: {error}") from error
