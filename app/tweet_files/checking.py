"""Whether each row of a file can be published, and whether its person has it already.

Two rows are the same row when their ids are equal; without an id, when text, time and accounts are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app import when
from app.db import EPOCH, db, id_in
from app.models import Account, Delivery, Tweet, UnknownAccount, User, content, sameness
from app.networks import TextProblem
from app.tweet_files.reading import GivenRow, RowProblem

WITH_ID, WITHOUT_ID = "file:", "row:"
"""How the ``submit_id`` of a tweet begins that came in a file: by the row's own id, or by a hash of
what it says."""
MAX_IN_WORDS = 300
"""Different times of a file that are in words: each takes about 10 ms to be understood."""
PROBLEMS = (RowProblem, TextProblem, when.WhenProblem, UnknownAccount)


class NewRow(NamedTuple):
    """What is stored of a row when the file is confirmed."""

    text: str
    parts: list[dict[str, Any]]
    due_ms: int
    account_ids: list[int]
    key: str
    """The ``submit_id`` of its tweet."""


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """What was found about a row."""

    number: int
    known: bool = False
    due_at: datetime | None = None
    problem: Exception | None = None
    new: NewRow | None = None


def check(user: User, rows: Sequence[GivenRow], now: datetime) -> list[CheckedRow]:
    """Return what is found about each row; stores nothing, and leaves no transaction open.

    :param now: when its file was sent: what "in one hour" counts from.
    """
    accounts, zone, user_id = list(user.accounts), user.zone, user.id
    for account in accounts:  # read before the transaction ends: counting words takes seconds
        db.session.expunge(account)
    db.session.commit()
    times = _Times(zone, now)
    read = [_read(row, accounts, times) for row in rows]
    known = known_among(user_id, [one.key for one in read if one.key], _said(read))
    db.session.commit()
    seen = _Seen()
    return [_judged(one, known, seen) for one in read]


class _Times:
    """What the times of a file mean; the same words are worked out once."""

    def __init__(self, zone: ZoneInfo, now: datetime) -> None:
        self.now = now
        self._zone = zone
        self._known: dict[str, datetime | when.WhenProblem] = {}

    def meant(self, words: str) -> datetime:
        """Return the moment that words mean, be it past.

        :raises RowProblem: ``row_words``: too many rows have words.
        :raises WhenProblem: they mean none.
        """
        if when.is_iso(words):
            return when.moment_of(words, self._zone, self.now)
        if words not in self._known:
            if len(self._known) >= MAX_IN_WORDS:
                raise RowProblem("row_words", "when", limit=MAX_IN_WORDS)
            try:
                self._known[words] = when.moment_of(words, self._zone, self.now)
            except when.WhenProblem as problem:
                self._known[words] = problem
        found = self._known[words]
        if isinstance(found, datetime):
            return found
        raise when.WhenProblem(found.code, **found.params)


@dataclass(frozen=True, slots=True)
class _Read:
    row: GivenRow
    problem: Exception | None = None
    due_at: datetime | None = None
    key: str | None = None
    new: NewRow | None = None
    said: Said | None = None
    """None where the row has an id: then that alone says which row it is."""


class Said(NamedTuple):
    """What makes a row without an id the row that it is."""

    words: str
    """Text and parts, as JSON."""
    due_ms: int
    account_ids: tuple[int, ...]
    text_key: str | None


@dataclass
class _Seen:
    keys: set[str] = field(default_factory=set)
    said: set[Said] = field(default_factory=set)


def _read(row: GivenRow, accounts: Sequence[Account], times: _Times) -> _Read:
    """Return what a row says; what is wrong with it does not keep us from recognizing it."""
    key = WITH_ID + row.id if row.id else None
    due_at = None
    try:
        if row.problem:
            raise row.problem
        draft = content.draft_of(row.text, row.parts)
        chosen = _chosen(row.accounts, accounts)
        if not row.when:
            raise RowProblem("empty_time", "when")
        due_at = times.meant(row.when)
        said = said_by(draft.text, draft.parts, due_at, [one.id for one in chosen])
        new = NewRow(draft.text, draft.parts, said.due_ms, [*said.account_ids], key or _hash(said))
    except PROBLEMS as problem:
        return _Read(row, problem, due_at, key)
    wrong = _problem_of(row, draft, chosen, due_at, times.now)
    return _Read(row, wrong, due_at, new.key, new, None if key else said)


def _problem_of(
    row: GivenRow, draft: content.Draft, chosen: Sequence[Account], due_at: datetime, now: datetime
) -> Exception | None:
    """Return why a row cannot be published, although it can be read."""
    try:
        content.check(draft, chosen)
        when.refuse_out_of_reach(due_at, now)
    except PROBLEMS as problem:
        return problem
    return row.only_if_known


def _judged(read: _Read, known: Known, seen: _Seen) -> CheckedRow:
    number, key, said = read.row.number, read.key, read.said
    if key and (key in known.keys or (said and said in known.said)):
        return CheckedRow(number, True, known.keys.get(key) or read.due_at)
    if key and (key in seen.keys or (said and said in seen.said)):
        return CheckedRow(number, True, read.due_at)  # it stands in the file twice
    if read.problem or read.new is None:
        return CheckedRow(number, False, read.due_at, read.problem)
    seen.keys.add(read.new.key)
    seen.said.add(said_by_row(read.new))
    return CheckedRow(number, False, read.due_at, None, read.new)


def _chosen(names: Sequence[str], accounts: Sequence[Account]) -> list[Account]:
    """Return the accounts with these names, the first one for none, ordered by id.

    :raises UnknownAccount: there is no account.
    :raises RowProblem: ``row_account``: one of the names is nobody's, or of two.
    """
    if not accounts:
        raise UnknownAccount
    if not names:
        return [accounts[0]]
    found = {one.id: one for name in names for one in [_named(name, accounts)]}
    return [found[account_id] for account_id in sorted(found)]


def _named(name: str, accounts: Sequence[Account]) -> Account:
    network, _, rest = name.partition(":")
    if network.lower() not in {one.network for one in accounts}:
        network, rest = "", name  # a colon may stand before the port of a server, too
    wanted = rest.removeprefix("@").lower()
    fitting = [
        one
        for one in accounts
        if wanted == one.handle.lower() and (not network or one.network == network.lower())
    ]
    if len(fitting) != 1:
        raise RowProblem("row_account", "accounts", name=name[:100])
    return fitting[0]


def said_by(
    text: str, parts: Sequence[Mapping[str, Any]], due_at: datetime | int, accounts: Iterable[int]
) -> Said:
    """Return what makes a tweet the one that it is.

    :param due_at: a moment, or its milliseconds since 1970, as the database keeps it.
    """
    due_ms = due_at if isinstance(due_at, int) else round((due_at - EPOCH).total_seconds() * 1000)
    key = sameness.key_of(parts or [{"text": text}])
    return Said(json.dumps([text, parts]), due_ms, tuple(sorted(accounts)), key)


def said_by_row(row: NewRow) -> Said:
    """Return what makes a row that is to be stored the one that it is."""
    return said_by(row.text, row.parts, row.due_ms, row.account_ids)


def _said(read: Iterable[_Read]) -> list[Said]:
    return [one.said for one in read if one.said]


def _hash(said: Said) -> str:
    words = json.dumps([said.words, said.due_ms, said.account_ids])
    return WITHOUT_ID + hashlib.sha256(words.encode()).hexdigest()


# What the person has already


@dataclass(frozen=True, slots=True)
class Known:
    """What somebody has of what stands in a file."""

    keys: Mapping[str, datetime]
    """When each is due, by the ``submit_id`` that a row would get."""
    said: frozenset[Said]


def known_among(user_id: int, keys: Sequence[str], said: Sequence[Said]) -> Known:
    """Return which rows somebody has, by their keys or by what they say.

    A key that was made of a job's id, as in an export, is known by that job.
    """
    theirs = Tweet.user_id == user_id
    stored = select(Tweet.submit_id, Tweet.due_at).where(theirs, id_in(Tweet.submit_id, keys))
    jobs = [key.removeprefix(WITH_ID) for key in keys if key.startswith(WITH_ID)]
    exported = (
        select(Delivery.id, Tweet.due_at)
        .join(Tweet, Tweet.id == Delivery.tweet_id)
        .where(id_in(Delivery.id, jobs), theirs)
    )
    rows = db.session.execute(stored) if keys else ()
    found: dict[str, datetime] = {row.submit_id: row.due_at for row in rows}
    if jobs:
        found |= {WITH_ID + row.id: row.due_at for row in db.session.execute(exported)}
    return Known(found, _said_before(user_id, said) if said else frozenset())


def _said_before(user_id: int, said: Sequence[Said]) -> frozenset[Said]:
    """Return which of these somebody has written, in a file or by hand."""
    text_keys = {one.text_key for one in said if one.text_key}
    same_text = (
        select(Tweet.id, Tweet.text, Tweet.parts, Tweet.due_at, Delivery.account_id)
        .join(Delivery, Delivery.tweet_id == Tweet.id)
        .where(Tweet.user_id == user_id, id_in(Tweet.text_key, text_keys))
    )
    tweets: dict[int, tuple[str, Any, datetime, list[int]]] = {}
    for tweet_id, text, parts, due_at, account_id in db.session.execute(same_text):
        tweets.setdefault(tweet_id, (text, parts, due_at, []))[3].append(account_id)
    return frozenset(said_by(*tweet) for tweet in tweets.values())
