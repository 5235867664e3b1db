"""What to write about next: made with the interests, listed beside the composer, drawn at random.

Rows hold facts; pages make sentences of them. Whatever is read is joined with what it is about, so
what its owner has hidden, deleted or dismissed since is never shown.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.db import db, from_now, rows_changed, utcnow
from app.learning.hobbies import hobbies_of
from app.learning.past import Past, PastPost
from app.learning.tally import Term
from app.learning.words import Key, WordReader
from app.models import (
    Account,
    Interest,
    InterestKind,
    LearnedItem,
    Reason,
    Suggestion,
    SuggestionKind,
)
from app.networks import ReadKind

LISTED = 5
"""Suggestions beside the composer."""
READY = 15
"""Suggestions that are ranked, so that the list stays full when some are dismissed."""
OF_EACH = 3
OLD_ENOUGH = timedelta(days=182)
"""How old a post is that is worth saying again."""
WELL_ABOVE, MIN_ANSWERS = 1.5, 5
"""How many times the usual answers such a post has, and how many at least."""
MIN_ON_WEEKDAY, WEEKDAY_SHARE = 5, 0.4
"""Evidence for a day of the week: so many posts about it on that day, and that share of all."""
MIN_OFTEN = 3
"""Own posts about something that make it often."""
CHANCES = {
    SuggestionKind.INTEREST: 0.5,
    SuggestionKind.POST: 0.2,
    SuggestionKind.LIKE: 0.15,
    SuggestionKind.HOBBY: 0.15,
}
"""How likely a surprise is of each kind, among those that there are."""
TRIES = 30
"""Suggestions that one draw looks at, in case they say what is hidden."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """A suggestion, with what it is about."""

    id: int
    kind: SuggestionKind
    source_id: int | None
    label: str
    interest_kind: InterestKind | None
    reason: Reason
    facts: Mapping[str, Any]
    text: str
    """The words of a post or a liked post; "" for all others."""
    author: str
    url: str
    created_at: datetime | None


# Making


def made_of(
    interests: Sequence[Interest], terms: Mapping[Key, Term], past: Past, hobbies: str | None
) -> Rows:
    """Return the rows of everything that may be suggested to a person."""
    of_interests = [
        _of_interest(one, terms.get((InterestKind(one.kind), one.key)))
        for one in sorted(interests, key=lambda one: (not one.pinned, -one.weight))
    ]
    of_posts = [_of_post(post) for post in past.posts]
    of_likes = [_of_like(item_id, place) for place, item_id in enumerate(past.likes)]
    of_hobbies = [_of_hobby(hobby) for hobby in hobbies_of(hobbies)]
    hidden = {one.id for one in interests if one.hidden}
    shown = [row for row in of_interests if row["source_id"] not in hidden]
    _rank(
        _with(of_posts, Reason.DID_WELL),
        _with(shown, Reason.PINNED, Reason.WEEKDAY),
        of_likes,
        of_hobbies,
        sorted(_with(shown, Reason.OFTEN), key=_telling),
    )
    return of_interests + of_posts + of_likes + of_hobbies


def _of_interest(one: Interest, term: Term | None) -> dict[str, Any]:
    reason, facts = _why(one, term)
    weight = max(one.weight, 1.0) if one.pinned else one.weight
    key = f"{SuggestionKind.INTEREST}:{one.kind}:{one.key}"
    return _row(SuggestionKind.INTEREST, key, one.id, one.label, reason, facts, weight)


def _why(one: Interest, term: Term | None) -> tuple[Reason, dict[str, Any]]:
    """Return why an interest is suggested; a day of the week needs evidence."""
    weekdays = (term and term.weekdays) or [0]
    most, written = max(weekdays), sum(weekdays)
    if most >= MIN_ON_WEEKDAY and most >= WEEKDAY_SHARE * written:
        return Reason.WEEKDAY, {"weekday": weekdays.index(most) + 1}
    if one.pinned:
        return Reason.PINNED, {}
    is_often = written >= MIN_OFTEN and one.kind != InterestKind.PERSON
    return (Reason.OFTEN if is_often else Reason.KNOWN), {}


def _of_post(post: PastPost) -> dict[str, Any]:
    did_well = post.factor >= WELL_ABOVE and post.answers >= MIN_ANSWERS
    is_old = post.at < utcnow() - OLD_ENOUGH
    reason = Reason.DID_WELL if did_well and is_old else Reason.WROTE
    key = f"{SuggestionKind.POST}:{post.item_id}"
    return _row(SuggestionKind.POST, key, post.item_id, "", reason, {}, post.factor)


def _of_like(item_id: int, place: int) -> dict[str, Any]:
    key = f"{SuggestionKind.LIKE}:{item_id}"
    return _row(SuggestionKind.LIKE, key, item_id, "", Reason.LIKED, {}, 1 / (1 + place / 20))


def _of_hobby(hobby: str) -> dict[str, Any]:
    return _row(SuggestionKind.HOBBY, _hobby_key(hobby), None, hobby, Reason.HOBBY, {}, 1.0)


def _hobby_key(hobby: str) -> str:
    return f"{SuggestionKind.HOBBY}:{hobby.casefold()}"


def _row(
    kind: SuggestionKind,
    key: str,
    source_id: int | None,
    label: str,
    reason: Reason,
    facts: dict[str, Any],
    weight: float,
) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "key": key,
        "source_id": source_id,
        "label": label,
        "reason": reason.value,
        "facts": facts,
        "weight": max(0.001, round(weight, 3)),
        "rank": None,
    }


def _telling(row: dict[str, Any]) -> int:
    """Return the place of an interest's kind: a hashtag was chosen to say what a post is about."""
    order = [InterestKind.HASHTAG, InterestKind.PHRASE, InterestKind.TOPIC, InterestKind.PERSON]
    return order.index(InterestKind(str(row["key"]).split(":")[1]))


