"""Series as their owners make, change and end them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import Select, update
from sqlalchemy.exc import IntegrityError

from app.db import commit_and_keep, database_now, db, rollback_quietly, rows_changed
from app.models import (
    WAITING,
    Account,
    Delivery,
    Picture,
    QuotaReached,
    SubmitIdReused,
    Tweet,
    User,
    content,
    quota,
    sameness,
    submissions,
    transitions,
)
from app.models import series as rows
from app.planning import ahead, recurrence
from app.states import State

MAX_SHOWN = 1_000
"""Of the tweets that wait, in an answer about one series."""
MAX_CHANGED = 20_000
MAX_WALKED = 20_000
"""Occurrences on the way to the one from which a series is changed."""


class UnknownSeries(LookupError):
    """The series is deleted."""


class Coming(NamedTuple):
    """One of the next times of a series."""

    due_at: datetime
    tweet_id: int | None
    """None when its tweet is not made yet."""
    note: str | None
    """``gap`` when clocks skip the time that the rule says."""
    occurrence: datetime | None = None


class Wish(NamedTuple):
    """What a series is to be."""

    rule: recurrence.Rule
    start: datetime
    """Naive, on the wall."""
    draft: content.Draft
    accounts: list[Account]
    keeps_accounts: bool = False
    """Its accounts are as they were, also those that are not connected now."""


def create(user: User, wish: Wish, submit_id: str | None) -> rows.Series:
    """Store a series with its first tweets, and return it. Commits.

    :param submit_id: the same one again returns the first series.
    :raises recurrence.RecurrenceProblem: its rule has nothing to come.
    :raises app.networks.TextProblem: a text cannot be published.
    :raises SubmitIdReused: the id came with something else before, or its series is deleted.
    :raises QuotaReached: too many tweets wait already.
    :raises app.models.UnknownPicture: and TooManyPictures.
    """
    made_from = _digest_of(wish)
    if known := _known(user.id, submit_id, made_from):
        return known
    now = database_now()
    user_id, zone = user.id, user.zone
    limit: int = current_app.config["MAX_WAITING_TWEETS"]
    room = limit - quota.waiting_tweets(user_id)
    commit_and_keep()  # no transaction stays open while words are counted and rules are walked
    first = recurrence.check(wish.rule, wish.start, zone, now)
    content.refuse_strangers(wish.draft.written_for, wish.accounts)
    content.check(wish.draft, wish.accounts)
    series = rows.Series(
        user_id=user_id, timezone=zone.key, since=now, submit_id=submit_id, missed=0
    )
    series.made_from = made_from if submit_id else None
    _fill(series, wish)
    series.version, series.made_number, series.next_at = 1, 0, now
    if room <= 0:
        raise QuotaReached(limit)
    found = ahead.plan(series, now, min(room, ahead.MAX_MADE))
    try:
        _claim_pictures(user_id, wish.draft, first.at)
        db.session.add(series)
        db.session.flush()
        ahead.store(series, found, wish.accounts)
        commit_and_keep()
    except IntegrityError:
        db.session.rollback()
        if known := _known(user_id, submit_id, made_from):
            return known
        raise
    except BaseException:
        rollback_quietly()
        raise
    db.session.refresh(series)
    return series


def _known(user_id: int, submit_id: str | None, made_from: str) -> rows.Series | None:
    known = rows.submitted(user_id, submit_id) if submit_id else None
    if known is None:
        return None
    if known.deleted_at is not None:
        raise SubmitIdReused
    now = submissions.digest_of([known.rrule, known.start, known.draft.digest()])
    submissions.refuse_others(known.made_from or now, made_from)
    return known


def _digest_of(wish: Wish) -> str:
    said = [wish.rule.text, wish.start.isoformat(), wish.draft.digest()]
    return submissions.digest_of(said)


def _fill(series: rows.Series, wish: Wish) -> None:
    series.rrule, series.start = wish.rule.text, wish.start.isoformat()
    series.contents = rows.contents_of_draft(wish.draft)
    if not wish.keeps_accounts:
        series.account_ids = [account.id for account in wish.accounts]


def _claim_pictures(user_id: int, draft: content.Draft, needed_at: datetime) -> None:
    for picture_ids in draft.picture_lists():
        Picture.claim(user_id, picture_ids, needed_at=needed_at)


def coming(series: rows.Series, most: int = MAX_SHOWN) -> list[Coming]:
    """Return what comes next, the soonest first; without a tweet only where none is made yet."""
    cancelled = Delivery.state != State.CANCELLED
    waiting = db.exists().where(Delivery.tweet_id == Tweet.id, cancelled)
    query = (
        db.select(Tweet.id, Tweet.due_at, Tweet.occurrence)
        .where(Tweet.series_id == series.id, Tweet.due_at > database_now(), waiting)
        .order_by(Tweet.due_at)
        .limit(most)
    )
    rule, zone = ahead.rule_of(series), series.zone
    made = [
        Coming(
            row.due_at,
            row.id,
            recurrence.note_of(rule, series.starts, row.due_at, zone)
            if row.due_at == row.occurrence
            else None,
            row.occurrence,
        )
        for row in db.session.execute(query)
    ]
    if made or series.next_at is None:
        return made
    found = next(ahead.following(series), None)
    return [Coming(found.at, None, found.note, found.at)] if found else []


def end(series: rows.Series, since: datetime | None) -> int:
    """Cancel what waits of a series, and make no more; return how many jobs. Commits.

    What this cancels has left the rule: another rule may make it again. What its owner has
    cancelled singly has not.

    :param since: only what is due then or later; None for all, and the series is gone.
    """
    now = database_now()
    if since is None:
        values: dict[str, Any] = {"deleted_at": now, "next_at": None}
    else:
        values = {"next_at": now if series.next_at is not None else None}
        if not _has_ended(series, since):
            values["rrule"] = ahead.rule_of(series).ending_before(since).text
    _lock(series, **values)  # whoever makes tweets now comes before this, or makes none
    waiting = (Delivery.tweet_id.in_(_of_series(series, since)), Delivery.state.in_(WAITING))
    leave = [] if since is None else _idle(_tweets_of(series, since))
    count = rows_changed(transitions.cancel(*waiting))
    _set_tweets(leave, occurrence=None)
    db.session.commit()
    return count


def _has_ended(series: rows.Series, since: datetime) -> bool:
    """Return whether a series has nothing more from a moment on: to end it there prolongs it."""
    rule = ahead.rule_of(series)
    if rule.count is None:
        ends = rule.ends_at(series.zone)
        return ends is not None and ends < since
    try:
        rest_of(series, since)
    except recurrence.RecurrenceProblem as problem:
        return problem.code == "never"
    return False


def accounts_of(series: rows.Series) -> list[Account]:
    """Return those of its accounts that are connected."""
    return ahead.accounts_of(series)


def rest_of(series: rows.Series, since: datetime) -> tuple[recurrence.Rule, datetime]:
    """Return the rule and the start of what a series has from a moment on.

    :raises recurrence.RecurrenceProblem: ``never``: it has nothing more.
    """
    rule, zone = ahead.rule_of(series), series.zone
    if since > database_now() + recurrence.MAX_WAIT:
        raise recurrence.RecurrenceProblem("never")
    made, passed = series.made_wall and datetime.fromisoformat(series.made_wall), 0
    if made and recurrence.moment_of(made, zone)[0] < since:
        passed = series.made_number
    else:
        made = None
    walk = recurrence.occurrences(rule, series.starts, zone, made or None, passed)
    for walked, one in enumerate(walk):
        if one.at >= since:
            return rule.after(one.number - 1), one.wall
        if walked > MAX_WALKED:
            raise recurrence.RecurrenceProblem("too_far_back")
    raise recurrence.RecurrenceProblem("never")


def _tweets_of(series: rows.Series, since: datetime) -> dict[int, Tweet]:
    mine = db.select(Tweet).where(Tweet.series_id == series.id, Tweet.due_at >= since)
    return {tweet.id: tweet for tweet in db.session.scalars(mine)}


def _of_series(series: rows.Series, since: datetime | None) -> Select[Any]:
    later = [] if since is None else [Tweet.due_at >= since]
    return db.select(Tweet.id).where(Tweet.series_id == series.id, *later)


def _lock(series: rows.Series, **values: Any) -> None:
    changed = update(rows.Series).where(rows.Series.id == series.id)
    changed = changed.values(version=rows.Series.version + 1, **values)
    rows_changed(changed.execution_options(synchronize_session=False))
    db.session.refresh(series)


def change(
    series: rows.Series, wish: Wish, since: datetime | None, *, new_rule: bool
) -> rows.Series:
    """Let a series be another from now on, or from a moment on; return the one that goes on.

    What waits and was not changed singly follows; a tweet that has no place in the new rule is
    cancelled. What is being sent, or out, and what its owner has changed, moved or cancelled
    singly stays as it is. Commits.

    :param since: a ``due_at``: the series ends before it, and a new one goes on. None changes
        this one.
    :param new_rule: the rule or its start are not as they were, so that they are checked.
    :raises recurrence.RecurrenceProblem: and what ``create`` raises; nothing was changed then.
    :raises UnknownSeries: it was deleted meanwhile.
    """
    now, zone, user_id = database_now(), series.zone, series.user_id
    commit_and_keep()
    cut = max(since or now, now)
    if new_rule:
        recurrence.check(wish.rule, wish.start, zone, cut - timedelta(seconds=1))
    content.refuse_strangers(wish.draft.written_for, wish.accounts)
    content.check(wish.draft, wish.accounts)
    planned = ahead.plan(_planned(wish, series, cut), now, MAX_CHANGED)  # without a transaction
    try:
        _claim_pictures(user_id, wish.draft, cut)
        going_on = _store_change(series, wish, since, cut, planned)
        commit_and_keep()
    except BaseException:
        rollback_quietly()
        raise
    db.session.refresh(going_on)
    return going_on


def _store_change(
    series: rows.Series, wish: Wish, since: datetime | None, cut: datetime, planned: ahead.Plan
) -> rows.Series:
    """Return the series that goes on, with its tweets stored; commits nothing."""
    _lock(series)
    if series.deleted_at is not None:
        raise UnknownSeries
    before, old_ids = series.draft, series.account_ids
    if since:
        going_on = _split(series, wish, since)
    else:
        going_on = series
        _fill(series, wish)
    going_on.since, going_on.next_at = cut - timedelta(milliseconds=1), cut
    going_on.made_wall, going_on.made_number = None, 0
    db.session.flush()
    same = old_ids == going_on.account_ids
    _follow(_Change(series, going_on, before, same), cut, planned.moments)
    db.session.flush()
    ahead.store(going_on, planned, wish.accounts)
    return going_on


def _planned(wish: Wish, series: rows.Series, cut: datetime) -> rows.Series:
    """Return the series that goes on as far as its times depend on it; it is not stored."""
    start = wish.start.isoformat()
    since = cut - timedelta(milliseconds=1)
    zone = series.timezone
    return rows.Series(rrule=wish.rule.text, start=start, timezone=zone, since=since, made_number=0)


def _split(series: rows.Series, wish: Wish, since: datetime) -> rows.Series:
    """End a series before a moment, and return the new one that goes on."""
    new = rows.Series(user_id=series.user_id, timezone=series.timezone, submit_id=None, missed=0)
    new.account_ids = series.account_ids
    _fill(new, wish)
    new.version, new.made_number, new.since, new.next_at = 1, 0, since, since
    series.rrule = ahead.rule_of(series).ending_before(since).text
    if series.next_at is not None:
        series.next_at = database_now()
    db.session.add(new)
    db.session.flush()
    return new


class _Change(NamedTuple):
    old: rows.Series
    new: rows.Series
    before: content.Draft
    """What the tweets say that follow."""
    same_accounts: bool


def _follow(change: _Change, cut: datetime, moments: Sequence[datetime]) -> None:
    """Let the tweets that are made already be those of the changed series."""
    tweets = list(_tweets_of(change.old, cut).values())
    kept = {tweet.id: tweet for tweet in tweets if _is_as_made(tweet, change.before)}
    idle = _idle(kept)
    planned = set(moments)
    stay = [one for one in idle if change.same_accounts and kept[one].occurrence in planned]
    leave = sorted(set(idle) - set(stay))
    _rewrite(stay, change.new.draft)
    if leave:
        rows_changed(transitions.cancel(Delivery.tweet_id.in_(leave)))
        _set_tweets(leave, occurrence=None)
    if change.new is not change.old:
        others = [tweet.id for tweet in tweets if tweet.id not in leave]
        _set_tweets(others, series_id=change.new.id)


def _is_as_made(tweet: Tweet, draft: content.Draft) -> bool:
    """Return whether a tweet is as its series made it: its owner has not changed it singly."""
    own = {one.account_id: one.parts for one in tweet.deliveries if one.parts}
    return (
        tweet.occurrence == tweet.due_at
        and (tweet.text, tweet.parts) == (draft.text, draft.parts)
        and all(own.get(key) == draft.variants.get(key) for key in {*own, *draft.variants})
        and {one.account_id: one.options for one in tweet.deliveries if one.options}
        == draft.options
        and all(one.state in WAITING and not one.attempts for one in tweet.deliveries)
    )


def _idle(tweets: Mapping[int, Tweet]) -> list[int]:
    """Return those of these tweets that nobody sends, and lock them until the commit."""
    if not tweets:
        return []
    waiting = (Delivery.state.in_(WAITING), Delivery.attempts == 0)
    touched = (
        update(Delivery)
        .where(Delivery.tweet_id.in_(sorted(tweets)), *waiting)
        .values(error_detail=Delivery.error_detail)
        .returning(Delivery.tweet_id)
        .execution_options(synchronize_session=False)
    )
    found = Counter(db.session.scalars(touched))
    return [one for one, row in tweets.items() if found[one] == len(row.deliveries)]


def _rewrite(tweet_ids: Sequence[int], draft: content.Draft) -> None:
    shared = draft.parts or [{"text": draft.text}]
    key = sameness.key_of(shared)
    _set_tweets(tweet_ids, text=draft.text, parts=draft.parts, text_key=key)
    these = Delivery.tweet_id.in_(tweet_ids)
    if not tweet_ids:
        return
    _run(update(Delivery).where(these).values(parts=None, text_key=None, options=None))
    for account_id, own in draft.variants.items():
        values = {"parts": own, "text_key": sameness.key_of(own)}
        _run(update(Delivery).where(these, Delivery.account_id == account_id).values(values))
    for account_id, options in draft.options.items():
        mine = update(Delivery).where(these, Delivery.account_id == account_id)
        _run(mine.values(options=options))


def _set_tweets(tweet_ids: Sequence[int], **values: Any) -> None:
    if tweet_ids:
        _run(update(Tweet).where(Tweet.id.in_(tweet_ids)).values(values))


def _run(statement: Any) -> None:
    rows_changed(statement.execution_options(synchronize_session=False))
