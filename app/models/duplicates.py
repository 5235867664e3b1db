"""Whether somebody has said the same before: one look into the rows for each new tweet.

Two identical tweets that are stored in the same moment do not see each other: what makes one of
two requests is their submit id, not this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Subquery,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
    text,
    tuple_,
    union_all,
)

from app.db import BuiltStatement, UTCDateTime, given_rows, read, table_given, utcnow
from app.models import sameness
from app.models.account import Account
from app.models.content import Draft
from app.models.delivery import Delivery
from app.models.learning import LearnedItem
from app.models.tweet import Tweet
from app.networks import history
from app.states import FINAL, State

WITHIN = timedelta(days=90)
"""What went out longer ago is no duplicate."""
NEWEST = 50
"""Of somebody's tweets that are looked at for one that is nearly the same."""
WIDEST = 1.3
"""How much longer or shorter such a text may be, white space included."""
BETWEEN = "\x1e"
"""Stands between texts that come as one; app/networks/text.py refuses it in a tweet."""
ONE: ColumnElement[int] = literal_column("1")
"""A limit that is seen when a statement is planned, which a parameter is not."""
LARGEST_ID = 2**31 - 1
_WAITING_SQL = ", ".join(f"'{state}'" for state in sorted(set(State) - FINAL))
_COUNTS = text(
    f"(deliveries.state IN ({_WAITING_SQL}) OR deliveries.state = '{State.PUBLISHED}'"
    " AND coalesce(deliveries.accepted_at, deliveries.due_at) > :since)"
).bindparams(bindparam("since", type_=UTCDateTime))
"""The condition that a delivery waits, or went out not long ago."""
_deliveries, _items, _tweets = Delivery.__table__.c, LearnedItem.__table__.c, Tweet.__table__.c


class Duplicate(NamedTuple):
    """What has the same text for one of the same accounts."""

    tweet_id: int | None
    job_id: str | None
    """Both are None for a post that was imported."""
    remote_id: str | None
    at: datetime
    """When it went out, or is due."""


class DuplicateText(ValueError):
    """The same text waits for, or went out on, one of the accounts; ``duplicate`` says which."""

    def __init__(self, duplicate: Duplicate) -> None:
        super().__init__("the same text was written for this account before")
        self.duplicate = duplicate


class Before(NamedTuple):
    """What somebody has said before."""

    duplicate: Duplicate | None = None
    similar: int | None = None
    """The id of a tweet that is nearly the same, where none is the same."""


def key_of_shared(draft: Draft) -> str | None:
    """Return the key of what accounts publish that have nothing of their own to say."""
    return sameness.key_of(draft.parts or [{"text": draft.text}])


def _pairs(draft: Draft, accounts: Sequence[Account]) -> list[tuple[int, str]]:
    """Return the id of each account and the key of what it publishes, where that has words."""
    shared = key_of_shared(draft)
    own = {key: sameness.key_of(parts) for key, parts in draft.variants.items() if parts}
    keys = ((account.id, own.get(account.id, shared)) for account in accounts)
    return [(account_id, key) for account_id, key in keys if key]


class Question(NamedTuple):
    """What is asked about a new tweet."""

    draft: Draft
    following: list[int]
    """The ids of the accounts that publish the shared text."""
    since: datetime
    values: Mapping[str, Any]
    """The parameters of ``same_texts`` and ``newest_texts``."""

    def answer(self, rows: Sequence[Any]) -> Before:
        """Return what the rows of these two say."""
        for row in rows:
            if row.words is None:
                return Before(Duplicate(row.tweet_id, row.job_id, row.remote_id, row.at))
        newest = sorted((one for row in rows for one in _apart(row.words)), reverse=True)
        near = sameness.nearest(self.draft.text, newest) if self.draft.text else None
        return Before(similar=near if near and _is_for(near, self.following, self.since) else None)


def _apart(words: str) -> list[tuple[int, str]]:
    """Return the ids and texts that ``newest_texts`` found."""
    found = (one.partition(" ") for one in words.split(BETWEEN) if one)
    return [(int(tweet_id), text) for tweet_id, _, text in found]


def question(
    user_id: int, draft: Draft, accounts: Sequence[Account], until: int = LARGEST_ID
) -> Question | None:
    """Return what is to be asked, None for a tweet without words.

    :param until: only tweets with smaller ids count.
    """
    pairs = _pairs(draft, accounts)
    if not pairs:
        return None
    since = utcnow() - WITHIN
    following = [account_id for account_id, _ in pairs if not draft.variants.get(account_id)]
    return Question(draft, following, since, _values(user_id, draft, pairs, until, since))


def said_before(
    user_id: int, draft: Draft, accounts: Sequence[Account], until: int = LARGEST_ID
) -> Before:
    """Return what says the same for one of these accounts, or nearly the same.

    :param until: only tweets with smaller ids count.
    """
    asked = question(user_id, draft, accounts, until)
    return asked.answer(_asked().run(asked.values)) if asked else Before()


def _is_for(tweet_id: int, account_ids: Sequence[int], since: datetime) -> bool:
    """Return whether one of these accounts publishes the text of a tweet as it is."""
    theirs = (Delivery.tweet_id == tweet_id, Delivery.account_id.in_(account_ids))
    query = select(Delivery.id).where(*theirs, Delivery.parts.is_(None), _COUNTS).limit(1)
    return bool(read(query, {"since": since}))


