"""Decide what `make run` starts, on which ports, and what every process is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import ports

PAGE_PORT, SANDBOX_PORT, REDIS_PORT = 8000, 8090, 6390
#: What another terminal needs to find the same servers.
SHARED = ("PORT", "DATABASE_URL", "REDIS_URL")
BESIDE_X = ("mastodon", "bluesky", "facebook")


@dataclass(frozen=True)
class Plan:
    """What to start and where it will be."""

    environment: dict[str, str]
    skipped: frozenset[str]
    page: int
    sandbox: dict[str, int]
    """The port of each network that the sandbox plays."""
    mail: int | None
    """The port of its mail server."""
    redis: int | None
    shared: dict[str, str]

    @property
    def ports(self) -> list[int]:
        """Every port on which something of ours will listen."""
        return [port for port in (self.page, *self.sandbox.values(), self.mail, self.redis) if port]


def make(given: Mapping[str, str]) -> Plan:
    """Choose free ports and complete the environment; what is given stays as it is.

    :raises SystemExit: with a sentence, when the given variables cannot work.
    """
    known = {name: value for name, value in given.items() if value}
    environment = known | {
        "APP_ENV": known.get("APP_ENV", "development"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{known.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "TEMPLATE_CACHE": given.get("TEMPLATE_CACHE", str(Path("instance") / "templates")),
        "FIRST_USER_ROLE": given.get("FIRST_USER_ROLE", "operator"),
    }
    page = page_port(known)
    environment["PORT"] = str(page)
    shared = list(SHARED)
    skipped = set()
    redis = None
    if known.get("REDIS_URL") or known.get("REDIS_PROVIDER"):
        skipped.add("redis")
        shared += filter(None, ["REDIS_PROVIDER", known.get("REDIS_PROVIDER")])
    else:
        redis = ports.next_free(REDIS_PORT)
        environment["REDIS_URL"] = f"redis://{ports.LOOPBACK}:{redis}/0"
    if known.get("AUTOSCALE", "").strip().lower() == "local":
        skipped.add("worker")  # web starts and stops it
    sandbox: dict[str, int] = {}
    mail = None
    if known.get("X_CLIENT_ID") or known.get("X_CONSUMER_KEY"):
        skipped.add("sandbox")
    else:
        refuse_half_a_network(known)
        sandbox = sandbox_ports()
        mail = ports.next_free(max(sandbox.values()) + 1)
        variables = sandbox_variables(sandbox, known) | mail_variables(mail, known)
        environment |= variables
        shared += variables
    return Plan(
        environment=environment,
        skipped=frozenset(skipped),
        page=page,
        sandbox=sandbox,
        mail=mail,
        redis=redis,
        shared={name: environment[name] for name in shared if name in environment},
    )


def page_port(known: Mapping[str, str]) -> int:
    """Return the port that was asked for, or the first free one from 8000.

    :raises SystemExit: when the port that was asked for cannot be had.
    """
    asked = known.get("PORT")
    if asked is None:
        return ports.next_free(PAGE_PORT)
    if not asked.isdecimal() or not 1 <= int(asked) <= 65_535:
        sys.exit(f"PORT must be a number from 1 to 65535, not {asked!r}.")
    if not ports.is_free(int(asked)):
        sys.exit(f"Port {asked} is taken. Choose another: make run PORT=8001")
    return int(asked)


def refuse_half_a_network(known: Mapping[str, str]) -> None:
    """Stop rather than quietly replace addresses that somebody chose."""
    for name in ("X_API_URL", "X_AUTHORIZE_URL"):
        if name in known:
            sys.exit(
                f"{name} is set, but neither X_CLIENT_ID nor X_CONSUMER_KEY. "
                "Set one of them too, or none of the three to use the sandbox."
            )


def sandbox_ports() -> dict[str, int]:
    """Return a free port for each network, one after the other."""
    chosen: dict[str, int] = {}
    for name in ("x", *BESIDE_X):
        chosen[name] = ports.next_free(max(chosen.values(), default=SANDBOX_PORT - 1) + 1)
    return chosen


def sandbox_variables(chosen: Mapping[str, int], known: Mapping[str, str]) -> dict[str, str]:
    """Return what makes the application speak to the sandbox instead of the networks.

    :param known: what is given; a network that it names is left alone.
    """
    at = {name: f"http://{ports.LOOPBACK}:{port}" for name, port in chosen.items()}
    variables = {
        "SANDBOX_PORT": str(chosen["x"]),
        **{f"SANDBOX_{name.upper()}_PORT": str(chosen[name]) for name in BESIDE_X},
        "X_API_URL": at["x"],
        "X_AUTHORIZE_URL": f"{at['x']}/i/oauth2/authorize",
        "X_CLIENT_ID": "sandbox-client",
        "X_CLIENT_SECRET": "sandbox-secret",
    }
    played = ["x"]
    if "MASTODON_SERVER" not in known:
        variables["MASTODON_SERVER"] = at["mastodon"]
        played.append("mastodon")
    if "BLUESKY_URL" not in known:
        variables["BLUESKY_URL"] = at["bluesky"]
        played.append("bluesky")
    if not any(name.startswith("FACEBOOK_") for name in known):
        variables |= facebook_variables(at["facebook"])
        played.append("facebook")
    variables["SANDBOX"] = ",".join(played)
    if "ALLOW_PRIVATE_SERVERS" not in known:
        variables["ALLOW_PRIVATE_SERVERS"] = "1"
    return variables


def mail_variables(port: int, known: Mapping[str, str]) -> dict[str, str]:
    """Return where the sandbox's mail server is; a server that is given is used instead."""
    variables = {"SANDBOX_MAIL_PORT": str(port)}
    if "MAIL_URL" not in known:
        variables["MAIL_URL"] = f"smtp://{ports.LOOPBACK}:{port}"
    return variables


def facebook_variables(address: str) -> dict[str, str]:
    """Return the keys and addresses of the sandbox's Facebook."""
    return {
        "FACEBOOK_GRAPH_URL": f"{address}/v25.0",
        "FACEBOOK_DIALOG_URL": f"{address}/v25.0/dialog/oauth",
        "FACEBOOK_CLIENT_ID": "100200300400500",
        "FACEBOOK_CLIENT_SECRET": "sandbox-facebook-secret",
    }
