"""Whether what somebody has set is something that the posts of a network can have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app import untrusted
from app.networks import text
from app.networks.options import Given, Option, OptionProblem, Shown

MAX_POLL_CHARACTERS = 1_000
"""Of one answer of a poll, whatever a server says."""


def tidy(given: Given | None) -> dict[str, Any]:
    """Return what was really set: without empty values, its texts cleaned."""
    cleaned = {name: _clean(value) for name, value in (given or {}).items()}
    return {name: value for name, value in cleaned.items() if not is_empty(value)}


def is_empty(value: Any) -> bool:
    """True for what sets nothing; False and 0 do."""
    return value is None or value in ("", [], {})


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return text.clean(value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    return value


def check(known: Sequence[Option], given: Given) -> None:
    """Raise OptionProblem for an unknown option, or a value that it cannot have."""
    by_name = {option.name: option for option in known}
    for name, value in given.items():
        if name not in by_name:
            raise OptionProblem("option_unknown", name=name)
        _CHECKS[by_name[name].kind](by_name[name], value)


def _check_boolean(option: Option, value: Any) -> None:
    if not isinstance(value, bool):
        raise OptionProblem("option_value", name=option.name)


def _check_choice(option: Option, value: Any) -> None:
    if not isinstance(value, str) or value not in (option.words or ()):
        raise OptionProblem("option_value", name=option.name)


def _check_choices(option: Option, value: Any) -> None:
    if not isinstance(value, list):
        raise OptionProblem("option_value", name=option.name)
    for one in value:
        _check_choice(option, one)
    if option.limit is not None and len(value) > option.limit:
        raise OptionProblem("option_too_many", name=option.name, limit=option.limit)
    if len(set(value)) < len(value) or (option.alone in value and len(value) > 1):
        raise OptionProblem("option_not_together", name=option.name)


def _check_text(option: Option, value: Any) -> None:
    if not isinstance(value, str):
        raise OptionProblem("option_value", name=option.name)
    _check_characters(option, value)
    if option.limit is not None and text.graphemes(value) > option.limit:
        raise OptionProblem("option_too_long", name=option.name, limit=option.limit)


def _check_characters(option: Option, value: str) -> None:
    try:
        text.allowed(value)
    except text.TextProblem:
        raise OptionProblem("option_characters", name=option.name) from None


def _check_link(option: Option, value: Any) -> None:
    if not untrusted.web_address(value):
        raise OptionProblem("option_link", name=option.name)


def _check_post(option: Option, value: Any) -> None:
    if not isinstance(value, str) or len(value) > untrusted.MAX_ADDRESS:
        raise OptionProblem("option_post", name=option.name)


def _check_poll(option: Option, value: Any) -> None:
    poll = option.poll
    assert poll is not None
    known = {"options", poll.duration, *poll.flags}
    if not isinstance(value, dict) or not set(value) <= known:
        raise OptionProblem("poll_form", name=option.name, fields=", ".join(sorted(known)))
    answers, runs = value.get("options"), value.get(poll.duration)
    if not isinstance(answers, list) or not 2 <= len(answers) <= poll.answers:
        raise OptionProblem("poll_answers", name=option.name, limit=poll.answers)
    for answer in answers:
        if not isinstance(answer, str) or not answer:
            raise OptionProblem("poll_answers", name=option.name, limit=poll.answers)
        most = min(poll.characters, MAX_POLL_CHARACTERS)
        if len(answer) > 20 * MAX_POLL_CHARACTERS or poll.length(answer) > most:
            raise OptionProblem("poll_answer_too_long", name=option.name, limit=most)
        _check_characters(option, answer)
    if len(set(answers)) < len(answers):
        raise OptionProblem("poll_answer_twice", name=option.name)
    if type(runs) is not int or not poll.shortest <= runs <= poll.longest:
        raise OptionProblem(
            "poll_duration",
            name=option.name,
            field_name=poll.duration,
            least=poll.shortest,
            limit=poll.longest,
        )
    if any(not isinstance(value.get(flag, False), bool) for flag in poll.flags):
        raise OptionProblem("poll_form", name=option.name, fields=", ".join(sorted(known)))


def refuse_poll_with_pictures(given: Given, shown: Shown) -> None:
    """Raise OptionProblem where the part that gets the poll shows pictures, too."""
    if "poll" in given and shown and shown[0][1]:
        raise OptionProblem("poll_with_pictures", name="poll")


_CHECKS: Mapping[str, Callable[[Option, Any], None]] = {
    "boolean": _check_boolean,
    "choice": _check_choice,
    "language": _check_choice,
    "choices": _check_choices,
    "languages": _check_choices,
    "text": _check_text,
    "link": _check_link,
    "post": _check_post,
    "poll": _check_poll,
}
