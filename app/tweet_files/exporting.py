"""All that somebody has, as files: JSON, CSV, or both with the pictures in a zip.

Rows are read a few hundred at a time, each batch in a short transaction of its own. So a file of
any size takes the same memory, and a reader who is slow, or goes away, holds nothing in the
database.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.db import db
from app.models import (
    Account,
    Delivery,
    Picture,
    PictureState,
    Tweet,
    User,
    draft,
    pool,
    preset,
    series,
    slot,
)
from app.pictures import FileMissing, FilesAway, storage
from app.tweet_files.checking import WITH_ID
from app.tweet_files.reading import COLUMNS

Names = Mapping[int, str]
"""How a file names accounts, by their ids."""
AT_A_TIME = 200
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}


def as_json(user_id: int) -> Iterator[bytes]:
    """Return the pieces of the JSON file of somebody's accounts and tweets, and what they plan."""
    person = json.dumps(_person(user_id), ensure_ascii=False)
    yield f'{{"person": {person}, "tweets": ['.encode()
    separator = "\n"
    for tweets in _tweets(user_id):
        rows = [json.dumps(tweet, ensure_ascii=False) for tweet in tweets]
        yield (separator + ",\n".join(rows)).encode("utf-8", "replace")
        separator = ",\n"
    yield b"\n]"
    names = _names_of_accounts(user_id)
    for key, listed, plain in PLANNED:
        found = [row for batch in _listed(user_id, listed, plain, names) for row in batch]
        yield f',\n"{key}": {json.dumps(found, ensure_ascii=False)}'.encode("utf-8", "replace")
    yield b"}\n"


def as_csv(user_id: int) -> Iterator[bytes]:
    """Return the pieces of the CSV file of somebody's tweets; a thread is one text there."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for tweets in _tweets(user_id):
        writer.writerows(_cells(tweet) for tweet in tweets)
        yield file.getvalue().encode("utf-8", "replace")
        file.seek(0)
        file.truncate()
    yield file.getvalue().encode()


def as_zip(user_id: int) -> Iterator[bytes]:
    """Return the pieces of a zip with both files, and the pictures that are still kept.

    A picture that cannot be read now is left out, and named in ``missing.txt``.
    """
    room = _Room()
    with zipfile.ZipFile(room, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pieces in (("tweets.json", as_json), ("tweets.csv", as_csv)):
            with archive.open(name, "w", force_zip64=True) as file:
                for piece in pieces(user_id):
                    file.write(piece)
                    yield room.taken()
        missing = []
        for name, data in _pictures(user_id):
            if data is None:
                missing.append(name)
                continue
            archive.writestr(f"pictures/{name}", data, zipfile.ZIP_STORED)
            yield room.taken()
        if missing:
            archive.writestr("missing.txt", "\n".join(missing) + "\n")
    yield room.taken()


class _Room(io.RawIOBase):
    """Where a zip is written to, and taken from piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _person(user_id: int) -> dict[str, Any]:
    user = db.session.get_one(User, user_id)
    accounts = select(Account).where(Account.user_id == user_id).order_by(Account.id)
    person = {
        "timezone": user.timezone,
        "locale": user.locale,
        "late_tolerance": user.late_tolerance,
        "hobbies": user.hobbies,
        "created_at": _iso(user.created_at),
        "accounts": [
            {
                "account": name_of(one),
                "display_name": one.display_name,
                "connected": one.connected,
                "signature": one.signature_id,
                "slots": [
                    {"weekday": day, "time": f"{wall:%H:%M}"} for day, wall in slot.weekly(one)
                ],
                "created_at": _iso(one.created_at),
            }
            for one in db.session.scalars(accounts)
        ],
    }
    db.session.rollback()
    return person


def _tweets(user_id: int) -> Iterator[list[dict[str, Any]]]:
    """Return somebody's tweets in batches, the oldest first."""
    after = 0
    while True:
        query = (
            select(Tweet)
            .where(Tweet.user_id == user_id, Tweet.id > after)
            .order_by(Tweet.id)
            .limit(AT_A_TIME)
            .options(selectinload(Tweet.deliveries))
        )
        tweets = db.session.scalars(query).all()
        if not tweets:
            db.session.rollback()
            return
        after = tweets[-1].id
        rows = [_row(tweet) for tweet in tweets]
        db.session.rollback()
        db.session.expunge_all()
        yield rows


def _names_of_accounts(user_id: int) -> Names:
    """Return how a file names each account of somebody, also one that is not connected."""
    mine = db.session.scalars(select(Account).where(Account.user_id == user_id))
    names = {account.id: name_of(account) for account in mine}
    db.session.rollback()
    return names


def _listed(
    user_id: int,
    listed: Callable[[int, int | None, int], list[Any]],
    plain: Callable[[Any, Names], dict[str, Any]],
    names: Names,
) -> Iterator[list[dict[str, Any]]]:
    """Return all of something in batches, the newest first."""
    before: int | None = None
    while found := listed(user_id, before, AT_A_TIME):
        before = found[-1].id
        rows = [plain(row, names) for row in found]
        db.session.rollback()
        db.session.expunge_all()
        yield rows
    db.session.rollback()


