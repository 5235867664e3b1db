"""Reading what a series is to be, from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_login import current_user

from app.db import utcnow
from app.models import Account, StoredPart, UnknownAccount, content
from app.models import series as rows
from app.planning import RecurrenceProblem, Wish, recurrence, repeating
from app.web.schemas import Invalid, moment_of
from app.web.tweets import forms, picked
from app.web.tweets import payload as writing

FAR = timedelta(days=10 * 366)


def wish_of(given: Mapping[str, Any]) -> Wish:
    """Return what a new series is to be, without its signature.

    :raises RecurrenceProblem: the rule or its start is not taken.
    :raises Invalid: and TextProblem, UnknownAccount.
    """
    forms.refuse_text_beside_parts(given)
    rule, start = recurrence.parse(given["rrule"]), start_of(given["start"], current_user)
    draft = content.draft_of("", **writing.arguments(writing.read_json(given)))
    return Wish(
        rule, start, draft, current_user.chosen(picked.accounts_said(given.get("accounts")))
    )


def signed(wish: Wish, given: Mapping[str, Any]) -> Wish:
    """Return the same with the signatures of its accounts; raises PresetProblem."""
    chosen = picked.signature(given.get("signature"))
    ids = [account.id for account in wish.accounts]
    return wish._replace(draft=picked.signed(wish.draft, ids, chosen))


def start_of(words: str, person: Any) -> datetime:
    """Return a start on the wall, naive: without an offset as it is, else in somebody's zone.

    :param person: has a ``zone``: a user, or a series.
    """
    try:
        start = datetime.fromisoformat(words.strip())
        if start.tzinfo is not None:
            start = start.astimezone(person.zone).replace(tzinfo=None, fold=0)
        aware = start.replace(tzinfo=person.zone)
        if abs(aware - utcnow()) > FAR:
            raise RecurrenceProblem("bad_start")
    except (ValueError, OverflowError):
        raise RecurrenceProblem("bad_start") from None
    return start.replace(microsecond=0)


def since_of(given: str | None) -> datetime | None:
    """Return the moment from which something is meant; None for everything."""
    return moment_of(given) if given else None


def changed(series: rows.Series, given: Mapping[str, Any]) -> tuple[Wish, bool]:
    """Return what a series is to be after a change, and whether its rule is another.

    :raises Invalid: nothing is to be changed; and the other errors of ``wish_of``.
    """
    said = {name for name, value in given.items() if value is not None} - {"since"}
    if not said:
        raise Invalid("nothing_to_change")
    forms.refuse_text_beside_parts(given)
    since = since_of(given.get("since"))
    has_rule = bool(said & {"rrule", "start"})
    rule, start = _rule_of(series, given, since)
    if given.get("accounts"):
        ids = picked.accounts_said(given["accounts"])
        accounts, keeps = current_user.chosen(ids), False
    else:
        accounts, keeps = repeating.accounts_of(series), True
    if not accounts:
        raise UnknownAccount
    draft = _draft_of(series, given, said, accounts)
    return Wish(rule, start, draft, accounts, keeps), has_rule


def _rule_of(
    series: rows.Series, given: Mapping[str, Any], since: datetime | None
) -> tuple[recurrence.Rule, datetime]:
    rule, start = recurrence.parse(series.rrule), series.starts
    if since is not None:
        try:
            rule, start = repeating.rest_of(series, since)
        except RecurrenceProblem:
            if not given.get("rrule"):
                raise
            start = since.astimezone(series.zone).replace(tzinfo=None, fold=0)
    if given.get("rrule"):
        rule = recurrence.parse(given["rrule"])
    if given.get("start"):
        start = start_of(given["start"], series)
    return rule, start


def _draft_of(
    series: rows.Series, given: Mapping[str, Any], said: set[str], accounts: list[Account]
) -> content.Draft:
    before = series.draft
    chosen = {account.id for account in accounts}
    variants: dict[int, list[StoredPart]] = {
        key: own for key, own in before.variants.items() if key in chosen
    }
    options = {key: own for key, own in before.options.items() if key in chosen}
    if not any(map(writing.is_about_contents, said)):
        return content.draft_of("", series.parts, (), variants, options)
    read = writing.read_json(given)
    parts = writing.merged(read, series.parts)
    for account_id, own in read["variants"].items():
        variants[account_id] = writing.filled(own, parts)
        if not writing.any_of(variants[account_id]):
            del variants[account_id]
    return content.draft_of("", parts, (), variants, options | read["options"])
