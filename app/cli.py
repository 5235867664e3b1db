"""``flask`` commands, and what ``flask shell`` has at hand."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

import click
from celery.result import AsyncResult
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from app.db import db
from app.jobs import job_is_complete
from app.models import Account, Delivery, EventKind, Tweet, User
from app.networks.base import Credentials, LookUpFailed, LookUpRefused, Network, TokenRefused
from app.services import auditing, connecting
from app.services.auditing import Visit

DATABASE_AWAY = (OperationalError, ProgrammingError)
"""Not there, not reachable, or without its tables."""

SHELL = Visit(browser="flask accounts connect")
"""Whom the audit log names for what an operator does."""

accounts = AppGroup("accounts", help="Connected accounts.")


def init_app(app: Flask) -> None:
    """Add the commands and the shell's names."""
    app.cli.add_command(accounts)
    app.shell_context_processor(_at_hand)


def _at_hand() -> dict[str, Any]:
    sys.excepthook = _explain
    return {
        "db": db,
        "User": User,
        "Tweet": Tweet,
        "Delivery": Delivery,
        "Account": Account,
        "AsyncResult": AsyncResult,
        "job_is_complete": job_is_complete,
    }


def _explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In the shell too, a database that is away is a sentence and not a page of traceback."""
    if isinstance(error, DATABASE_AWAY):
        print(_sentence(error), file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def _sentence(error: DBAPIError) -> str:
    return (
        f"The database says: {str(error.orig).strip()}\n"
        "Check DATABASE_URL; a new database needs: flask db upgrade"
    )


@accounts.command("connect")
@click.argument("network", default="x")
def connect(network: str) -> None:
    """Connect an account from a token on standard input.

    One line: an OAuth 2.0 access token, optionally followed by its refresh token; or an
    OAuth 1.0a token and its secret. The words are separated by white space.
    """
    site = _network(network)
    credentials = _credentials(sys.stdin.readline().split())
    try:
        profile = site.who_am_i(credentials)
    except TokenRefused:
        raise click.ClickException(f"{site.title} does not accept this token.") from None
    except (LookUpFailed, LookUpRefused) as error:
        raise click.ClickException(f"{site.title} did not say whose token it is: {error}") from None
    try:
        done = connecting.by_token(network, profile, credentials)
        kind = EventKind.ACCOUNT_ADDED if done.added else EventKind.ACCOUNT_RENEWED
        auditing.note(kind, SHELL, done.user_id, network, profile.handle)
        db.session.commit()
    except DATABASE_AWAY as error:
        raise click.ClickException(_sentence(error)) from None
    click.echo(f"@{profile.handle} on {site.title} is connected.")


def _network(name: str) -> Network:
    networks: dict[str, Network] = current_app.extensions["networks"]
    if name not in networks:
        raise click.ClickException(f"There is no network {name!r}; there is {', '.join(networks)}.")
    return networks[name]


def _credentials(words: list[str]) -> Credentials:
    """Tell the kinds apart: X's 1.0a tokens begin with the user's number and a hyphen."""
    if not words or len(words) > 2:
        raise click.ClickException("Give the token, or two words, in one line on standard input.")
    first, second = words[0], words[1] if len(words) == 2 else None
    user_number = first.partition("-")[0]
    if second and user_number.isdigit() and "-" in first:
        return {"token": first, "token_secret": second}
    return {"access_token": first, "refresh_token": second, "expires_at": None}
