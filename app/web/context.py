"""What every page knows."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from flask_login import current_user
from jinja2 import BytecodeCache, FileSystemBytecodeCache
from jinja2.ext import Extension
from sqlalchemy.exc import SQLAlchemyError

from app import monitoring
from app.db import db
from app.models import pause
from app.networks import Network
from app.web import sessions
from app.web.messages import paused_for_owner
from app.web.script_data import NUMBERS

_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
_LINE_OF_TAGS = re.compile(
    r"^(?:\{%(?:(?!%\}).)*%\}|\{#(?:(?!#\}).)*#\})+$(?<![-+][%#]\})", re.MULTILINE
)


class Unindented(Extension):
    """Takes out of templates what is there for us alone: indentation, and lines of tags only.

    Jinja's own ``trim_blocks`` would also join what stands before and after a tag in a line.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source of a template, with as many lines as before."""
        return _LINE_OF_TAGS.sub(_cut, _INDENTATION.sub("", source))


def _cut(line: re.Match[str]) -> str:
    return f"{line[0][:-2]}-{line[0][-2:]}"


def init_app(app: Flask) -> None:
    """Give every template what all pages show, and send no space that only templates need."""
    app.jinja_env.add_extension(Unindented)
    app.jinja_env.bytecode_cache = _kept(app.config["TEMPLATE_CACHE"])
    app.context_processor(_shared)


def _kept(folder: str) -> BytecodeCache | None:
    """Keep compiled templates, named after what they were compiled from."""
    if not folder:
        return None
    Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    return FileSystemBytecodeCache(folder)


def _shared() -> dict[str, Any]:
    local = [network for network in networks().values() if network.is_local]
    real = [network.title for network in ready_networks() if not network.is_local]
    return {
        "sandbox": bool(local),
        "real_networks": real,
        "sandbox_url": local[0].profile_url("") if local else None,
        "nothing_is_sent": _silence(),
        "paused_posting": _paused(),
        "person_mark": sessions.person_mark,
        "numbers": NUMBERS,
    }


def networks() -> dict[str, Network]:
    """Return the app's networks by name."""
    return current_app.extensions["networks"]


def ready_networks() -> list[Network]:
    """Return the networks that are set up here."""
    return [network for network in networks().values() if network.ready]


def _paused() -> str | None:
    """Return a sentence about what operators have paused of this person's accounts."""
    if not current_user.is_authenticated:
        return None
    try:
        lasting = [(row.scope, row.value) for row in pause.lasting_now()]
        titles = {name: network.title for name, network in networks().items()}
        return paused_for_owner(lasting, titles, current_user.accounts) if lasting else None
    except SQLAlchemyError:
        db.session.rollback()
        return None


def _silence() -> dict[str, datetime | None] | None:
    """Return since when nothing is sent; None while all is well, and for who is signed out."""
    if not current_user.is_authenticated:
        return None
    try:
        silence = monitoring.silence()
    except SQLAlchemyError:
        db.session.rollback()
        return None
    return None if silence is None else {"last_seen_at": silence.last_seen_at}
