"""The environment becomes settings; what is impossible is refused in sentences."""

from __future__ import annotations

import base64
import os
import shutil
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from redis import BlockingConnectionPool

import config
from app import create_app
from app.jobs import hasty_redis_options

ROOT = Path(__file__).resolve().parents[2]
KEY = base64.urlsafe_b64encode(bytes(32)).decode()  # no random names for tests run in parallel
PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "s",
    "TOKEN_KEYS": KEY,
    "DATABASE_URL": "postgresql://user@host/name",
    "REDIS_URL": "rediss://host:6379",
}
SECRETS = ["SECRET_KEY", "TOKEN_KEYS", "DATABASE_URL", "REDIS_URL"]


# Production


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("missing", SECRETS)
def test_production_names_the_missing_secret(missing: str, value: str | None) -> None:
    """Production does not start without any of them, and says which, in one sentence."""
    environ = {key: item for key, item in PRODUCTION.items() if key != missing}
    if value is not None:
        environ[missing] = value
    with pytest.raises(config.ConfigurationError, match=f"^{missing} is missing: .+\\.$") as told:
        config.load(environ)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("marker", [{"APP_ENV": "production"}, {"DYNO": "web.1"}])
def test_production_names_all_that_is_missing_at_once(marker: dict[str, str]) -> None:
    """Nobody has to start four times to learn four names, on Heroku or elsewhere."""
    with pytest.raises(config.ConfigurationError) as told:
        config.load(marker)
    lines = str(told.value).splitlines()
    assert [line.split(" ")[0] for line in lines] == SECRETS
    assert all(line.endswith(".") for line in lines)


def test_production_starts_with_its_secrets() -> None:
    """The same rules let a complete environment pass; cookies are closed to plain http."""
    loaded = config.load(PRODUCTION)
    assert loaded["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://user@host/name"
    assert loaded["SESSION_COOKIE_SECURE"] is True
    assert loaded["SECRET_KEY"] == "s"
    assert loaded["TOKEN_KEYS"] == [KEY]


def test_heroku_means_production_and_no_sqlite() -> None:
    """A dyno forgets its files."""
    environ = {**PRODUCTION, "APP_ENV": "", "DYNO": "web.1", "DATABASE_URL": "sqlite:///x.db"}
    with pytest.raises(config.ConfigurationError, match="SQLite"):
        config.load(environ)


# Servers


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_all_spellings_mean_psycopg_3(scheme: str) -> None:
    """Heroku's spelling is accepted, and everything behind it stays."""
    url = config.database_url(f"{scheme}://u:p%40ss@h:5433/n?sslmode=require")
    assert url == "postgresql+psycopg://u:p%40ss@h:5433/n?sslmode=require"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://user:hidden@host/name",
        "postgresql+psycopg2://user:hidden@host/name",
        "postgresql+asyncpg://user:hidden@host/name",
        "sqlite+pysqlcipher:///x.db",
        "sqlite:x.db",
        "postgresql:user:hidden@host/name",
        "postgresql://user:hidden@host:port/name",
        "postgresql://user:hidden@[::1/name",
    ],
)
def test_databases_that_do_not_work_here(url: str) -> None:
    """Refused at the start, by the variable's name and without the URL: it holds a password."""
    with pytest.raises(config.ConfigurationError, match=r"^DATABASE_URL .+\.$") as told:
        config.load({**PRODUCTION, "DATABASE_URL": url})
    assert "hidden" not in str(told.value)


def test_redis_provider_names_the_variable() -> None:
    """The URL is read from the variable that REDIS_PROVIDER names; without it production stops."""
    environ = {**PRODUCTION, "REDIS_PROVIDER": "OTHER_URL", "OTHER_URL": "redis://other"}
    assert config.load(environ)["REDIS_URL"] == "redis://other"
    with pytest.raises(config.ConfigurationError, match=r"^OTHER_URL is missing"):
        config.load({**environ, "OTHER_URL": ""})


