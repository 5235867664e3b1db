"""The text of a mail, from its templates, in the language and time zone of who reads it.

``app/templates/mail/<kind>.txt`` extends ``_base.txt`` and has the blocks ``subject`` and ``body``;
``<kind>.html`` extends ``_base.html`` and has ``body``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask_babel import force_locale, get_locale, get_translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, pass_eval_context
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from markupsafe import Markup

from app import sentences, shown_times

TEMPLATES = Path(__file__).parents[1] / "templates"


class Letter(NamedTuple):
    """What somebody reads."""

    subject: str
    text: str
    html: str


def write(kind: str, facts: Mapping[str, Any], *, locale: str, zone: ZoneInfo) -> Letter:
    """Return a mail of a kind.

    :param facts: what its templates fill in.
    :param locale: the name of a language, such as "es".
    :raises jinja2.TemplateError: there is no such kind, or a fact is missing.
    """
    with force_locale(locale):
        text, html = (_environment().get_template(f"mail/{kind}.{end}") for end in ("txt", "html"))
        known = {**facts, "locale": locale, "zone": zone}
        subject = "".join(text.blocks["subject"](text.new_context(known)))
        known["subject"] = " ".join(subject.split())
        return Letter(known["subject"], text.render(known).strip() + "\n", html.render(known))


@cache
def _environment() -> Environment:
    """Return the templates of mails. Those of pages need a request, and a worker has none."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: bool(name and name.endswith(".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(_=_translated, ngettext=_counted, reason=sentences.reason)
    made.filters["localtime"] = _localtime
    return made


@pass_eval_context
def _translated(escaping: EvalContext, sentence: str, **values: Any) -> str:
    return _filled(escaping, get_translations().ugettext(sentence), values)


@pass_eval_context
def _counted(escaping: EvalContext, one: str, many: str, num: int, **values: Any) -> str:
    sentence = get_translations().ungettext(one, many, num)
    return _filled(escaping, sentence, {"num": num, **values})


def _filled(escaping: EvalContext, sentence: str, values: Mapping[str, Any]) -> str:
    """Fill a sentence in; in HTML, what is filled in is escaped."""
    return (Markup(sentence) if escaping.autoescape else str(sentence)) % values


@pass_context
def _localtime(context: Context, moment: datetime | str) -> str:
    """Return a moment, or what JSON has of it, in the reader's time zone."""
    known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return shown_times.exact(known, context["zone"], get_locale(), seconds=False)
