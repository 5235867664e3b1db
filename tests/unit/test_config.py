"""Impossible environments are refused in sentences."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import config

ROOT = Path(__file__).resolve().parents[2]
KEY = "x" * 43 + "="
PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "s",
    "TOKEN_KEYS": KEY,
    "DATABASE_URL": "postgresql://user@host/name",
    "REDIS_URL": "rediss://host:6379",
}


@pytest.mark.parametrize("missing", ["SECRET_KEY", "TOKEN_KEYS", "DATABASE_URL", "REDIS_URL"])
def test_production_names_the_missing_secret(missing: str) -> None:
    """Production does not start without any of them, and says which."""
    environ = {key: value for key, value in PRODUCTION.items() if key != missing}
    with pytest.raises(config.ConfigurationError, match=f"^{missing} is missing"):
        config.load(environ)


def test_production_starts_with_its_secrets() -> None:
    """The same rules let a complete environment pass; cookies are closed to plain http."""
    loaded = config.load(PRODUCTION)
    assert loaded["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://user@host/name"
    assert loaded["SESSION_COOKIE_SECURE"] is True


def test_heroku_means_production_and_no_sqlite() -> None:
    """A dyno forgets its files."""
    environ = {**PRODUCTION, "APP_ENV": "", "DYNO": "web.1", "DATABASE_URL": "sqlite:///x.db"}
    with pytest.raises(config.ConfigurationError, match="SQLite"):
        config.load(environ)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_spellings_mean_psycopg_3(scheme: str) -> None:
    """Heroku's spelling is accepted."""
    assert config.database_url(f"{scheme}://h/n") == "postgresql+psycopg://h/n"


def test_redis_provider_names_the_variable() -> None:
    """The URL is read from the variable that REDIS_PROVIDER names."""
    environ = {**PRODUCTION, "REDIS_PROVIDER": "OTHER_URL", "OTHER_URL": "redis://other"}
    assert config.load(environ)["REDIS_URL"] == "redis://other"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEND_TIMEOUT", "soon"),
        ("SEND_TIMEOUT", "0"),
        ("RECONCILE_DELAYS", "1,two"),
        ("RECONCILE_DELAYS", "3,2,1"),
        ("TOKEN_KEYS", "not a key"),
        ("X_CONSUMER_KEY", "without its secret"),
    ],
)
def test_odd_values_are_named(name: str, value: str) -> None:
    """The sentence names the variable."""
    with pytest.raises(config.ConfigurationError, match=name.removesuffix("_KEY")):
        config.load({**PRODUCTION, name: value})


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "postgresql://host:port/name"])
@pytest.mark.parametrize("words", [["db", "upgrade"], ["accounts", "connect"]])
def test_a_broken_database_url_stops_with_a_sentence(url: str, words: list[str]) -> None:
    """No traceback, an exit status, and the variable's name."""
    done = run_flask(url, words)
    assert done.returncode != 0
    assert "DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_database_stops_with_a_sentence() -> None:
    """A database that does not answer is named too."""
    done = run_flask("postgresql://127.0.0.1:1/nobody", ["db", "upgrade"])
    assert done.returncode != 0
    assert "DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def run_flask(database_url: str, words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a flask command with this database."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "flask", "--app", "app", *words],
        cwd=ROOT,
        env={**os.environ, **PRODUCTION, "APP_ENV": "test", "DATABASE_URL": database_url},
        input="token\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