def _with(rows: Iterable[dict[str, Any]], *reasons: Reason) -> Rows:
    return [row for row in rows if row["reason"] in reasons]


def _rank(*groups: Rows) -> None:
    """Give the first ones their places in the list: one of each group in turn."""
    turns = zip_longest(*(group[:OF_EACH] for group in groups))
    ranked = [row for row in chain.from_iterable(turns) if row is not None]
    for place, row in enumerate(ranked[:READY], 1):
        row["rank"] = place


def store(user_id: int, rows: Rows) -> None:
    """Replace a person's suggestions; those that were dismissed stay so. Commits nothing."""
    mine = Suggestion.user_id == user_id
    rows_changed(update(Suggestion).where(mine).values(weight=0.0, rank=None))
    _upsert(user_id, rows, ("source_id", "label", "reason", "facts", "weight", "rank"))
    gone = (Suggestion.weight == 0, Suggestion.dismissed_at.is_(None))
    rows_changed(delete(Suggestion).where(mine, *gone))


def keep_hobbies(user_id: int, hobbies: str | None) -> None:
    """Let what somebody has just typed be drawn at once. Commits nothing.

    Call ``stale`` first: whoever stores suggestions takes its row before these.
    """
    rows = [_of_hobby(hobby) | {"rank": READY + 1} for hobby in hobbies_of(hobbies)]
    known = [row["key"] for row in rows]
    others = (Suggestion.kind == SuggestionKind.HOBBY, Suggestion.key.not_in(known))
    undecided = Suggestion.dismissed_at.is_(None)
    rows_changed(delete(Suggestion).where(Suggestion.user_id == user_id, *others, undecided))
    _upsert(user_id, rows, ("label", "weight"))


def _upsert(user_id: int, rows: Rows, changing: Sequence[str]) -> None:
    if not rows:
        return
    dialect: Any = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    owned = [{"user_id": user_id, **row} for row in sorted(rows, key=lambda row: str(row["key"]))]
    insert = dialect.insert(Suggestion).values(owned)
    changed = {name: insert.excluded[name] for name in changing}
    statement = insert.on_conflict_do_update(index_elements=["user_id", "key"], set_=changed)
    db.session.execute(statement)


# Reading


def listed(user_id: int, hobbies: str | None) -> list[Found]:
    """Return the few suggestions of a person that are shown, the first one first."""
    ranked = _shown(user_id).where(Suggestion.rank.is_not(None)).order_by(Suggestion.rank)
    rows = db.session.execute(ranked.order_by(Suggestion.id).limit(2 * READY)).all()
    return _allowed(user_id, rows, hobbies)[:LISTED]


def one_of(user_id: int, suggestion_id: int, hobbies: str | None) -> Found | None:
    """Return one suggestion of a person that may be shown, else None."""
    rows = db.session.execute(_shown(user_id).where(Suggestion.id == suggestion_id)).all()
    return next(iter(_allowed(user_id, rows, hobbies)), None)


def surprise(user_id: int, hobbies: str | None, chance: random.Random) -> Found | None:
    """Draw one thing to write about; None when nothing is known of a person."""
    columns: list[Any] = [Suggestion.id, Suggestion.kind, Suggestion.weight]
    pool = db.session.execute(_shown(user_id).with_only_columns(*columns)).all()
    order = _draw(pool, chance)
    rows = db.session.execute(_shown(user_id).where(Suggestion.id.in_(order))).all()
    drawn = {one.id: one for one in _allowed(user_id, rows, hobbies)}
    return next((drawn[one] for one in order if one in drawn), None)


