"""What `make run` starts depends on what the environment already names."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values

from dev import plan, ports, ready, run


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_nothing_given_brings_everything() -> None:
    """Without any variable there is a Redis server, a sandbox, and an application told of both."""
    made = plan.make({})
    assert made.skipped == frozenset()
    assert made.environment["REDIS_URL"] == f"redis://127.0.0.1:{made.redis}/0"
    assert made.environment["X_API_URL"] == f"http://127.0.0.1:{made.sandbox['x']}"
    assert made.environment["X_CLIENT_ID"] == "sandbox-client"
    for name in ("MASTODON_SERVER", "BLUESKY_URL"):
        port = made.sandbox[name.partition("_")[0].lower()]
        assert made.environment[name] == f"http://127.0.0.1:{port}"
    assert f":{made.sandbox['facebook']}/" in made.environment["FACEBOOK_GRAPH_URL"]
    assert made.environment["ALLOW_PRIVATE_SERVERS"] == "1"
    assert made.environment["MAIL_URL"] == f"smtp://127.0.0.1:{made.mail}"
    assert len(set(made.ports)) == 7
    assert "DATABASE_URL" not in made.environment
    assert made.environment["FIRST_USER_ROLE"] == "operator"
    assert plan.make({"FIRST_USER_ROLE": ""}).environment["FIRST_USER_ROLE"] == ""


@pytest.mark.parametrize("name", ["REDIS_URL", "REDIS_PROVIDER"])
def test_a_given_redis_is_used(name: str) -> None:
    """With a Redis server named, none is started."""
    made = plan.make({name: "redis://127.0.0.1:1/0"})
    assert "redis" in made.skipped
    assert made.redis is None
    assert made.environment[name] == "redis://127.0.0.1:1/0"


@pytest.mark.parametrize("name", ["X_CLIENT_ID", "X_CONSUMER_KEY"])
def test_real_keys_mean_no_sandbox(name: str) -> None:
    """With X's keys given, no sandbox is started and no address replaced."""
    made = plan.make({name: "real"})
    assert "sandbox" in made.skipped
    assert "X_API_URL" not in made.environment
    assert not any(variable.startswith(("X_", "BLUESKY_", "ALLOW_")) for variable in made.shared)


@pytest.mark.parametrize(
    ("given", "left_alone"),
    [
        ({"BLUESKY_URL": "https://bsky.social"}, "BLUESKY_"),
        ({"MASTODON_SERVER": "example.social"}, "MASTODON_"),
        ({"FACEBOOK_CLIENT_ID": "1", "FACEBOOK_CLIENT_SECRET": "s"}, "FACEBOOK_"),
        ({"ALLOW_PRIVATE_SERVERS": "0"}, "ALLOW_"),
    ],
)
def test_a_network_that_is_named_is_left_alone(given: dict[str, str], left_alone: str) -> None:
    """A real network may stand beside the sandbox's; nothing of it is replaced, the rest played."""
    made = plan.make(given)
    ours = {name for name in made.environment if name.startswith(left_alone)}
    assert {name: made.environment[name] for name in ours} == given
    assert made.environment["X_CLIENT_ID"] == "sandbox-client"
    assert left_alone.strip("_").lower() not in made.environment["SANDBOX"].split(",")
    assert ("nothing leaves this machine" in ready.greeting(made)) == (left_alone == "ALLOW_")


def test_half_a_network_is_refused() -> None:
    """An address of X without a key is a mistake, said so, not silently replaced."""
    with pytest.raises(SystemExit, match="neither X_CLIENT_ID nor X_CONSUMER_KEY"):
        plan.make({"X_API_URL": "http://127.0.0.1:1"})


def test_a_taken_default_port_is_passed_over(taken: int) -> None:
    """Nobody has to know which ports are free."""
    assert ports.next_free(taken) > taken


def test_a_port_asked_for_is_never_changed(taken: int) -> None:
    """Whoever asks for a port gets it, or is told that it is taken."""
    with pytest.raises(SystemExit, match=f"Port {taken} is taken"):
        plan.make({"PORT": str(taken)})


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8000.5"])
def test_a_port_that_is_no_port_is_refused(port: str) -> None:
    """A mistyped PORT gets a sentence."""
    with pytest.raises(SystemExit, match="PORT must be a number"):
        plan.make({"PORT": port})


@pytest.mark.parametrize("value", ["a b", "it's", 'say "no"', "back\\slash", "# no comment", "$x"])
def test_other_terminals_read_exactly_what_was_written(value: str, tmp_path: Path) -> None:
    """Any value survives the way through run.env."""
    file = tmp_path / "run.env"
    run.write_run_env({"DATABASE_URL": value}, file)
    assert dotenv_values(file) == {"DATABASE_URL": value}


def test_workers_by_need_are_started_by_web() -> None:
    """With ``AUTOSCALE=local`` there is no second one that always runs."""
    assert "worker" in plan.make({"AUTOSCALE": "local"}).skipped
    assert "worker" not in plan.make({"AUTOSCALE": "command"}).skipped
