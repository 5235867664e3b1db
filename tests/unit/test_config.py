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
from app.broker import hasty_redis_options

ROOT = Path(__file__).resolve().parents[2]
KEY = base64.urlsafe_b64encode(bytes(32)).decode()  # no random names for tests run in parallel
PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "s" * 32,
    "TOKEN_KEYS": KEY,
    "DATABASE_URL": "postgresql://user@host/name",
    "REDIS_URL": "rediss://host:6379",
    "APP_URL": "https://tweets.example",
}
SECRETS = ["SECRET_KEY", "TOKEN_KEYS", "DATABASE_URL", "REDIS_URL", "APP_URL"]


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
    """Nobody has to start five times to learn five names, on Heroku or elsewhere."""
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
    assert loaded["SECRET_KEY"] == "s" * 32
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


@pytest.mark.parametrize(
    ("url", "environ", "wanted"),
    [
        ("rediss://host:6379", {}, (ssl.CERT_REQUIRED, True)),
        ("rediss://host:6379", {"REDIS_TLS_VERIFY": "0"}, (ssl.CERT_NONE, False)),
        ("rediss://host:6379", {"DYNO": "web.1"}, (ssl.CERT_NONE, False)),
        (
            "rediss://host:6379",
            {"DYNO": "web.1", "REDIS_TLS_VERIFY": "1"},
            (ssl.CERT_REQUIRED, True),
        ),
        ("redis://host:6379/3", {}, None),
    ],
)
def test_every_redis_client_checks_certificates_alike(
    url: str, environ: dict[str, str], wanted: tuple[ssl.VerifyMode, bool] | None
) -> None:
    """Broker, results, limits and probes; Heroku's Redis signs its own, so a dyno does not ask."""
    app = create_app(config.load({**PRODUCTION, **environ, "REDIS_URL": url}))
    celery = app.extensions["celery"]
    pool: BlockingConnectionPool = app.config["RATELIMIT_STORAGE_OPTIONS"]["connection_pool"]
    for options in (
        celery.conf.broker_use_ssl or {},
        celery.connection_for_write().ssl or {},
        celery.backend.connparams,
        hasty_redis_options(app.config, 1),
        pool.connection_kwargs,
    ):
        found = (options["ssl_cert_reqs"], options["ssl_check_hostname"]) if wanted else None
        assert found == wanted
        assert wanted or "ssl_cert_reqs" not in options


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
        ("BODY_TIMEOUT", "0"),
        ("BODY_TIMEOUT", "never"),
        ("MAX_ACCOUNTS", "0"),
        ("MAX_ACCOUNTS", "many"),
        ("BROKER_TIMEOUT", "0,3"),
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
        ("APP_URL", "https://ana@tweets.example.com"),
        ("APP_URL", "https://two words.example"),
        ("APP_URL", "https://tweets..example"),
        ("SECRET_KEY", "s" * 31),
        ("SECRET_KEY_FALLBACKS", f"{'o' * 32},{'o' * 31}"),
        ("FLASK_DEBUG", "1"),
        ("X_API_URL", "http://127.0.0.1.example.com"),
        ("TRUSTED_HOSTS", "https://www.example.com"),
        ("TRUSTED_HOSTS", "www.example.com:8000"),
        ("TRUSTED_HOSTS", "www.example.com,*"),
        ("TRUSTED_HOSTS", "."),
        ("HSTS_INCLUDE_SUBDOMAINS", "63072000"),
        ("REDIS_TLS_VERIFY", "none"),
        ("BLUESKY_URL", "http://bsky.example.com"),
        ("PLC_URL", "http://plc.example.com"),
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


@pytest.mark.parametrize("old", config.RENAMED)
def test_old_names_of_settings_work_for_a_release(old: str) -> None:
    """What was set under an old name holds, and one line says how it is called now."""
    new = config.RENAMED[old]
    settings = config.load({"APP_ENV": "test", "TOKEN_KEYS": KEY, "SECRET_KEY": "s", old: "7777"})
    assert settings[new] == 7777
    assert [line for line in settings["WARNINGS"] if old in line and new in line]
    both = {"APP_ENV": "test", "TOKEN_KEYS": KEY, "SECRET_KEY": "s", old: "7777", new: "8888"}
    assert config.load(both)[new] == 8888


