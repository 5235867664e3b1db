"""Presets: what a person keeps under a name, to pick it while writing.

A selection ticks some of their accounts. A signature is added to the end of what is published. A
set of hashtags is put into the text. All three are a name with a few words or accounts, listed and
picked in the same way, so they share a table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import cache

from sqlalchemy import JSON, ForeignKey, UniqueConstraint, bindparam
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db, utcnow
from app.models.account import Account
from app.models.attached import AttachedQuery
from app.models.content import Draft, StoredPart

MAX_PRESETS = 50
"""Of one person and kind."""
MAX_PRESET_NAME = 60
MAX_PRESET_TEXT = 500
"""Characters of a signature, or of all hashtags of a set."""
BEFORE_SIGNATURE = "\n\n"
"""Between what was written and its signature."""


class PresetKind(StrEnum):
    """What a preset is for."""

    SELECTION = "selection"
    SIGNATURE = "signature"
    HASHTAGS = "hashtag_set"


class Preset(db.Model):  # type: ignore[name-defined,misc]
    """One selection, signature or set of hashtags."""

    __tablename__ = "presets"
    __table_args__ = (
        UniqueConstraint("user_id", "kind", "name_key", name="presets_name"),
        UniqueConstraint("user_id", "kind", "submit_id", name="presets_submit_id"),
        # An account that still names a signature which is gone must not get another one.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    """A PresetKind."""
    name: Mapped[str]
    name_key: Mapped[str]
    """The name without upper case: no two of a kind have the same."""
    text: Mapped[str] = mapped_column(default="")
    """A signature, or hashtags with spaces between them; "" for a selection."""
    account_ids: Mapped[list[int]] = mapped_column(JSON, default=list)
    """Of a selection; among them those that were disconnected since. Which accounts have a
    signature by default, the accounts say: ``Account.signature_id``."""
    submit_id: Mapped[str | None]
    """Chosen by the client; a second request with the same id makes no second preset."""
    made_from: Mapped[str | None]
    """A digest of what came with that id: something else under the same id is refused."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)


def own(user_id: int, kind: PresetKind, preset_id: int) -> Preset | None:
    """Return a person's own preset of a kind; somebody else's does not exist."""
    mine = (Preset.id == preset_id, Preset.user_id == user_id, Preset.kind == kind)
    return db.session.scalar(db.select(Preset).where(*mine))


def listed(user_id: int, kind: PresetKind, before: int | None, most: int) -> list[Preset]:
    """Return a person's presets of a kind, the newest first.

    :param before: only those with smaller ids than this.
    """
    mine = [Preset.user_id == user_id, Preset.kind == kind]
    mine += [] if before is None else [Preset.id < before]
    newest_first = db.select(Preset).where(*mine).order_by(Preset.id.desc())
    return list(db.session.scalars(newest_first.limit(most)))


def all_of(user_id: int) -> dict[str, list[Preset]]:
    """Return all presets of a person by kind, each in the order of the names."""
    found: dict[str, list[Preset]] = {kind.value: [] for kind in PresetKind}
    for one in _all_of().objects(user_id=user_id):
        found[one.kind].append(one)
    return found


@cache
def _all_of() -> AttachedQuery[Preset]:
    mine = Preset.user_id == bindparam("user_id")
    return AttachedQuery(Preset, lambda query: query.where(mine).order_by(Preset.name_key))


def submitted(user_id: int, kind: PresetKind, submit_id: str | None) -> Preset | None:
    """Return the preset that a person has made with this submit id; None for no id."""
    mine = (Preset.user_id == user_id, Preset.kind == kind, Preset.submit_id == submit_id)
    return None if submit_id is None else db.session.scalar(db.select(Preset).where(*mine))


def signatures(user_id: int, preset_ids: Collection[int]) -> dict[int, str]:
    """Return the texts of these signatures of a person by id; those that are gone are left out."""
    columns = (Preset.id, Preset.text)
    mine = (Preset.user_id == user_id, Preset.kind == PresetKind.SIGNATURE)
    rows = db.session.execute(db.select(*columns).where(*mine, Preset.id.in_(preset_ids)))
    return {row.id: row.text for row in rows}


def usual_signatures(user_id: int, accounts: Sequence[Account]) -> dict[int, str]:
    """Return what is added for each of these accounts by default, "" for nothing, by their ids.

    The database is asked only where an account has a signature.
    """
    named = {one.signature_id for one in accounts if one.signature_id is not None}
    texts = signatures(user_id, named) if named else {}
    return {one.id: texts.get(one.signature_id or 0, "") for one in accounts}


def signed(draft: Draft, words: Mapping[int, str]) -> Draft:
    """Return a draft with the signature of each account at the end of its last part.

    Accounts that share the text share it with its signature, too, where they have the same one;
    else those with one get a text of their own. What ends with its signature already stays as it
    is, so that a draft which was a tweet before is not signed twice.

    :param words: the signature of every account of the tweet, "" for none, by account id.
    """
    shared = draft.parts or [{"text": draft.text, "pictures": []}]
    variants = {key: _signed(own, words.get(key, "")) for key, own in draft.variants.items()}
    sharing = {key: text for key, text in words.items() if key not in variants}
    if len(set(sharing.values())) == 1:
        shared = _signed(shared, next(iter(sharing.values())))
    else:
        variants |= {key: _signed(shared, text) for key, text in sharing.items() if text}
    parts = shared if draft.parts else []
    return replace(draft, text=shared[0]["text"], parts=parts, variants=variants)


def _signed(parts: Sequence[StoredPart], words: str) -> list[StoredPart]:
    last = parts[-1]
    if not words or last["text"].endswith(words):
        return list(parts)
    text = f"{last['text']}{BEFORE_SIGNATURE}{words}" if last["text"] else words
    return [*parts[:-1], {**last, "text": text}]