def _values(
    user_id: int, draft: Draft, pairs: Sequence[tuple[int, str]], until: int, since: datetime
) -> Mapping[str, Any]:
    length = len(draft.text)
    is_whole = length < sameness.COMPARED
    return {
        "said": given_rows(pairs),
        "user": user_id,
        "since": since,
        "until": until,
        "shortest": int(min(length, sameness.COMPARED) / WIDEST),
        "longest": int(length * WIDEST) + 1 if is_whole else LARGEST_ID,
    }


@cache
def _asked() -> BuiltStatement:
    return BuiltStatement(union_all(*_same_texts(), newest_texts()))


def same_texts() -> CompoundSelect[Any]:
    """Return the query for the same of ours, as the tweet or as an account's own text, and the same
    that was imported. ``words`` is null for all of them. What it says is the parameter ``said``.
    """
    return union_all(*_same_texts())


def _same_texts() -> list[Select[Any]]:
    said = table_given("said", {"account_id": Integer(), "text_key": Text()})
    return [_same_of_ours(said), _same_imported(said)]


def _same_of_ours(said: Any) -> Select[Any]:
    as_tweet = (
        _tweets.user_id == bindparam("user", type_=Integer),
        _tweets.text_key == said.c.text_key,
        _deliveries.tweet_id == _tweets.id,
        # Not by the index of accounts: to PostgreSQL without statistics it looks as good, and has
        # all that the account ever published.
        _deliveries.account_id + literal_column("0") == said.c.account_id,
        _deliveries.parts.is_(None),
    )
    to_account = _deliveries.account_id == said.c.account_id
    as_own = (to_account, _deliveries.text_key == said.c.text_key)
    until = _deliveries.tweet_id < bindparam("until", type_=Integer)
    at = func.coalesce(_deliveries.accepted_at, _deliveries.due_at)
    queries = [select(_deliveries.id).where(*same, until, _COUNTS) for same in (as_tweet, as_own)]
    found = _first_found(said, *(query.order_by(at.desc()) for query in queries))
    return select(
        _deliveries.tweet_id,
        _deliveries.id.label("job_id"),
        _deliveries.remote_id,
        at.label("at"),
        cast(null(), Text).label("words"),
    ).where(_deliveries.id == found.c.id)


def _same_imported(said: Any) -> Select[Any]:
    query = (
        select(_items.id)
        .where(
            _items.account_id == said.c.account_id,
            _items.text_key == said.c.text_key,
            _items.kind == literal_column(f"'{history.ReadKind.POSTS}'"),
            ~_items.hidden,
            _items.created_at > bindparam("since", type_=UTCDateTime),
        )
        .order_by(_items.created_at.desc())
    )
    found = _first_found(said, query)
    return select(
        cast(null(), Integer).label("tweet_id"),
        cast(null(), Text).label("job_id"),
        _items.remote_id,
        _items.created_at.label("at"),
        cast(null(), Text).label("words"),
    ).where(_items.id == found.c.id)


def _first_found(said: Any, *queries: Select[Any]) -> Subquery:
    """Return a table of at most one ``id``: what the first of these queries that finds something
    finds first for one of the accounts.

    A query is made for each account, and not joined with them: what PostgreSQL knows of a new
    table let it read all rows for a join.
    """
    each = [query.limit(ONE).correlate(said).scalar_subquery() for query in queries]
    first = func.coalesce(*each) if len(each) > 1 else each[0]
    found = select(first.label("id")).select_from(said).subquery()
    return select(found.c.id).where(found.c.id.is_not(None)).limit(ONE).subquery()


def newest_texts() -> Select[Any]:
    """Return the query for the texts of somebody's newest tweets of about the same length.

    All are one row, each with its id before it: to read fifty rows took a tenth of storing a tweet.
    It says where in the index to begin and how far to read, so that it reads no more than that
    also where PostgreSQL has no statistics.
    """
    user = bindparam("user", type_=Integer)
    end = tuple_(user, bindparam("until", type_=Integer))
    newest = (
        select(_tweets.id, _tweets.user_id, _tweets.text)
        .where(tuple_(_tweets.user_id, _tweets.id) < end)
        .order_by(_tweets.user_id.desc(), _tweets.id.desc())
        .limit(literal_column(str(NEWEST)))
        .subquery()
    )
    length = func.length(newest.c.text)
    shortest, longest = (bindparam(name, type_=Integer) for name in ("shortest", "longest"))
    words = func.substr(newest.c.text, 1, sameness.COMPARED)
    told = cast(newest.c.id, Text) + literal_column("' '", Text) + words
    between: Any = literal_column(f"'{BETWEEN}'", Text)  # as a parameter it would be a list's
    as_one = func.aggregate_strings(told, between)
    none: dict[str, Any] = {
        "tweet_id": Integer,
        "job_id": Text,
        "remote_id": Text,
        "at": UTCDateTime,
    }
    return select(
        *(cast(null(), kind).label(name) for name, kind in none.items()),
        func.coalesce(as_one, literal_column("''", Text)).label("words"),
    ).where(newest.c.user_id == user, length.between(shortest, longest))