def _by_name(by_id: Mapping[Any, Any], names: Names) -> dict[str, Any]:
    return {names[int(key)]: value for key, value in by_id.items() if int(key) in names}


def _series(row: series.Series, names: Names) -> dict[str, Any]:
    return {
        "id": row.id,
        "rrule": row.rrule,
        "start": row.start,
        "timezone": row.timezone,
        "parts": row.parts,
        "variants": _by_name(row.contents["variants"], names),
        "options": _by_name(row.contents["options"], names),
        "accounts": [names[one] for one in row.account_ids if one in names],
    }


def _draft(row: draft.Draft, names: Names) -> dict[str, Any]:
    return {
        "id": row.id,
        "parts": row.parts,
        "variants": _by_name(row.variants, names),
        "options": _by_name(row.options, names),
        "accounts": [names[one] for one in row.accounts if one in names],
        "when": row.when,
        "timezone": row.timezone,
        "updated_at": _iso(row.updated_at),
    }


def _pool(row: pool.Pool, names: Names) -> dict[str, Any]:
    return {
        "id": row.id,
        "account": names.get(row.account_id),
        "rest_s": row.rest_s,
        "tweets": [{"text": one.text, "pictures": one.pictures or []} for one in row.tweets],
    }


def _selection(row: preset.Preset, names: Names) -> dict[str, Any]:
    accounts = [names[one] for one in row.account_ids if one in names]
    return {"id": row.id, "name": row.name, "accounts": accounts}


def _words(row: preset.Preset, _names: Names) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "text": row.text}


def _presets(kind: preset.PresetKind) -> Callable[..., list[Any]]:
    return lambda user_id, before, most: preset.listed(user_id, kind, before, most)


PLANNED: Sequence[tuple[str, Callable[..., list[Any]], Callable[..., dict[str, Any]]]] = (
    ("series", series.listed, _series),
    ("drafts", draft.listed, _draft),
    ("pools", pool.listed, _pool),
    ("selections", _presets(preset.PresetKind.SELECTION), _selection),
    ("signatures", _presets(preset.PresetKind.SIGNATURE), _words),
    ("hashtag_sets", _presets(preset.PresetKind.HASHTAGS), _words),
)
"""What else somebody has: its key in the file, what lists it, and what a row of it says."""


def _row(tweet: Tweet) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": id_of(tweet),
        "text": tweet.text,
        "when": _iso(tweet.due_at),
        "accounts": [name_of(job.account) for job in tweet.deliveries],
    }
    if len(tweet.parts) > 1:
        row["parts"] = tweet.parts
    elif tweet.parts and tweet.parts[0]["pictures"]:
        row["pictures"] = tweet.parts[0]["pictures"]
    if own := {name_of(job.account): job.parts for job in tweet.deliveries if job.parts}:
        row["variants"] = own
    if options := {name_of(job.account): job.options for job in tweet.deliveries if job.options}:
        row["options"] = options
    if tweet.series_id is not None:
        row["series"] = tweet.series_id
    row["jobs"] = [_job(job) for job in tweet.deliveries]
    return row


def _job(job: Delivery) -> dict[str, Any]:
    return {
        "account": name_of(job.account),
        "status": job.status,
        "published_at": _iso(job.accepted_at) if job.accepted_at else None,
        "url": job.remote_url,
        "error": job.error_code,
    }


def id_of(tweet: Tweet) -> str:
    """Return the id that a tweet came with in a file, else one that is its own everywhere."""
    if tweet.submit_id and tweet.submit_id.startswith(WITH_ID):
        return tweet.submit_id.removeprefix(WITH_ID)
    return tweet.deliveries[0].id if tweet.deliveries else f"tweet-{tweet.id}"


def name_of(account: Account) -> str:
    """Return how a file names an account."""
    return f"{account.network}:{account.handle}"


def _cells(row: dict[str, Any]) -> list[str]:
    parts = [part["text"] for part in row.get("parts") or ()]
    text = "\n\n".join(parts) or row["text"]
    return [text, row["when"], " ".join(row["accounts"]), row["id"]]


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _pictures(user_id: int) -> Iterator[tuple[str, bytes | None]]:
    """Return the name and the bytes of each picture that is kept, None where they cannot be read.

    Of one whose tweets have ended long ago only the small one is kept.
    """
    for picture_id, mime, state in _picture_rows(user_id):
        is_whole = state == PictureState.READY
        ending = ENDINGS.get(mime, "bin") if is_whole else "small.webp"
        name = f"{picture_id}.{ending}"
        try:
            key = storage.clean(picture_id) if is_whole else storage.thumbnail(picture_id)
            yield name, storage.get(key)
        except (FileMissing, FilesAway):
            yield name, None


def _picture_rows(user_id: int) -> Iterator[Sequence[str]]:
    kept = Picture.state.in_((PictureState.READY, PictureState.PAST))
    after = ""
    while True:
        query = select(Picture.id, Picture.mime, Picture.state).where(
            Picture.user_id == user_id, kept, Picture.id > after
        )
        rows = db.session.execute(query.order_by(Picture.id).limit(AT_A_TIME)).all()
        db.session.rollback()
        if not rows:
            return
        after = rows[-1].id
        for row in rows:
            yield row.id, row.mime, row.state
