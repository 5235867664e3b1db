"""The networks: one site is one class and one line here. Nothing in here knows Flask or rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.networks import base, history, http, text
from app.networks.base import (
    VISIBILITY,
    AsksForMore,
    Body,
    Connection,
    Consent,
    Credentials,
    Destination,
    HasOptions,
    Limits,
    Network,
    Outcome,
    OutcomeKind,
    Part,
    Picture,
    Profile,
    RegistersApps,
    Scope,
    SeenPost,
)
from app.networks.bluesky import Bluesky
from app.networks.errors import (
    AppRefused,
    ConnectRefused,
    CursorLost,
    LookUpFailed,
    LookUpRefused,
    QuoteRefused,
    RefreshUnclear,
    TokenRefused,
    UploadRefused,
)
from app.networks.facebook import Facebook
from app.networks.history import Asked, HistoryPage, Numbers, PastItem, ReadKind
from app.networks.http import host_in, public_https_url
from app.networks.mastodon import ANEW_REST, App, Known, Mastodon, mark_of, too_soon
from app.networks.option_values import tidy
from app.networks.options import LANGUAGES, Option, OptionProblem
from app.networks.responses import seconds_until
from app.networks.text import TextProblem
from app.networks.x import X_COUNTING, X

REGISTRY: tuple[type[Network], ...] = (X, Mastodon, Bluesky, Facebook)


def build(config: Mapping[str, Any]) -> dict[str, Network]:
    """Return every network by name, set up from the app's configuration.

    Those that lack a setting are there too, and say so: ``ready``.
    """
    return {network.name: network(config) for network in REGISTRY}


__all__ = [
    "ANEW_REST",
    "LANGUAGES",
    "REGISTRY",
    "VISIBILITY",
    "X_COUNTING",
    "App",
    "AppRefused",
    "Asked",
    "AsksForMore",
    "Body",
    "ConnectRefused",
    "Connection",
    "Consent",
    "Credentials",
    "CursorLost",
    "Destination",
    "HasOptions",
    "HistoryPage",
    "Known",
    "Limits",
    "LookUpFailed",
    "LookUpRefused",
    "Network",
    "Numbers",
    "Option",
    "OptionProblem",
    "Outcome",
    "OutcomeKind",
    "Part",
    "PastItem",
    "Picture",
    "Profile",
    "QuoteRefused",
    "ReadKind",
    "RefreshUnclear",
    "RegistersApps",
    "Scope",
    "SeenPost",
    "TextProblem",
    "TokenRefused",
    "UploadRefused",
    "base",
    "build",
    "history",
    "host_in",
    "http",
    "mark_of",
    "public_https_url",
    "seconds_until",
    "text",
    "tidy",
    "too_soon",
]