@pytest.mark.parametrize("url", ["rediss://host:6379", "redis://host:6379/3"])
def test_herokus_certificates_reach_every_redis_client(url: str) -> None:
    """``rediss://``: encrypted, certificates unchecked, for broker, results, limits and probes."""
    app = create_app(config.load({**PRODUCTION, "REDIS_URL": url}))
    celery = app.extensions["celery"]
    wanted = {"ssl_cert_reqs": ssl.CERT_NONE} if url.startswith("rediss") else None
    assert celery.conf.broker_use_ssl == wanted
    assert celery.conf.redis_backend_use_ssl == wanted
    assert (celery.connection_for_write().ssl or None) == wanted
    results = celery.backend.connparams
    assert results.get("ssl_cert_reqs", "none given") == (ssl.CERT_NONE if wanted else "none given")
    limits: BlockingConnectionPool = app.config["RATELIMIT_STORAGE_OPTIONS"]["connection_pool"]
    for options in (hasty_redis_options(app.config, 1), limits.connection_kwargs):
        assert ("ssl_cert_reqs" in options) == bool(wanted)
        assert options.get("ssl_cert_reqs") is None


def test_a_worker_has_a_process_for_each_of_two_cores_where_that_helps() -> None:
    """Not on SQLite, with its one writer, nor on a small dyno; whoever says a number gets it."""
    cores = min(2, os.cpu_count() or 1)
    assert config.load(PRODUCTION)["WORKER_PROCESSES"] == cores
    assert config.load({**PRODUCTION, "DYNO": "worker.1"})["WORKER_PROCESSES"] == 1
    assert config.load({})["WORKER_PROCESSES"] == 1
    assert config.load({**PRODUCTION, "WORKER_PROCESSES": "3"})["WORKER_PROCESSES"] == 3


# Odd values


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEND_TIMEOUT", "soon"),
        ("SEND_TIMEOUT", "0"),
        ("SEND_TIMEOUT", "-1"),
        ("SEND_TIMEOUT", "nan"),
        ("SEND_TIMEOUT", "inf"),
        ("LATE_TOLERANCE", "1e12"),
        ("DATABASE_POOL_SIZE", "0"),
        ("MAX_ACCOUNTS", "0"),
        ("MAX_ACCOUNTS", "many"),
        ("BELL_TIMEOUT", "0,3"),
        ("RECONCILE_DELAYS", "1,two"),
        ("RECONCILE_DELAYS", "3,2,1"),
        ("RECONCILE_DELAYS", "-1,2"),
        ("RECONCILE_DELAYS", "1,"),
        ("RECONCILE_DELAYS", "nan"),
        ("RECONCILE_DELAYS", "1,inf"),
        ("RATE_LIMIT_WRITES", "lots"),
        ("RATE_LIMIT_READS", "5 per fortnight"),
        ("TOKEN_KEYS", "not a key"),
        ("TOKEN_KEYS", f"{KEY},short"),
        ("TOKEN_KEYS", " , "),
        ("REDIS_URL", "nonsense"),
        ("REDIS_URL", "amqp://host"),
        ("REDIS_URL", "redis://host:port"),
        ("REDIS_URL", "redis://[::1"),
        ("REDIS_URL", "redis://host/first"),
        ("X_CONSUMER_KEY", "without its secret"),
        ("X_API_URL", "http://x.example.com"),
        ("X_API_URL", "api.x.com"),
        ("X_AUTHORIZE_URL", "javascript:alert(1)"),
        ("APP_URL", "tweets.example.com"),
        ("BLUESKY_URL", "http://bsky.example.com"),
        ("FACEBOOK_CLIENT_ID", "without its secret"),
        ("FACEBOOK_GRAPH_URL", "http://graph.example.com"),
        ("FACEBOOK_DIALOG_URL", "javascript:alert(1)"),
        ("ALLOW_PRIVATE_SERVERS", "maybe"),
        ("BEHIND_PROXY", "nginx"),
        ("MEDIA_URL", "bucket/folder"),
        ("MEDIA_URL", "nowhere://bucket/folder"),
        ("MEDIA_URL", "gs://a-bucket-whose-package-is-not-there"),
    ],
)
def test_odd_values_are_refused_by_name(name: str, value: str) -> None:
    """One sentence that names the variable."""
    with pytest.raises(config.ConfigurationError, match=f"^{name} .+") as told:
        config.load({**PRODUCTION, name: value})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("1", True), ("true", True), ("Yes", True), ("0", False), ("false", False), ("", False)],
)
def test_private_servers_stay_closed_unless_said(word: str, meant: bool) -> None:
    """``ALLOW_PRIVATE_SERVERS=false`` does not open this machine to what people type."""
    assert (
        config.load({**PRODUCTION, "ALLOW_PRIVATE_SERVERS": word})["ALLOW_PRIVATE_SERVERS"] is meant
    )


