"""What is kept about each Mastodon server: our app there, and whether it checks codes.

An app is registered once at each server, however many people sign in at the same time. At a server
that gives tokens for invented codes, each connection has an app of its own instead: a shared one
would give everybody the account of the last person who signed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.networks.errors import ConnectRefused

App = dict[str, Any]
"""``client_id``, ``client_secret``; ``told``: what looks like a refusal of it there and is none;
``scopes``: what it may ask for, where that is more than a sign-in asks for."""
ANEW_REST = 3_600.0
"""Seconds in which a server gets one app at most that somebody asks for: anybody may ask."""


def mark_of(app: Mapping[str, Any]) -> str:
    """Return a short name of an app, for the cookie of whoever signs in with it."""
    return hashlib.sha256(str(app["client_id"]).encode()).hexdigest()[:24]


def too_soon() -> ConnectRefused:
    """Return what somebody is told who asks for a new app within ANEW_REST."""
    return ConnectRefused("just_registered")


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier sign-ins taught about a server."""

    checks_codes: bool | None = None
    """False once it gave a token for an invented code, for ever; None until that was tried."""
    has_answered: bool = False
    """Whether somebody once came back from it with an account."""


class Apps(Protocol):
    """Where registered apps are kept, by server and by the address that people come back to."""

    def get(self, server: str, redirect_uri: str) -> App | None:
        """Return the app, None when there is none yet."""

    def made_once(self, server: str, redirect_uri: str, register: Callable[[], App]) -> App:
        """Return the app; where there is none, one caller registers it and the others wait.

        Raises what ``register`` raises, and LookUpFailed when waiting took too long.
        """

    def forget(self, server: str, redirect_uri: str, app: Mapping[str, Any]) -> None:
        """Delete an app that its server no longer knows, unless another has replaced it."""

    def replaced(
        self, server: str, redirect_uri: str, mark: str, register: Callable[[], App]
    ) -> App:
        """Return another app than that of this mark, registered if that is still the one.

        The old one stays to be had with ``former``, for those who are signing in with it.

        :raises ConnectRefused: just_registered, within ANEW_REST of the last one.
        """

    def former(self, server: str, mark: str) -> App | None:
        """Return an app that another took the place of within the hour."""

    def keep_for_one(self, server: str, app: App) -> str:
        """Keep an app for one connection only; return the key under which it is found."""

    def take_for_one(self, server: str, key: str) -> App | None:
        """Return that app and delete it; None for an unknown key, or one of another server."""

    def known(self, server: str) -> Known:
        """Return what is known of a server."""

    def note_no_check(self, server: str) -> None:
        """Note for ever that a server gives tokens for invented codes."""

    def note_return(self, server: str, checks_codes: bool) -> None:
        """Note that somebody came back with an account, and whether an invented code was refused.

        What ``note_no_check`` said before stays.
        """
