"""``flask`` commands, and what ``flask shell`` has at hand."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import click
from celery import current_app as current_celery
from celery.result import AsyncResult
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from app import broker
from app.accounts import Visit, audit, connections, reencryption
from app.db import database_now, db
from app.delivery import restore
from app.jobs import job_is_complete
from app.kinds import LONG_TASK
from app.models import Account, Delivery, EventKind, Role, Tweet, User
from app.networks import Credentials, LookUpFailed, LookUpRefused, Network, TokenRefused

DATABASE_AWAY = (OperationalError, ProgrammingError)
"""The database is missing, unreachable, or has no tables."""

SHELL = Visit(browser="flask accounts connect")
"""The name in the audit log for actions of an operator."""

accounts = AppGroup("accounts", help="Connected accounts.")
user = AppGroup("user", help="Who may see and use the operations page.")


def init_app(app: Flask) -> None:
    """Add the commands and the shell's names."""
    app.cli = _Commands(app)
    app.cli.add_command(accounts)
    app.cli.add_command(user)
    app.cli.add_command(hold)
    app.shell_context_processor(_at_hand)


def add_migrations(app: Flask) -> None:
    """Let Flask-Migrate know this app. Alembic takes 11 MiB, so only those pay who migrate."""
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(Path(app.root_path).parent / "migrations"), render_as_batch=True)


class _Commands(AppGroup):
    """The app's commands, with ``flask db`` among them only when commands are asked for."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app.name)
        self._app = app

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names."""
        add_migrations(self._app)
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one of them."""
        if cmd_name == "db":
            add_migrations(self._app)
        return super().get_command(ctx, cmd_name)


def _at_hand() -> dict[str, Any]:
    sys.excepthook = _explain
    return {
        "long_task": current_celery.tasks[LONG_TASK],
        "queues": broker.waiting_messages,
        "redis": broker.client(current_app.config),
        "db": db,
        "User": User,
        "Tweet": Tweet,
        "Delivery": Delivery,
        "Account": Account,
        "AsyncResult": AsyncResult,
        "job_is_complete": job_is_complete,
    }


def _explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In the shell too, report an unreachable database in one sentence, without a traceback."""
    if isinstance(error, DATABASE_AWAY):
        print(_sentence(error), file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def _sentence(error: DBAPIError) -> str:
    return (
        f"The database says: {str(error.orig).strip()}\n"
        "Check DATABASE_URL; a new database needs: flask db upgrade"
    )


@click.command("hold")
@click.option(
    "--due-before",
    required=True,
    metavar="ISO8601",
    help="A moment with its offset, such as 2027-01-31T18:30:00+01:00, or the word NOW.",
)
@with_appcontext
def hold(due_before: str) -> None:
    """After a backup was restored: ask owners about what may have been sent since it was taken.

    Everything that was due before the moment and would go out by itself waits for its owner. What
    was being sent is looked up at its network first. docs/backup.md has the whole procedure.
    """
    named = _moment(due_before)
    try:
        moment = named or database_now()
        doubted = restore.hold_due_before(moment)
    except DATABASE_AWAY as error:
        raise click.ClickException(_sentence(error)) from None
    click.echo(f"Held for their owners: {doubted.held}.")
    click.echo(f"Looked up first, and then asked about: {doubted.looked_up}.")


def _moment(words: str) -> datetime | None:
    """Return the moment that the text means, None for now."""
    if words.strip().upper() == "NOW":
        return None
    try:
        moment = datetime.fromisoformat(words.strip())
        if moment.utcoffset() is not None:
            return moment.astimezone(UTC)
        problem = "says no offset from UTC"
    except (ValueError, OverflowError):
        problem = "is no moment in ISO 8601"
    raise click.BadParameter(
        f"{words!r} {problem}. Write it like 2027-01-31T18:30:00+01:00 or 2027-01-31T17:30:00Z, "
        "or the word NOW.",
        param_hint="--due-before",
    )


@accounts.command("reencrypt")
def reencrypt() -> None:
    """Encrypt all tokens anew under the first of TOKEN_KEYS; then the other keys can go.

    Web and workers may run, if they have been started with that key as their first one.
    """
    try:
        done = reencryption.reencrypt()
    except DATABASE_AWAY as error:
        raise click.ClickException(_sentence(error)) from None
    click.echo(f"Encrypted anew under the first key: {done.rows}.")
    for name in done.unreadable:
        click.echo(f"None of TOKEN_KEYS opens {name}.", err=True)
    if done.unreadable:
        raise click.ClickException(
            f"{len(done.unreadable)} could not be read and stay as they are. Add the key that "
            "they were encrypted with, or let their owners connect the accounts again."
        )
    click.echo("The other keys can be removed from TOKEN_KEYS.")


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
        done = connections.by_token(network, profile, credentials)
        kind = EventKind.ACCOUNT_ADDED if done.added else EventKind.ACCOUNT_RENEWED
        audit.note(kind, SHELL, done.user_id, network, profile.handle)
        db.session.commit()
    except DATABASE_AWAY as error:
        raise click.ClickException(_sentence(error)) from None
    click.echo(f"@{profile.handle} on {site.title} is connected.")


@user.command("promote")
@click.argument("handle")
@click.option("--network", help="Where the account of this handle is, such as x or mastodon.")
@click.option("--reader", is_flag=True, help="Let them look at everything and change nothing.")
def promote(handle: str, network: str | None, reader: bool) -> None:
    """Let the owner of an account use the operations page."""
    _give_role(handle, network, Role.READER if reader else Role.OPERATOR)
    may = "see the operations page and change nothing" if reader else "use the operations page"
    click.echo(f"@{handle.strip().removeprefix('@')} may now {may}.")


@user.command("demote")
@click.argument("handle")
@click.option("--network", help="Where the account of this handle is, such as x or mastodon.")
def demote(handle: str, network: str | None) -> None:
    """Close the operations page to the owner of an account."""
    _give_role(handle, network, None)
    click.echo(f"@{handle.strip().removeprefix('@')} has no role any more.")


def _give_role(handle: str, network: str | None, role: Role | None) -> None:
    place = f" on {_network(network).title}" if network else ""
    try:
        User.by_handle(handle, network).role = role
        db.session.commit()
    except LookupError as error:
        raise click.ClickException(f"{str(error).capitalize()}{place}.") from None
    except DATABASE_AWAY as error:
        raise click.ClickException(_sentence(error)) from None


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