def test_a_network_may_be_down_for_an_hour() -> None:
    """Nobody is asked meanwhile about tweets that its gateway answered with an error."""
    for delays in ("10,30,90,180,300", "1,2,3"):
        settings = config.load({"APP_ENV": "test", "RECONCILE_DELAYS": delays})
        assert settings["RECONCILE_PATIENCE"] > 3600


@pytest.mark.parametrize("url", ["s3://bucket/folder", "file:///folder"])
def test_a_place_for_pictures_needs_no_further_package(url: str) -> None:
    """What the documentation names first works with what is installed."""
    assert config.load({**PRODUCTION, "MEDIA_URL": url})["MEDIA_URL"] == url


def test_a_network_without_its_keys_is_not_ready() -> None:
    """Every network is there; one that lacks a setting says so, and does not stop the others."""
    environ = {**PRODUCTION, "X_CLIENT_ID": "ours"}
    networks = create_app(config.load(environ)).extensions["networks"]
    ready = {name for name, network in networks.items() if network.ready}
    assert set(networks) == {"x", "mastodon", "bluesky", "facebook"}
    assert ready == {"x", "mastodon", "bluesky"}
    facebook = {"FACEBOOK_CLIENT_ID": "1", "FACEBOOK_CLIENT_SECRET": "s"}
    networks = create_app(config.load({**PRODUCTION, **facebook})).extensions["networks"]
    assert networks["facebook"].ready
    assert not networks["x"].ready


def test_plain_http_is_for_this_machine() -> None:
    """A sandbox on loopback may speak http."""
    loaded = config.load({**PRODUCTION, "X_API_URL": "http://127.0.0.1:8001/"})
    assert loaded["X_API_URL"] == "http://127.0.0.1:8001"


@pytest.mark.parametrize(
    ("app_url", "secure"), [("https://t.example/", True), ("http://t.example", False)]
)
def test_cookies_follow_the_public_address(app_url: str, secure: bool) -> None:
    """``APP_URL`` decides whether cookies and redirects insist on https."""
    loaded = config.load({**PRODUCTION, "APP_URL": app_url})
    assert loaded["SESSION_COOKIE_SECURE"] is secure
    assert loaded["APP_URL"] == app_url.rstrip("/")


# Development


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that holds config.py and nothing else, so that instance/ is its own."""
    shutil.copy(ROOT / "config.py", tmp_path)
    return tmp_path


def loading(folder: Path) -> subprocess.Popen[str]:
    """Load the configuration in a process of its own, with an empty environment."""
    script = "import config; c = config.load(); print(c['SECRET_KEY'], *c['TOKEN_KEYS'])"
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_development_secrets_are_made_once(checkout: Path) -> None:
    """Processes that start together agree on secrets that only their owner can read."""
    together = [loading(checkout) for _ in range(4)]
    words = {process.communicate(timeout=60)[0] for process in together}
    later, _ = loading(checkout).communicate(timeout=60)
    assert words == {later}
    secret, key = later.split()
    assert len(secret) > 40
    Fernet(key)
    kept = checkout / "instance" / "secrets.env"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [file.name for file in kept.parent.iterdir()] == ["secrets.env"]


def test_the_environment_wins_over_env_files(checkout: Path) -> None:
    """``.env`` completes what is not set, also for the secrets."""
    (checkout / ".env").write_text(f"SECRET_KEY=from the file\nTOKEN_KEYS={KEY}\n")
    assert loading(checkout).communicate(timeout=60)[0] == f"from the file {KEY}\n"
    assert not (checkout / "instance" / "secrets.env").exists()