def test_a_network_may_be_down_for_an_hour() -> None:
    """Nobody is asked meanwhile about tweets that its gateway answered with an error."""
    for delays in ("10,30,90,180,300", "1,2,3"):
        settings = config.load({"APP_ENV": "test", "RECONCILE_DELAYS": delays})
        assert settings["RECONCILE_GIVE_UP_AFTER"] > 3600


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
    ("environ", "directory"),
    [
        ({}, "https://plc.directory"),
        ({"BLUESKY_URL": "https://bsky.example.com"}, "https://plc.directory"),
        ({"BLUESKY_URL": "http://127.0.0.1:8092/"}, "http://127.0.0.1:8092"),
        ({"PLC_URL": "https://plc.example.com/"}, "https://plc.example.com"),
        (
            {"BLUESKY_URL": "http://127.0.0.1:8092", "PLC_URL": "http://127.0.0.1:9"},
            "http://127.0.0.1:9",
        ),
    ],
)
def test_a_sandbox_is_its_own_directory(environ: dict[str, str], directory: str) -> None:
    """Whose server an account is on is asked where the accounts are from."""
    assert config.load({**PRODUCTION, **environ})["PLC_URL"] == directory


@pytest.mark.parametrize(
    ("app_url", "secure"), [("https://t.example/", True), ("http://t.example", False)]
)
def test_cookies_follow_the_public_address(app_url: str, secure: bool) -> None:
    """``APP_URL`` decides whether cookies and redirects insist on https."""
    loaded = config.load({**PRODUCTION, "APP_URL": app_url})
    assert loaded["SESSION_COOKIE_SECURE"] is secure
    assert loaded["APP_URL"] == app_url.rstrip("/")


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"ALLOW_PRIVATE_SERVERS": "1"}, "ALLOW_PRIVATE_SERVERS"),
        ({"APP_URL": "http://tweets.example"}, "APP_URL"),
        ({"REDIS_TLS_VERIFY": "0"}, "REDIS_TLS_VERIFY"),
        ({"MAIL_URL": "smtp://me:hush@mail.example:587"}, "MAIL_URL"),
    ],
)
def test_what_opens_something_in_production_is_said(environ: dict[str, str], word: str) -> None:
    """One sentence each; nothing is said of safe settings, nor in development."""
    assert config.load(PRODUCTION)["WARNINGS"] == []
    assert config.load({**PRODUCTION, "APP_URL": "http://127.0.0.1:8000"})["WARNINGS"] == []
    assert config.load({**PRODUCTION, **environ, "APP_ENV": "test"})["WARNINGS"] == []
    (sentence,) = config.load({**PRODUCTION, **environ})["WARNINGS"]
    assert sentence.startswith(word)
    assert sentence.endswith(".")
    assert "hush" not in sentence
    safe = ("smtp://me:hush@mail.example:587?tls=starttls", "smtp://me:hush@127.0.0.1:25")
    assert [config.load({**PRODUCTION, "MAIL_URL": url})["WARNINGS"] for url in safe] == [[], []]


def test_alert_urls_are_a_list_and_no_error_shows_them() -> None:
    """A comma may be inside of one, such as between two addresses of a mail."""
    urls = "mailtos://me:hush@example.com?to=a@example.com,b@example.com, json://127.0.0.1:9/,"
    assert config.load({**PRODUCTION, "ALERT_URLS": urls})["ALERT_URLS"] == [
        "mailtos://me:hush@example.com?to=a@example.com,b@example.com",
        "json://127.0.0.1:9/",
    ]
    assert config.load(PRODUCTION)["ALERT_URLS"] == []
    with pytest.raises(config.ConfigurationError, match="ALERT_URLS") as refused:
        config.load({**PRODUCTION, "ALERT_URLS": "me:hush@example.com"})
    assert "hush" not in str(refused.value)