def dismiss(user_id: int, suggestion_id: int) -> bool:
    """Never suggest this again; False for what is not this person's. Commits."""
    mine = (Suggestion.id == suggestion_id, Suggestion.user_id == user_id)
    is_theirs = rows_changed(update(Suggestion).where(*mine).values(dismissed_at=from_now()))
    db.session.commit()
    return bool(is_theirs)


def _draw(pool: Sequence[Row[Any]], chance: random.Random) -> list[int]:
    """Return the ids of a few suggestions in the order in which they are drawn, each once.

    Roots make the strong ones a little likelier only, so that all of them get their turn.
    """
    by_kind = {kind: [one for one in pool if one.kind == kind] for kind in CHANCES}
    drawn: list[int] = []
    while len(drawn) < TRIES and (kinds := [kind for kind in CHANCES if by_kind[kind]]):
        (kind,) = chance.choices(kinds, [CHANCES[kind] for kind in kinds])
        known = by_kind[kind]
        (place,) = chance.choices(range(len(known)), [one.weight**0.5 for one in known])
        drawn.append(known.pop(place).id)
    return drawn


def _allowed(user_id: int, rows: Sequence[Row[Any]], hobbies: str | None) -> list[Found]:
    """Return those that say nothing of what is hidden, and no former hobby."""
    hidden = _hidden(user_id)
    mine = {_hobby_key(hobby) for hobby in hobbies_of(hobbies)}
    reader = WordReader()
    return [
        _found(row)
        for row in rows
        if (row.key in mine if row.kind == SuggestionKind.HOBBY else True)
        and not (hidden and _says(row, hidden, reader))
    ]


def _hidden(user_id: int) -> set[str]:
    """Return the keys of what somebody has hidden; a hashtag's is that of the word, too."""
    mine = (Interest.user_id == user_id, Interest.hidden)
    rows = db.session.execute(select(Interest.kind, Interest.key).where(*mine)).all()
    keys = {f"{row.kind}:{row.key}" for row in rows}
    reader = WordReader()
    for row in rows:
        if row.kind == InterestKind.HASHTAG:
            keys |= {f"topic:{reader.stem(row.key, language)}" for language in ("en", "es")}
        if row.kind == InterestKind.TOPIC:
            keys.add(f"stem-of-hashtag:{row.key}")
    return keys


def _says(row: Row[Any], hidden: set[str], reader: WordReader) -> bool:
    """True when the words of a suggestion have something in them that is hidden."""
    terms = reader.terms(row.text or row.label)
    keys = {f"{kind.value}:{key}" for kind, key in terms}
    tags = [key for kind, key in terms if kind == InterestKind.HASHTAG]
    keys |= {f"stem-of-hashtag:{reader.stem(tag, lang)}" for tag in tags for lang in ("en", "es")}
    if row.author:
        keys.add(f"{InterestKind.PERSON}:{row.author.casefold()}")
    return not keys.isdisjoint(hidden)


def _shown(user_id: int) -> Select[Any]:
    """Return the query for a person's suggestions of which what they are about is there to see."""
    item, kind = LearnedItem, Suggestion.kind
    read_as = case(
        (kind == SuggestionKind.POST, ReadKind.POSTS.value),
        (kind == SuggestionKind.LIKE, ReadKind.LIKES.value),
    )
    about: ColumnElement[bool] = and_(item.id == Suggestion.source_id, item.kind == read_as)
    is_interest = and_(kind == SuggestionKind.INTEREST, Interest.id == Suggestion.source_id)
    mine = and_(Account.id == item.account_id, Account.user_id == user_id, Account.connected)
    of_item = (item.text, item.author, item.url, item.created_at)
    return (
        select(*Suggestion.__table__.columns, *of_item, Interest.kind.label("interest_kind"))
        .select_from(Suggestion)
        .outerjoin(Interest, and_(is_interest, Interest.user_id == user_id, ~Interest.hidden))
        .outerjoin(item, and_(about, ~item.hidden))
        .outerjoin(Account, mine)
        .where(
            Suggestion.user_id == user_id,
            Suggestion.dismissed_at.is_(None),
            or_(
                kind == SuggestionKind.HOBBY,
                Interest.id.is_not(None),
                Account.id.is_not(None),
            ),
        )
    )


def _found(row: Row[Any]) -> Found:
    return Found(
        row.id,
        SuggestionKind(row.kind),
        row.source_id,
        row.label,
        InterestKind(row.interest_kind) if row.interest_kind else None,
        Reason(row.reason),
        row.facts,
        row.text or "",
        row.author or "",
        row.url or "",
        row.created_at,
    )
