"""What happens to drafts: begun, replaced, ended, made from a tweet that waits.

Each is one transaction. A change names the versions that its writer has seen, and the database
compares: of two at the same time one wins, and the other one is told what is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from app import pictures
from app.db import db, rollback_quietly, rows_changed, utcnow
from app.models import (
    RESTORED,
    Account,
    AlreadyBeingSent,
    Delivery,
    Draft,
    Picture,
    StoredPart,
    Tweet,
    UnknownAccount,
    draft,
    submissions,
    transitions,
)
from app.states import State

KEYS = "draft"
"""Whose idempotency keys these are."""
Written = dict[str, Any]
"""What a draft keeps, see ``Draft.written``."""


class TooManyDrafts(ValueError):
    """A person has as many drafts as one may have; ``limit`` says how many."""

    def __init__(self) -> None:
        super().__init__(f"there are {draft.MAX_DRAFTS} drafts already")
        self.limit = draft.MAX_DRAFTS


class DraftGone(LookupError):
    """The draft is not there any more, or says something else by now. Nothing was changed."""


def begin(user_id: int, written: Written, submit_id: str | None = None) -> Draft:
    """Store a draft and return it; the same ``submit_id`` again returns the one that is stored.

    :raises SubmitIdReused: the id came with something else before, or its draft is gone.
    :raises TooManyDrafts: and UnknownAccount, UnknownPicture, TooManyPictures.
    """
    made_from = submissions.digest_of(written)
    if known := _known(user_id, submit_id, made_from):
        return known
    _refuse_strangers(user_id, written)
    try:
        return _stored(user_id, written, submit_id, made_from)
    except IntegrityError:  # the same request at the same time was quicker
        db.session.rollback()
        if known := _known(user_id, submit_id, made_from):
            return known
        raise
    except BaseException:
        rollback_quietly()
        raise


def replace(row: Draft, versions: Iterable[int] | None, written: Written) -> bool:
    """Replace all that a draft says; False, and nothing is changed, when it is another version.

    :param versions: those that its writer has seen; None for whatever it is.
    :raises UnknownAccount: and UnknownPicture, TooManyPictures; nothing is changed.
    """
    user_id, draft_id, before = row.user_id, row.id, row.written
    _refuse_strangers(user_id, written, before)
    values = {"version": Draft.version + 1, "written": written, "updated_at": utcnow()}
    mine = _mine(user_id, draft_id, versions)
    try:
        changed = rows_changed(update(Draft).where(*mine).values(values))
        if changed:
            had = _names(before)
            for picture_ids in draft.pictures_of(written):
                Picture.claim(user_id, picture_ids, known=had)
            _let_go(had - _names(written))
            db.session.commit()
        else:
            db.session.rollback()
    except BaseException:
        rollback_quietly()
        raise
    return bool(changed)


def discard(row: Draft) -> None:
    """Delete a draft, whatever its version; its pictures go with it if nothing else has them."""
    end(row.user_id, row.id)
    db.session.commit()


def end(user_id: int, draft_id: int, version: int | None = None) -> bool:
    """Take a draft away, as it is now something else; commits nothing.

    :param version: only while it says what its writer has seen: what was changed elsewhere stays.
    :returns: whether it was there.
    """
    mine = _mine(user_id, draft_id, None if version is None else [version])
    gone = db.session.execute(
        delete(Draft).where(*mine).returning(Draft.written, Draft.submit_id),
        execution_options={"synchronize_session": False},
    ).all()
    submissions.spend(user_id, KEYS, [one.submit_id for one in gone])
    for one in gone:
        _let_go(_names(one.written))
    return bool(gone)


def end_for_good(user_id: int, draft_id: int, version: int) -> None:
    """Take a draft away in the transaction that stores its tweet.

    :raises DraftGone: it is not there as it was read: the tweet must not be stored.
    """
    if not end(user_id, draft_id, version):
        raise DraftGone


def from_tweet(tweet: Tweet, zone: ZoneInfo, submit_id: str | None = None) -> Draft:
    """Cancel a tweet of which nothing is out, and store it as a draft: both or neither.

    What a network has refused for certain is not out; it is cancelled, too, so that nobody tries
    it again beside the draft. Its attempts stay in the record.

    :param zone: in which its time is written, if that is still to come.
    :raises AlreadyBeingSent: some of it is being sent, is out, or may be out; or all was cancelled.
    :raises TooManyDrafts: nothing was changed; the same for SubmitIdReused.
    """
    made_from = f"tweet {tweet.id}"
    if known := _known(tweet.user_id, submit_id, made_from):
        return known
    meant = [one for one in tweet.deliveries if one.state != State.CANCELLED]
    written = _of_tweet(tweet, meant, zone)
    try:
        untouched = (
            Delivery.resends == 0,
            func.json_array_length(Delivery.posted) == 0,
            Delivery.error_code.is_distinct_from(RESTORED),
        )
        taken_back = transitions.make_draft(Delivery.tweet_id == tweet.id, *untouched)
        if not meant or rows_changed(taken_back) != len(meant):
            raise AlreadyBeingSent
        return _stored(tweet.user_id, written, submit_id, made_from, _names(written))
    except BaseException:
        rollback_quietly()
        raise


def _of_tweet(tweet: Tweet, meant: Sequence[Delivery], zone: ZoneInfo) -> Written:
    shared = tweet.parts or [{"text": tweet.text, "pictures": []}]
    is_to_come = tweet.due_at > utcnow()
    own = {str(one.account_id): _relative(one.parts, shared) for one in meant if one.parts}
    return {
        "parts": shared,
        "variants": own,
        "accounts": [one.account_id for one in meant],
        "options": {str(one.account_id): one.options for one in meant if one.options},
        "when": f"{tweet.due_at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if is_to_come else "",
        "timezone": zone.key,
        # The texts are as they were, with their signatures.
        **({"signature": "none"} if any(one.account.signature_id for one in meant) else {}),
    }


def _relative(own: list[StoredPart], shared: Sequence[StoredPart]) -> list[StoredPart]:
    """Return a variant that shows the shared pictures as one that goes on showing them."""
    theirs = [part["pictures"] for part in shared]
    pictures_at = [theirs[number] if number < len(theirs) else [] for number in range(len(own))]
    if [part["pictures"] for part in own] != pictures_at:
        return own
    return [{**part, "pictures": None} for part in own]


def _stored(
    user_id: int,
    written: Written,
    submit_id: str | None,
    made_from: str | None,
    known: Collection[str] = (),
) -> Draft:
    """Insert a draft with its pictures, and commit.

    :param known: pictures that its tweet has already.
    """
    counted = select(func.count()).select_from(Draft).where(Draft.user_id == user_id)
    if (db.session.scalar(counted) or 0) >= draft.MAX_DRAFTS:
        raise TooManyDrafts
    row = Draft(user_id=user_id, written=written, submit_id=submit_id, made_from=made_from)
    db.session.add(row)
    db.session.flush()  # on SQLite a transaction begins with what it writes
    for picture_ids in draft.pictures_of(written):
        Picture.claim(user_id, picture_ids, known=known)
    db.session.commit()
    return row


def _known(user_id: int, submit_id: str | None, made_from: str) -> Draft | None:
    submissions.refuse_spent(user_id, KEYS, submit_id)
    known = draft.submitted(user_id, submit_id)
    if known is not None:
        submissions.refuse_others(known.made_from, made_from)
    return known


def _mine(user_id: int, draft_id: int, versions: Iterable[int] | None) -> list[ColumnElement[bool]]:
    mine = [Draft.id == draft_id, Draft.user_id == user_id]
    return mine if versions is None else [*mine, Draft.version.in_(list(versions))]


def _refuse_strangers(user_id: int, written: Written, before: Written | None = None) -> None:
    """Refuse accounts that are not the person's, now or before; raises UnknownAccount."""
    named = _accounts(written) - _accounts(before or {})
    mine = select(Account.id).where(Account.user_id == user_id, Account.id.in_(named))
    if named and set(db.session.scalars(mine)) != named:
        raise UnknownAccount


def _accounts(written: Written) -> set[int]:
    chosen = written.get("accounts") or []
    own = map(int, written.get("variants") or {})
    return {*own, *(chosen if isinstance(chosen, list) else ())}


def _let_go(picture_ids: set[str]) -> None:
    """Have the sweep look soon whether anything still shows these pictures."""
    pictures.look_again_soon([[{"pictures": sorted(picture_ids)}]])


def _names(written: Written) -> set[str]:
    return {name for names in draft.pictures_of(written) for name in names}