def test_further_names_are_those_that_are_listed() -> None:
    """In the spelling of browsers, beside the public address and this machine's own names."""
    environ = {
        **PRODUCTION,
        "TRUSTED_HOSTS": " WWW.Example, .tweets.example ,10.0.0.5,[2001:DB8::1]",
    }
    names = config.load({**environ, "APP_URL": "https://Büro.example:8443"})["SERVED_HOSTS"]
    assert set(names) == {
        "xn--bro-hoa.example",
        "www.example",
        ".tweets.example",
        "10.0.0.5",
        "2001:db8::1",
        ".localhost",
        "127.0.0.1",
        "::1",
    }


def test_a_development_machine_in_a_cloud_has_that_clouds_names() -> None:
    """Nothing else does: a name that the environment does not know is not ours."""
    cloud = {"GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev"}
    codespace = {"APP_ENV": "test", "CODESPACE_NAME": "a-b", **cloud}
    assert ".app.github.dev" in config.load(codespace)["SERVED_HOSTS"]
    with_address = {**codespace, "APP_URL": "https://tweets.example"}
    assert ".app.github.dev" not in config.load(with_address)["SERVED_HOSTS"]


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


@pytest.mark.slow
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


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_what_is_kept_here_is_its_owners_alone(checkout: Path, umask: int) -> None:
    """Whatever the umask is, and also what an earlier version left open."""
    left_open = checkout / "instance" / "valkey"
    left_open.mkdir(parents=True)
    (left_open / "dump.rdb").touch()
    for path in (left_open.parent, left_open):
        path.chmod(0o777)
    (left_open / "dump.rdb").chmod(0o666)
    subprocess.run(
        [sys.executable, "-c", f"import os; os.umask({umask}); import config; config.load()"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"]},
        check=True,
        timeout=60,
    )
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (left_open.parent, *left_open.parent.rglob("*"))
    }
    assert modes == {"instance": 0o700, "valkey": 0o700, "dump.rdb": 0o600, "secrets.env": 0o600}


