"""What people read when input was not stored, and how much more they may store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app
from flask_babel import format_decimal
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.db import utcnow
from app.models import (
    Duplicate,
    QuotaReached,
    SubmitIdReused,
    TooManyPictures,
    UnknownAccount,
    UnknownPicture,
    quota,
    slot,
)
from app.networks import OptionProblem, TextProblem
from app.pictures import PictureRefused
from app.planning import PresetProblem, RecurrenceProblem, TooManyDrafts, TooManyPools
from app.sentences import of_contents, picture_refusal, size_in_words
from app.tweet_files import FileProblem, RowProblem
from app.web import schemas
from app.web.i18n import exact_time
from app.web.messages.options import option_sentence
from app.web.messages.series import rule_refusal
from app.when import WhenProblem

_INVALID = {
    "unknown_name": _l("There is no field “%(name)s” here. Nothing was changed."),
    "repeated_name": _l("“%(name)s” is there twice. Nothing was changed."),
    "missing": _l("“%(name)s” is missing."),
    "too_long": _l("That is far too long."),
    "too_many": _l("At most %(limit)s at a time."),
    "too_many_parts": _l("A thread can have at most %(limit)s parts."),
    "too_many_pictures": _l("At most four pictures."),
    "control_characters": _l(
        "The text contains an invisible control character. Remove it and try again."
    ),
    "unknown_account": _l("That account is not connected here."),
    "unknown_scope": _l("There is no such network, queue or account here. Nothing was paused."),
    "unknown_picture": _l("This picture is no longer here. Add it again."),
    "empty_time": _l("Say when, or choose to post now."),
    "time_moved": _l(
        "This time now means %(echo)s. Nothing was stored. Send it again if that is what you want."
    ),
    "now_or_later": _l("There is a time, but “Now” is chosen. Choose one of them."),
    "queue_or_time": _l("There is a time, but “Queue” is chosen. Choose one of them."),
    "bad_weekday": _l("Days of the week are numbers from 1 (Monday) to 7 (Sunday)."),
    "bad_time": _l("Write times of day like 9:00 or 13:30."),
    "out_of_bounds": _l("“%(name)s” is too small or too large. Nothing was changed."),
    "bad_rest": _l("A text can rest for 1 to %(limit)s days."),
    "text_and_parts": _l("Send the text as the first part, or without parts."),
    "not_for_one_job": _l("This cannot be changed for one account only. Leave the job out."),
    "nothing_chosen": _l("Choose at least one."),
    "nothing_to_change": _l("Say what to change. Nothing was changed."),
    "unknown_visibility": _l(
        "Say “public”, “unlisted”, “private”, or “default” for the account's own setting. "
        "Nothing was changed."
    ),
    "unknown_zone": _l("We do not know this time zone."),
    "unknown_view": _l("The calendar can be shown as “month”, “week” or “agenda”."),
    "bad_date": _l("Write the date like 2026-11-01, in a year from 1970 to 2199."),
    "bad_week_start": _l("Choose the day on which your week begins from the list."),
    "unknown_locale": _l("We do not speak this language yet."),
    "bad_address": _l("This is no e-mail address. It looks like name@example.com."),
    "confirm_deletion": _l("Say “delete” to confirm it. Nothing was changed."),
    "bad_hours": _l("Give a number of hours from 0.1 to 168."),
}
_TEXT_PROBLEMS = {
    "empty": _l("Write something first."),
    "far_too_long": _l("That is far too long: %(network)s takes %(limit)s characters."),
    "not_chosen": _l(
        "This text is for an account that is not chosen. Choose the account, or remove the text."
    ),
    "too_long_for_account": _l(
        "For @%(handle)s on %(network)s that is too long: %(length)s characters as %(network)s "
        "counts them; %(limit)s are allowed."
    ),
    "too_long": _l(
        "That is %(length)s characters as %(network)s counts them; %(limit)s are allowed."
    ),
    "too_many_bytes": _l(
        "That looks short, but it is too large for %(network)s: %(length)s bytes; %(limit)s are "
        "allowed. Use fewer combined emoji and accents."
    ),
    "too_many_parts": _l("A thread can have at most %(limit)s parts."),
    "too_many_wordings": _l("A text can have at most %(limit)s wordings."),
}
_TIME_PROBLEMS = {
    "past": _l("That moment has passed. Choose a later one."),
    "gap": _l(
        "%(wall)s does not exist on %(date)s in %(zone)s: the clocks go forward that night. The "
        "next time that exists is %(first_valid)s."
    ),
    "too_far": _l("That is too far ahead. Choose a time within two years."),
    "ambiguous": _l(
        "That date can be read in two ways. Write it like 2027-01-31, or with the month's name."
    ),
    "unknown_zone": _l("We do not know this time zone."),
}

_FILE_PROBLEMS = {
    "file_empty": _l("There are no tweets in this file."),
    "file_too_large": _l("This file is larger than %(limit)s MB. Divide it into several."),
    "file_encoding": _l(
        "This file is not UTF-8. Save it as “CSV UTF-8” or as JSON and send it again."
    ),
    "file_nul": _l("This file has NUL bytes in it, so it is no text. Save it as UTF-8."),
    "file_csv": _l(
        "The quotes at line %(line)s of this file do not fit. A text with quotes, line breaks or "
        "the separator in it stands between quotes, and each quote in it is written twice."
    ),
    "file_json": _l("This file begins like JSON, but at line %(line)s it is broken."),
    "file_shape": _l("JSON must be a list of tweets, or an object with such a list as “tweets”."),
    "file_columns": _l("The first line must name the columns. Missing: %(names)s."),
    "file_column_twice": _l("The column “%(name)s” is there twice."),
    "file_rows": _l("At most %(limit)s rows at a time. Divide the file into several."),
}
_ROW_PROBLEMS = {
    "row_cells": _l(
        "This row has more cells than there are columns. A text with the separator in it stands "
        "between quotes."
    ),
    "row_type": _l("“%(field)s” does not have the right type."),
    "row_id": _l("An id is at most %(limit)s characters, without control characters."),
    "row_account": _l(
        "“%(name)s” is no connected account, or there are two. Write it like x:ana or "
        "mastodon:ana@example.social."
    ),
    "row_pictures": _l("A file of rows cannot bring pictures. Add this tweet by hand."),
    "row_variants": _l(
        "A file of rows cannot bring texts of single accounts. Add this tweet by hand."
    ),
    "row_options": _l("A file of rows cannot bring options of networks. Add this tweet by hand."),
    "row_words": _l(
        "At most %(limit)s different times of a file can be in words. Write this one like "
        "2027-01-31 18:30."
    ),
    "empty_time": _l("Say when it is due."),
}
_PRESET_PROBLEMS = {
    "missing": _l("Fill this in."),
    "nothing_chosen": _l("Choose at least one account."),
    "too_long": _l("At most %(limit)s characters."),
    "name_taken": _l("You have one called “%(name)s” already. Choose another name."),
    "bad_hashtag": _l("“%(tag)s” is no hashtag. Write them like #python #django."),
    "quota": _l("You have %(limit)s of them already. Delete some."),
    "unknown_selection": _l("This selection is not there any more. Choose the accounts."),
    "empty_selection": _l(
        "No account of the selection “%(name)s” is connected any more. Choose the accounts."
    ),
    "unknown_signature": _l("This signature is not there any more. Choose another one, or none."),
}

Refused = tuple[str, str, str]
"""The field, the code and the sentence of what was not stored."""


def input_refusal(problem: Exception) -> Refused:
    """Return (field, code, sentence) for input that was not stored."""
    for kind, words in _WORDED.items():
        if isinstance(problem, kind):
            return words(problem)
    raise problem


def _invalid(problem: schemas.Invalid) -> Refused:
    return problem.field or "", problem.code, _field_sentence(problem)


def _wrong_text(problem: TextProblem) -> Refused:
    field = str(problem.params.get("field") or "text")
    return field, problem.code, _text_sentence(problem.code, problem.params)


def _wrong_option(problem: OptionProblem) -> Refused:
    return str(problem.params.get("field") or "options"), problem.code, option_sentence(problem)


def _wrong_time(problem: WhenProblem) -> Refused:
    return "when", problem.code, _time_sentence(problem)


def _wrong_rule(problem: RecurrenceProblem) -> Refused:
    return "start" if problem.code == "bad_start" else "rrule", "rrule", rule_refusal(problem)


def _wrong_file(problem: FileProblem) -> Refused:
    return "file", problem.code, _FILE_PROBLEMS[problem.code] % problem.params


def _wrong_row(problem: RowProblem) -> Refused:
    named = {"field": problem.field, **problem.params}
    return problem.field, problem.code, _ROW_PROBLEMS[problem.code] % named


def _quota_reached(problem: QuotaReached) -> Refused:
    return "text", "quota", _too_many_waiting(problem.limit)


def _without_slot(problem: slot.NoSlots) -> Refused:
    return "accounts", *_no_slot(problem)


def _too_many_drafts(problem: TooManyDrafts) -> Refused:
    full = _("You have %(limit)s drafts already. Delete some.", limit=problem.limit)
    return "", "quota", full


def _too_many_pools(problem: TooManyPools) -> Refused:
    full = _("You have %(limit)s pools already. Delete some.", limit=problem.limit)
    return "", "quota", full


def _wrong_preset(problem: PresetProblem) -> Refused:
    sentence = _PRESET_PROBLEMS[problem.code] % problem.params
    return problem.field, problem.code, sentence


def _unknown_account(_problem: UnknownAccount) -> Refused:
    return "accounts", "unknown_account", _("That account is not connected here.")


def _reused_id(_problem: SubmitIdReused) -> Refused:
    words = _("This form was sent before. Reload the page and send it again.")
    return "submit_id", "submit_id_reused", words


def _refused_picture(problem: PictureRefused) -> Refused:
    return "pictures", problem.code, picture_refusal(problem.code, problem.name)


def _wrong_pictures(problem: UnknownPicture | TooManyPictures) -> Refused:
    code = "unknown_picture" if isinstance(problem, UnknownPicture) else "too_many_pictures"
    return "pictures", code, picture_refusal(code)


_WORDED: Mapping[type[Exception], Callable[[Any], Refused]] = {
    schemas.Invalid: _invalid,
    TextProblem: _wrong_text,
    OptionProblem: _wrong_option,
    WhenProblem: _wrong_time,
    RecurrenceProblem: _wrong_rule,
    UnknownAccount: _unknown_account,
    SubmitIdReused: _reused_id,
    PictureRefused: _refused_picture,
    UnknownPicture: _wrong_pictures,
    TooManyPictures: _wrong_pictures,
    FileProblem: _wrong_file,
    RowProblem: _wrong_row,
    QuotaReached: _quota_reached,
    slot.NoSlots: _without_slot,
    TooManyDrafts: _too_many_drafts,
    TooManyPools: _too_many_pools,
    PresetProblem: _wrong_preset,
}
REFUSALS = tuple(_WORDED)
"""What people may be told of with ``input_refusal``."""


def duplicate_of(found: Duplicate) -> str:
    """Say that the same text was written before, and when."""
    when = exact_time(found.at, seconds=False)
    if found.at > utcnow():
        return _("You already have a tweet with the same text. It is due on %(when)s.", when=when)
    if found.remote_id:
        return _("You have already posted the same text, on %(when)s.", when=when)
    return _("You already have a tweet with the same text, for %(when)s.", when=when)


def _no_slot(problem: slot.NoSlots) -> tuple[str, str]:
    """Return the code and the sentence for an account whose queue takes nothing."""
    if isinstance(problem, slot.QueueFull):
        full = _(
            "The queue of @%(handle)s is full for years. Make more slots for it, or pick a time."
        )
        return "queue_full", full % {"handle": problem.handle}
    words = _("@%(handle)s has no slots yet. Make some, or pick a time.", handle=problem.handle)
    return "no_slots", words


def _field_sentence(problem: schemas.Invalid) -> str:
    """Return what people read about input that does not fit."""
    other = _l("“%(name)s” does not have the right type or form.")
    named = {"name": problem.field or "", "limit": "", "echo": "", **problem.params}
    return _INVALID.get(problem.code, other) % named


def _text_sentence(code: str, params: dict[str, Any]) -> str:
    named = {"network": "X", "handle": "", **params}
    if code == "too_long" and "length" not in params:
        code = "far_too_long"
    elif code == "too_long" and named["handle"]:
        code = "too_long_for_account"
    if code in _TEXT_PROBLEMS:
        sentence = _TEXT_PROBLEMS[code] % named
        return f"{sentence} {_('The signature is counted.')}" if "signed" in params else sentence
    if about_pictures := of_contents(code, named):
        return about_pictures
    if code == "control_characters":
        return _control_character(params)
    return _("The text contains an invisible control character. Remove it and try again.")


def _control_character(params: dict[str, Any]) -> str:
    """Return which character cannot be sent, at which place, and the words around it."""
    code = params["code_point"]
    return _(
        "Character %(place)s of the text, %(sign)s, is invisible and cannot be sent. It is here: "
        "“%(around)s”. Remove it and try again.",
        place=params["position"] + 1,
        sign=f"{code} {params['name']}".strip(),
        around=f"{params['before']}[{code}]{params['after']}",
    )


def _time_sentence(problem: WhenProblem) -> str:
    other = _l(
        "We did not understand that time. Try “in one hour”, “tomorrow at 9” or “2027-01-31 18:30”."
    )
    return _TIME_PROBLEMS.get(problem.code, other) % problem.params


def _too_many_waiting(limit: int) -> str:
    """Say that no further tweet can wait."""
    return _(
        "You already have %(limit)s waiting tweets, and more are not possible. Cancel some, or "
        "wait until some are published.",
        limit=format_decimal(limit),
    )


def usage_of(user_id: int) -> list[str]:
    """Return a sentence about each quota of somebody: how much of it is used."""
    config = current_app.config
    return [
        _(
            "Waiting tweets: %(used)s of %(limit)s.",
            used=format_decimal(quota.waiting_tweets(user_id)),
            limit=format_decimal(config["MAX_WAITING_TWEETS"]),
        ),
        _(
            "Pictures: %(used)s of %(limit)s.",
            used=size_in_words(quota.picture_bytes(user_id)),
            limit=size_in_words(config["MAX_PICTURE_BYTES"]),
        ),
    ]
