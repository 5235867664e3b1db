"""What happens to presets: made, changed, deleted. Each is one transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.db import db, rollback_quietly
from app.models import Account, UnknownAccount, User, preset, submissions
from app.networks import TextProblem
from app.networks import text as texts

_BETWEEN_TAGS = re.compile(r"[\s,;]+")
_TAG = re.compile(r"[#＃]?([^\s#＃,;]+)")


class PresetProblem(ValueError):
    """A preset that cannot be kept; ``code``, ``field`` and ``params`` say why.

    Codes: ``missing``, ``nothing_chosen``, ``too_long`` with ``limit``, ``name_taken`` with
    ``name``, ``bad_hashtag`` with ``tag``, ``quota`` with ``limit``, ``unknown_selection``,
    ``empty_selection`` with ``name`` and ``unknown_signature``.
    """

    def __init__(self, code: str, field: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.field, self.params = code, field, params


class Wanted(NamedTuple):
    """What a preset shall say; None leaves it as it is."""

    name: str | None = None
    text: str | None = None
    accounts: Sequence[int] | None = None
    """The ids of the accounts that a selection ticks, or that have a signature by default."""


def create(
    person: User, kind: preset.PresetKind, wanted: Wanted, submit_id: str | None
) -> preset.Preset:
    """Store a preset and return it; the same ``submit_id`` again returns the one that is stored.

    :raises SubmitIdReused: the id came with something else before, or its preset is deleted.
    :raises PresetProblem: and TextProblem, UnknownAccount: nothing was stored.
    """
    made_from = submissions.digest_of(wanted)
    if known := _known(person.id, kind, submit_id, made_from):
        return known
    row = preset.Preset(user_id=person.id, kind=kind, submit_id=submit_id, made_from=made_from)
    counted = select(func.count()).select_from(preset.Preset)
    mine = (preset.Preset.user_id == person.id, preset.Preset.kind == kind)
    if (db.session.scalar(counted.where(*mine)) or 0) >= preset.MAX_PRESETS:
        raise PresetProblem("quota", "", limit=preset.MAX_PRESETS)
    _write(row, person, wanted._replace(name=wanted.name or "", text=wanted.text or ""))
    db.session.add(row)
    return _stored(row, person, wanted, lambda: _known(person.id, kind, submit_id, made_from))


def change(row: preset.Preset, person: User, wanted: Wanted) -> preset.Preset:
    """Change what is said of a preset and return it; what is None stays.

    :raises PresetProblem: and TextProblem, UnknownAccount: nothing was changed.
    """
    _write(row, person, wanted)
    return _stored(row, person, wanted, lambda: None)


def remove(row: preset.Preset) -> None:
    """Delete a preset. What was published with it, or waits, says what it said."""
    _take_from_accounts(row, ())
    submissions.spend(row.user_id, row.kind, [row.submit_id])
    db.session.delete(row)
    db.session.commit()


def accounts_of(row: preset.Preset, connected: Sequence[Account]) -> list[int]:
    """Return the ids of the accounts of a preset, without those that are not connected any more."""
    if row.kind == preset.PresetKind.SIGNATURE:
        return [one.id for one in connected if one.signature_id == row.id]
    return [one.id for one in connected if one.id in row.account_ids]


def selected(person: User, preset_id: int, field: str) -> list[int]:
    """Return the ids of the connected accounts of a selection, at least one.

    :param field: where a person named it.
    :raises PresetProblem: ``unknown_selection`` or ``empty_selection``.
    """
    row = preset.own(person.id, preset.PresetKind.SELECTION, preset_id)
    if row is None:
        raise PresetProblem("unknown_selection", field)
    found = accounts_of(row, person.accounts)
    if not found:
        raise PresetProblem("empty_selection", field, name=row.name)
    return found


def hashtags(person: User, preset_id: int) -> str:
    """Return the hashtags of a set; "" for one that is gone."""
    row = preset.own(person.id, preset.PresetKind.HASHTAGS, preset_id)
    return row.text if row else ""


def signatures_for(
    person: User, accounts: Sequence[Account], chosen: int | str | None
) -> Mapping[int, str]:
    """Return the signature of each of these accounts, "" for none, by account id.

    :param chosen: the id of one for all of them, "none", or nothing for what each has by default.
    :raises PresetProblem: ``unknown_signature``.
    """
    if not chosen:
        return preset.usual_signatures(person.id, accounts)
    if chosen == "none":
        return {one.id: "" for one in accounts}
    text = preset.signatures(person.id, [int(chosen)]).get(int(chosen))
    if text is None:
        raise PresetProblem("unknown_signature", "signature")
    return {one.id: text for one in accounts}


def _write(row: preset.Preset, person: User, wanted: Wanted) -> None:
    """Give a row what is wanted, checked; writes nothing to the database."""
    kind, mine = preset.PresetKind(row.kind), {one.id for one in person.accounts}
    if wanted.name is not None:
        row.name = _name(wanted.name)
        row.name_key = row.name.casefold()
    if wanted.text is not None and kind is not preset.PresetKind.SELECTION:
        row.text = (
            _hashtags(wanted.text) if kind is preset.PresetKind.HASHTAGS else _text(wanted.text)
        )
    if not mine.issuperset(wanted.accounts or ()):
        raise UnknownAccount
    if kind is preset.PresetKind.SELECTION and (wanted.accounts is not None or row.id is None):
        if not wanted.accounts:
            raise PresetProblem("nothing_chosen", "accounts")
        row.account_ids = sorted(set(wanted.accounts))


def _stored(
    row: preset.Preset, person: User, wanted: Wanted, known: Callable[[], preset.Preset | None]
) -> preset.Preset:
    """Commit a row, and which accounts have it by default; return it, or what was quicker."""
    name = row.name
    try:
        db.session.flush()
        if row.kind == preset.PresetKind.SIGNATURE and wanted.accounts is not None:
            _take_from_accounts(row, wanted.accounts)
            mine = (Account.user_id == person.id, Account.id.in_(wanted.accounts))
            db.session.execute(update(Account).where(*mine).values(signature_id=row.id))
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        if found := known():  # the same request at the same time was quicker
            return found
        raise PresetProblem("name_taken", "name", name=name) from None
    except BaseException:
        rollback_quietly()
        raise
    return row


def _take_from_accounts(row: preset.Preset, but: Collection[int]) -> None:
    """Let accounts have this signature by default no more; commits nothing."""
    has_it = (Account.user_id == row.user_id, Account.signature_id == row.id)
    others = update(Account).where(*has_it, Account.id.not_in(but))
    db.session.execute(others.values(signature_id=None))


def _known(
    user_id: int, kind: preset.PresetKind, submit_id: str | None, made_from: str
) -> preset.Preset | None:
    submissions.refuse_spent(user_id, kind, submit_id)
    found = preset.submitted(user_id, kind, submit_id)
    if found is not None:
        submissions.refuse_others(found.made_from, made_from)
    return found


def _name(typed: str) -> str:
    name = " ".join(_allowed(typed, "name").split())
    if len(name) > preset.MAX_PRESET_NAME:
        raise PresetProblem("too_long", "name", limit=preset.MAX_PRESET_NAME)
    return name


def _text(typed: str) -> str:
    text = _allowed(typed, "text")
    if len(text) > preset.MAX_PRESET_TEXT:
        raise PresetProblem("too_long", "text", limit=preset.MAX_PRESET_TEXT)
    return text


def _hashtags(typed: str) -> str:
    """Return hashtags with a # before each and a space between two, each once."""
    tags: dict[str, str] = {}
    for word in filter(None, _BETWEEN_TAGS.split(_text(typed))):
        found = _TAG.fullmatch(word)
        if found is None or found[1].isdigit():
            raise PresetProblem("bad_hashtag", "text", tag=word)
        tags.setdefault(found[1].casefold(), f"#{found[1]}")
    if not tags:
        raise PresetProblem("missing", "text")
    return " ".join(tags.values())


def _allowed(typed: str, field: str) -> str:
    try:
        return texts.allowed(typed)
    except TextProblem as problem:
        if problem.code == "empty":
            raise PresetProblem("missing", field) from None
        raise TextProblem(problem.code, **problem.params, field=field) from None