@pytest.mark.slow
def test_a_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    """With its log and its index, which SQLite makes like the file itself."""
    file = tmp_path / "rows.sqlite3"
    script = (
        "import os; os.umask(0); from app import create_app; from app.db import db\n"
        "with create_app().app_context():\n"
        "    db.session.execute(db.text('CREATE TABLE t (n INTEGER)')); db.session.commit()\n"
        "    for end in ('', '-wal', '-shm'):\n"
        f"        print(oct(os.stat('{file}' + end).st_mode & 0o777))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        env={"PATH": "", "SECRET_KEY": "s", "TOKEN_KEYS": KEY, "DATABASE_URL": f"sqlite:///{file}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["0o600"] * 3


# Quotas


def test_quotas_are_generous_and_can_be_changed() -> None:
    """Twenty thousand tweets, a gigabyte of pictures, a year; each by its own variable."""
    names = ("MAX_WAITING_TWEETS", "MAX_PICTURE_BYTES", "KEEP_DAYS")
    usual = config.load(PRODUCTION)
    assert [usual[name] for name in names] == [20_000, 1_073_741_824, 365]
    chosen = config.load(PRODUCTION | dict(zip(names, ("5", "6", "0"), strict=True)))
    assert [chosen[name] for name in names] == [5, 6, 0]


@pytest.mark.parametrize("name", ["MAX_WAITING_TWEETS", "MAX_PICTURE_BYTES"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "1e3", "nan", "9" * 19, "٣"])
def test_quotas_are_whole_numbers(name: str, value: str) -> None:
    """Anything else is refused in a sentence."""
    with pytest.raises(config.ConfigurationError, match=f"^{name} must be a whole number"):
        config.load(PRODUCTION | {name: value})


@pytest.mark.parametrize("value", ["0.5", "-1", "nan", "inf", "a year"])
def test_days_of_keeping(value: str) -> None:
    """What has just been published is needed to tell tweets apart: a day at least, or for ever."""
    with pytest.raises(config.ConfigurationError, match=r"^KEEP_DAYS must be .+\.$"):
        config.load(PRODUCTION | {"KEEP_DAYS": value})


@pytest.mark.parametrize(
    ("word", "played", "site"),
    [
        ("x, mastodon", ("x", "mastodon"), "http://127.0.0.1:8090"),
        ("FACEBOOK", ("facebook",), "https://x.com"),
        ("", (), "https://x.com"),
    ],
)
def test_what_the_sandbox_plays_is_said(word: str, played: tuple[str, ...], site: str) -> None:
    """An address on this machine alone is no sandbox: a real server may stand there."""
    loaded = config.load({"SECRET_KEY": "k", "X_API_URL": "http://127.0.0.1:8090", "SANDBOX": word})
    assert (loaded["SANDBOX"], loaded["X_SITE_URL"]) == (played, site)
    with pytest.raises(config.ConfigurationError, match="SANDBOX"):
        config.load({"SECRET_KEY": "k", "SANDBOX": "twitter"})


# Autoscaling


def test_workers_by_need_are_off_unless_asked_for() -> None:
    """The usual numbers; a dyno is asked for earlier than a process."""
    assert config.load({})["AUTOSCALE"] is None
    local = config.load({"AUTOSCALE": "local"})
    assert [local[f"AUTOSCALE_{name}"] for name in ("LEAD", "IDLE", "MAX", "BACKLOG")] == [
        *(30, 60, 1, 1000)
    ]
    heroku = {"AUTOSCALE": "heroku", "HEROKU_API_KEY": "k", "HEROKU_APP_NAME": "app"}
    known = config.load(heroku)
    assert (known["AUTOSCALE"], known["AUTOSCALE_LEAD"]) == ("heroku", 60)
    assert known["HEROKU_API_URL"] == "https://api.heroku.com"


@pytest.mark.parametrize("missing", ["HEROKU_API_KEY", "HEROKU_APP_NAME"])
def test_heroku_is_off_without_its_variables(missing: str) -> None:
    """And the log says which one is missing."""
    given = {"AUTOSCALE": "heroku", "HEROKU_API_KEY": "k", "HEROKU_APP_NAME": "app", missing: ""}
    known = config.load(given)
    assert known["AUTOSCALE"] is None
    assert f"AUTOSCALE is off, because {missing} is missing." in known["WARNINGS"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"AUTOSCALE": "yes"}, "AUTOSCALE must be local, heroku or command, not 'yes'."),
        ({"AUTOSCALE": "command"}, "AUTOSCALE is command but AUTOSCALE_COMMAND is missing."),
        (
            {"AUTOSCALE": "command", "AUTOSCALE_COMMAND": "scale 'it"},
            "AUTOSCALE_COMMAND is no command: No closing quotation.",
        ),
        ({"AUTOSCALE_MAX": "0"}, "AUTOSCALE_MAX must be from 1"),
        ({"HEROKU_API_URL": "ftp://heroku"}, "HEROKU_API_URL must begin with https://."),
    ],
)
def test_impossible_autoscaling_is_refused(given: dict[str, str], sentence: str) -> None:
    """One sentence each."""
    with pytest.raises(config.ConfigurationError, match=f"^{sentence}"):
        config.load(given)


# Mail


def test_mail_is_off_unless_a_server_is_named() -> None:
    """And links and the sender follow the site's address."""
    assert config.load(PRODUCTION)["MAIL_URL"] is None
    known = config.load({**PRODUCTION, "MAIL_URL": "smtps://user:word@mail.example"})
    assert known["SITE_URL"] == "https://tweets.example"
    assert known["MAIL_FROM"] == "Tweet Later <no-reply@tweets.example>"
    assert known["MAIL_RETRY_DELAYS"] == [30, 120, 600, 3600]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"MAIL_URL": "http://user:hidden@mail.example"},
            "MAIL_URL is not the address of a server",
        ),
        ({"MAIL_URL": "smtp://"}, "MAIL_URL is not the address of a server"),
        ({"MAIL_URL": "smtp://host?tls=maybe"}, "MAIL_URL is not the address of a server"),
        ({"MAIL_FROM": "Tweet Later"}, "MAIL_FROM must be an address"),
        ({"MAIL_RETRY_DELAYS": "60,30"}, "MAIL_RETRY_DELAYS must be rising"),
        ({"RATE_LIMIT_MAIL": "often"}, "RATE_LIMIT_MAIL"),
    ],
)
def test_impossible_mail_is_refused(given: dict[str, str], sentence: str) -> None:
    """Without the password that the address may hold."""
    with pytest.raises(config.ConfigurationError, match=sentence) as refused:
        config.load({**PRODUCTION, **given})
    assert "hidden" not in str(refused.value)
