"""What the posts of accounts can have beyond their text: as forms, pages and programs see it.

A form has the fields ``options-<account id>-<name>``; those of a poll are ``…-poll-options``, once
for each answer, and one for each of its other fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from flask_babel import format_timedelta, get_locale
from flask_babel import gettext as _
from flask_login import current_user

from app.db import db
from app.models import Account, content
from app.networks import HasOptions, Option
from app.web.context import networks

PREFIX = "options-"
TYPES = {"languages": "choices", "language": "choice"}
"""What programs are told of kinds that are only shown in another way."""
DURATIONS = (300, 1_800, 3_600, 21_600, 43_200, 86_400, 259_200, 604_800, 2_592_000)
"""Seconds for which pages let a poll run, as far as its network does."""
_SEPARATORS = re.compile(r"[\s,;]+")
_WHOLE = re.compile(r"[0-9]{1,9}")

Fields = Mapping[str, Sequence[str]]
"""What a form says of one account's options, by the name after its id."""


def offered_to(account: Account) -> Sequence[Option]:
    """Return the options of an account, with what holds where nothing is set."""
    network = networks()[account.network]
    if not isinstance(network, HasOptions):
        return ()
    limits = content.limits_of(account, network)
    if account.visibility:
        limits = replace(limits, visibility=account.visibility)
    return network.options(limits)


def as_json(account: Account) -> dict[str, Any]:
    """Return the options of an account as programs see them, by name."""
    return {
        option.name: {
            "type": TYPES.get(option.kind, option.kind),
            "values": list(option.words) if option.words else None,
            "default": option.default,
            "max": option.poll.most if option.poll else option.limit,
            "source": option.source,
        }
        for option in offered_to(account)
    }


def read(form: Iterable[tuple[str, Sequence[str]]]) -> dict[int, Fields]:
    """Gather the fields of a form by account; the form fits its schema."""
    gathered: dict[int, dict[str, Sequence[str]]] = {}
    for name, values in form:
        number, _dash, rest = name.removeprefix(PREFIX).partition("-")
        if name.startswith(PREFIX) and rest and number.isdecimal() and len(number) <= 10:
            gathered.setdefault(int(number), {})[rest] = values
    return dict(gathered)


def of_form(given: Mapping[int, Fields]) -> dict[int, dict[str, Any]]:
    """Return what a form sets, by account; fields that say nothing set nothing.

    Fields of nobody's account, and of no option, stay as they are: they are refused later.
    """
    known = _accounts(given)
    return {
        account_id: _values(offered_to(known[account_id]) if account_id in known else (), fields)
        for account_id, fields in given.items()
    }


def _accounts(account_ids: Iterable[int]) -> dict[int, Account]:
    wanted = [number for number in account_ids if number <= 2**31 - 1]
    mine = db.select(Account).where(Account.user_id == current_user.id, Account.id.in_(wanted))
    return {account.id: account for account in db.session.scalars(mine)}


def _values(offered: Sequence[Option], fields: Fields) -> dict[str, Any]:
    rest = dict(fields)
    found: dict[str, Any] = {}
    for option in offered:
        if option.poll:
            found[option.name] = _poll(option, rest)
        elif option.name in rest:
            found[option.name] = _value(option, rest.pop(option.name))
    unknown = {name: values[0] for name, values in rest.items() if values and values[0].strip()}
    return found | unknown


def _value(option: Option, values: Sequence[str]) -> Any:
    if option.kind == "choices":
        return [value for value in values if value]
    first = values[0].strip() if values else ""
    if option.kind == "languages":
        return [word for word in _SEPARATORS.split(first.lower()) if word]
    if option.kind == "boolean":
        return True if first == "1" else first or None
    return first.lower() if option.kind == "language" else first


def _poll(option: Option, rest: dict[str, Sequence[str]]) -> dict[str, Any] | None:
    """Return the poll of a form, None where no answer is filled in."""
    poll = option.poll
    assert poll is not None
    start = f"{option.name}-"
    answers = [one.strip() for one in rest.pop(f"{start}options", ()) if one.strip()]
    runs = "".join(rest.pop(f"{start}{poll.duration}", ()))[:20].strip()
    flags = {name: bool(rest.pop(f"{start}{name}", ())) for name in poll.flags}
    if not answers:
        return None
    duration = int(runs) if _WHOLE.fullmatch(runs) else runs
    return {"options": answers, poll.duration: duration, **flags}


def fields_of(account: Account) -> list[dict[str, Any]]:
    """Return what a composer shows of each option of an account."""
    return [
        {
            "name": option.name,
            "kind": option.kind,
            "label": _(option.label),
            "values": [(value.word, _(value.label)) for value in option.values],
            "default": option.default,
            "limit": option.limit,
            "poll": option.poll,
            "durations": _durations(option),
        }
        for option in offered_to(account)
    ]


def _durations(option: Option) -> list[tuple[int, str]]:
    """Return for how long a poll may run, in its own unit, and in words."""
    poll = option.poll
    if poll is None:
        return []
    counts = [seconds // poll.seconds for seconds in DURATIONS]
    fit = [count for count in counts if poll.shortest <= count <= poll.longest] or [poll.shortest]
    return [(count, _in_words(count * poll.seconds)) for count in fit]


def _in_words(seconds: int) -> str:
    """Return a time in its largest whole unit."""
    units: tuple[tuple[Literal["day", "hour", "minute"], int], ...]
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60))
    unit = next((name for name, size in units if seconds % size == 0), "second")
    return format_timedelta(timedelta(seconds=seconds), granularity=unit, threshold=99)


def in_words(account: Account, given: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return what was set for an account, as pages tell it: names and values."""
    by_name = {option.name: option for option in offered_to(account)}
    return [
        (_(by_name[name].label), _told(by_name[name], value))
        for name, value in (given or {}).items()
        if name in by_name
    ]


def _told(option: Option, value: Any) -> str:
    if option.poll:
        poll = option.poll
        runs = _in_words(int(value[poll.duration]) * poll.seconds)
        return _("%(answers)s, for %(time)s", answers=" / ".join(value["options"]), time=runs)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    labels = {known.word: _(known.label) for known in option.values}
    locale = get_locale()
    if option.kind in {"language", "languages"} and locale:
        labels = {code: str(name) for code, name in locale.languages.items()}
    words = value if isinstance(value, list) else [value]
    return ", ".join(str(labels.get(word, word)) for word in words)
