"""What people read about an option that a tweet cannot have."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.networks import OptionProblem

_SENTENCES = {
    "option_unknown": _l("%(network)s has no option “%(name)s”."),
    "option_value": _l("“%(name)s” cannot have this value on %(network)s."),
    "option_too_many": _l("“%(name)s” can have at most %(limit)s values on %(network)s."),
    "option_not_together": _l("These values of “%(name)s” do not go together on %(network)s."),
    "option_too_long": _l("“%(name)s” can have at most %(limit)s characters on %(network)s."),
    "option_characters": _l("“%(name)s” contains an invisible control character. Remove it."),
    "option_link": _l("“%(name)s” must be a web address that begins with https:// or http://."),
    "option_post": _l("“%(name)s” must be the address of a post on %(network)s."),
    "option_not_chosen": _l(
        "These options are for an account that is not chosen. Choose the account, or remove the "
        "options."
    ),
    "poll_form": _l("A poll on %(network)s has these fields: %(fields)s."),
    "poll_answers": _l("A poll on %(network)s has 2 to %(limit)s answers."),
    "poll_answer_too_long": _l(
        "An answer of a poll can have at most %(limit)s characters on %(network)s."
    ),
    "poll_answer_twice": _l("The same answer is there twice in the poll."),
    "poll_duration": _l(
        "On %(network)s, “%(field_name)s” of a poll is a whole number from %(least)s to %(limit)s."
    ),
    "poll_with_pictures": _l(
        "%(network)s takes a poll or pictures with one text, not both. Remove one of them."
    ),
    "link_with_pictures": _l(
        "%(network)s shows no preview of a link beside pictures. Remove one of them."
    ),
    "warning_without_text": _l(
        "On %(network)s a content warning needs words behind it. Write some, or remove the warning."
    ),
    "warning_too_long": _l(
        "With the content warning that is %(length)s characters as %(network)s counts them; "
        "%(limit)s are allowed."
    ),
}


def option_sentence(problem: OptionProblem) -> str:
    """Return what people read about it."""
    named = {"network": "", "name": "", **problem.params}
    return _SENTENCES[problem.code] % named
