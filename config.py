"""Every setting, read from the environment once; imports nothing of ours."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
import re
import secrets
import shlex
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, MultiFernet
from dotenv import dotenv_values
from fsspec import get_filesystem_class
from limits import parse_many
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent
INSTANCE = ROOT / "instance"
DAY = 86_400
MOST = 10 * 365 * DAY
TOGETHER = ("X_", "FACEBOOK_")
"""Variables with the same prefix belong together: all come from one source."""
ADDRESSES = {
    "X_API_URL": "https://api.x.com",
    "X_AUTHORIZE_URL": "https://x.com/i/oauth2/authorize",
    "BLUESKY_URL": "https://bsky.social",
    "PLC_URL": "https://plc.directory",
    "FACEBOOK_GRAPH_URL": "https://graph.facebook.com/v25.0",
    "FACEBOOK_DIALOG_URL": "https://www.facebook.com/v25.0/dialog/oauth",
}
FACEBOOK_KEYS = ("FACEBOOK_CLIENT_ID", "FACEBOOK_CLIENT_SECRET")
LEAST_KEY_LENGTH = 32
"""Characters of a key that signs sessions in production: shorter ones can be guessed offline."""
LOOPBACK_HOSTS = (".localhost", "127.0.0.1", "::1")
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
SWITCH = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


class ConfigurationError(Exception):
    """The environment asks for something impossible; the message says what to change."""


def load(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return Flask's configuration for this environment.

    :param environ: variables to read; by default the process's own, completed in development
        by ``.env`` and by the addresses of a running ``make run``.
    :raises ConfigurationError: one sentence per problem, joined by line breaks.
    """
    env = dict(os.environ if environ is None else environ)
    production = is_production(env)
    if environ is None and not production:
        _complete_for_development(env)
    if production:
        _refuse_incomplete_production(env)
    renamed = _take_old_names(env)
    found = _secrets(env, production)
    return {
        "PRODUCTION": production,
        **found,
        **_servers(env, production),
        **_timing(env),
        **_learning(env),
        **_mail(env, production),
        **_notices(env),
        **_networks(env, production),
        **_web(env, production),
        "LOG_FORMAT": _log_format(env),
        "TEMPLATE_CACHE": env.get("TEMPLATE_CACHE") or "",
        "CELERY_EVENTS": _switch(env, "CELERY_EVENTS"),
        "SENTRY_DSN": env.get("SENTRY_DSN") or "",
        "OTEL_EXPORTER_OTLP_ENDPOINT": env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "",
        **_quotas(env),
        **_autoscaling(env, production),
        **_alerts(env),
        "VAPID_PRIVATE_KEY": _vapid_key(env, production, found["SECRET_KEY"] or ""),
        "WARNINGS": [*renamed, *_left_off(env), *(_warnings(env) if production else [])],
    }


RENAMED = {
    "BELL_TIMEOUT": "BROKER_TIMEOUT",
    "BELL_PATIENCE": "NOTIFY_AGAIN_AFTER",
    "RECONCILE_PATIENCE": "RECONCILE_GIVE_UP_AFTER",
}
"""Old names of settings, which are still read for one more release."""


def _take_old_names(env: dict[str, str]) -> list[str]:
    """Read renamed settings under their old names, too; return a sentence for each that is used."""
    sentences = []
    for old, new in RENAMED.items():
        if env.get(old):
            env.setdefault(new, env[old])
            sentences.append(f"{old} is now called {new}. The old name works in this release.")
    return sentences


def is_production(env: Mapping[str, str]) -> bool:
    """True on a Heroku dyno or when ``APP_ENV=production``."""
    return env.get("APP_ENV") == "production" or bool(env.get("DYNO"))


def _complete_for_development(env: MutableMapping[str, str]) -> None:
    """Fill variables that are not set; take all keys of a network or none."""
    for file in (ROOT / ".env", INSTANCE / "run.env"):
        chosen = tuple(name for name in TOGETHER if any(key.startswith(name) for key in env))
        for key, value in dotenv_values(file).items():
            if value is not None and not key.startswith(chosen):
                env.setdefault(key, value)


def _secrets(env: Mapping[str, str], production: bool) -> dict[str, Any]:
    made = {} if production else _development_secrets(env)
    keys = _words(env, "TOKEN_KEYS") or _words(made, "TOKEN_KEYS")
    try:
        MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ConfigurationError(
            "TOKEN_KEYS holds something that is not a Fernet key, or none. Make one with: "
            "openssl rand -base64 32 | tr '+/' '-_'"
        ) from error
    key = env.get("SECRET_KEY") or made.get("SECRET_KEY") or ""
    former = _words(env, "SECRET_KEY_FALLBACKS")
    if production:
        _refuse_short_keys(key, former)
    return {
        "SECRET_KEY": key or None,
        "SECRET_KEY_FALLBACKS": former,
        # Oldest first, as the signer expects: tokens in pages that are open stay valid.
        "WTF_CSRF_SECRET_KEY": [*reversed(former), key],
        "TOKEN_KEYS": keys,
    }


def _refuse_short_keys(key: str, former: list[str]) -> None:
    """Refuse keys that somebody with one cookie could guess by trying.

    :raises ConfigurationError: the sentence names the variable and never the key.
    """
    if len(key) < LEAST_KEY_LENGTH:
        raise ConfigurationError(
            f"SECRET_KEY has {len(key)} characters and needs at least {LEAST_KEY_LENGTH}. "
            "Make one with: openssl rand -hex 32"
        )
    if any(len(old) < LEAST_KEY_LENGTH for old in former):
        raise ConfigurationError(
            f"SECRET_KEY_FALLBACKS holds a key of less than {LEAST_KEY_LENGTH} characters. "
            "Leave it out: whoever finds it out can sign in as anybody."
        )


def _words(env: Mapping[str, str], name: str) -> list[str]:
    """Return the words of a comma-separated list."""
    return [word.strip() for word in (env.get(name) or "").split(",") if word.strip()]


def _development_secrets(env: Mapping[str, str]) -> dict[str, str]:
    """Secrets made once and kept in ``instance/``, so that a restart keeps sessions and tokens."""
    if env.get("SECRET_KEY") and env.get("TOKEN_KEYS"):
        return {}
    private_instance()
    file = INSTANCE / "secrets.env"
    if not file.exists():
        draft = INSTANCE / f"secrets.{os.getpid()}.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(
            f"SECRET_KEY={secrets.token_urlsafe(48)}\nTOKEN_KEYS={Fernet.generate_key().decode()}\n"
        )
        with suppress(FileExistsError):  # if processes start together, the first one's secrets stay
            os.link(draft, file)
        draft.unlink()
    return {key: value for key, value in dotenv_values(file).items() if value is not None}


def _servers(env: Mapping[str, str], production: bool) -> dict[str, Any]:
    redis_url = env.get(env.get("REDIS_PROVIDER") or "REDIS_URL") or env.get("REDIS_URL")
    redis_url = redis_url or "redis://127.0.0.1:6379/0"
    usable = _scheme_of(redis_url) in {"redis", "rediss"}
    if not usable or not (urlsplit(redis_url).path.strip("/") or "0").isdecimal():
        raise ConfigurationError("REDIS_URL is not a URL. It looks like redis://host:6379/0.")
    database = database_url(env.get("DATABASE_URL") or "")
    if database.startswith("sqlite") and env.get("DYNO"):
        raise ConfigurationError(
            "DATABASE_URL is missing or names SQLite, and a dyno forgets its files: "
            "add a PostgreSQL database."
        )
    # SQLite takes one writer at a time, and a small dyno has the memory of one process.
    alone = database.startswith("sqlite") or env.get("DYNO")
    processes = 1 if alone else min(2, os.cpu_count() or 1)
    return {
        "REDIS_URL": redis_url,
        "REDIS_TLS_VERIFY": _verifies_redis(env),
        "SQLALCHEMY_DATABASE_URI": database,
        "DATABASE_POOL_SIZE": int(_number(env, "DATABASE_POOL_SIZE", 4, 1)),
        "WORKER_PROCESSES": int(_number(env, "WORKER_PROCESSES", processes, 1)),
        "VERSION": env.get("HEROKU_RELEASE_VERSION") or env.get("VERSION") or "",
        "WORKER_QUEUES": _queues(env),
        "QUEUE_CONCURRENCY": {
            name: int(_number(env, f"{name.upper()}_CONCURRENCY", usual, 1))
            for name, usual in CONCURRENCY.items()
        },
        "LONG_TASK_SECONDS": _number(env, "LONG_TASK_SECONDS", 20, 0),
    }


CONCURRENCY = {
    "publish": 512,
    "lookup": 48,
    "pictures": 1,
    "import": 2,
    "mail": 2,
    "maintenance": 4,
}
"""The queues of background work, and how much of each is done at a time in one process."""


def _queues(env: Mapping[str, str]) -> list[str]:
    """Return the queues that workers take which are started without ``-Q``."""
    named = _words(env, "WORKER_QUEUES") or list(CONCURRENCY)
    if unknown := sorted(set(named) - set(CONCURRENCY)):
        raise ConfigurationError(
            f"WORKER_QUEUES names {unknown[0]!r}, which is no queue. "
            f"There are {', '.join(CONCURRENCY)}."
        )
    return named


AUTOSCALE = ("local", "heroku", "command")
HEROKU_KEYS = ("HEROKU_API_KEY", "HEROKU_APP_NAME")


def _autoscaling(env: Mapping[str, str], production: bool) -> dict[str, Any]:
    """Who starts and stops workers, None for nobody, and when. Durations in seconds."""
    driver = (env.get("AUTOSCALE") or "").strip().lower()
    if driver and driver not in AUTOSCALE:
        raise ConfigurationError(f"AUTOSCALE must be local, heroku or command, not {driver!r}.")
    try:
        command = shlex.split(env.get("AUTOSCALE_COMMAND") or "")
    except ValueError as error:
        raise ConfigurationError(f"AUTOSCALE_COMMAND is no command: {error}.") from error
    if driver == "command" and not command:
        raise ConfigurationError("AUTOSCALE is command but AUTOSCALE_COMMAND is missing.")
    usual_lead = 60 if driver == "heroku" else 30  # a dyno takes longer to start than a process
    return {
        "AUTOSCALE": None if _left_off(env) else driver or None,
        "AUTOSCALE_LEAD": _number(env, "AUTOSCALE_LEAD", usual_lead, 0),
        "AUTOSCALE_IDLE": _number(env, "AUTOSCALE_IDLE", 60, 0),
        "AUTOSCALE_MAX": int(_number(env, "AUTOSCALE_MAX", 1, 1)),
        "AUTOSCALE_BACKLOG": int(_number(env, "AUTOSCALE_BACKLOG", 1000, 1)),
        "AUTOSCALE_COMMAND": command,
        "HEROKU_API_URL": _address(env, "HEROKU_API_URL", "https://api.heroku.com", production),
        **{name: env.get(name) or None for name in HEROKU_KEYS},
    }


def _alerts(env: Mapping[str, str]) -> dict[str, Any]:
    """Whom operators are told by, and from when on. Durations in seconds."""
    repeats = env.get("ALERT_REPEAT")
    return {
        "ALERT_URLS": _alert_urls(env.get("ALERT_URLS") or ""),
        "ALERT_OVERDUE": _number(env, "ALERT_OVERDUE", 120, 1),
        "ALERT_UNCONFIRMED": _number(env, "ALERT_UNCONFIRMED", 1800, 1),
        "ALERT_NO_WORKER": _number(env, "ALERT_NO_WORKER", 60, 1),
        "ALERT_OVER_AFTER": _number(env, "ALERT_OVER_AFTER", 60, 0),
        "ALERT_REPEAT": _number(env, "ALERT_REPEAT", 0, 60) if repeats else None,
        "ALERT_FULL": min(100.0, _number(env, "ALERT_FULL", 90, 1)),
    }


def _alert_urls(text: str) -> list[str]:
    """Return the URLs of a list. A comma may be inside of one, such as between two addresses.

    :raises ConfigurationError: its sentence shows none of them, since they hold passwords.
    """
    words = re.split(r",\s*(?=[A-Za-z][A-Za-z0-9]*://)", text)
    urls = [url for word in words if (url := word.strip(" ,"))]
    if not all(re.match(r"[A-Za-z][A-Za-z0-9]*://", url) for url in urls):
        raise ConfigurationError(
            "ALERT_URLS must be Apprise URLs separated by commas, such as "
            "mailto://user:password@example.com or json://host/path."
        )
    return [*dict.fromkeys(urls)]


def _vapid_key(env: Mapping[str, str], production: bool, secret: str) -> str | None:
    """Return the key that signs messages to browsers; None for none, in production without it.

    In development it follows from the secret that is kept there.
    """
    key = env.get("VAPID_PRIVATE_KEY")
    if not key:
        made = hashlib.sha256(f"VAPID {secret}".encode()).digest()
        return None if production else base64.urlsafe_b64encode(made).decode()
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}=?", key):
        raise ConfigurationError(
            "VAPID_PRIVATE_KEY is no key. Make one with: openssl rand -base64 32 | tr '+/' '-_'"
        )
    return key


def _left_off(env: Mapping[str, str]) -> list[str]:
    """Return a sentence if AUTOSCALE asks for Heroku without what that needs; it stays off."""
    missing = [name for name in HEROKU_KEYS if not env.get(name)]
    if (env.get("AUTOSCALE") or "").strip().lower() != "heroku" or not missing:
        return []
    return [f"AUTOSCALE is off, because {' and '.join(missing)} is missing."]


def private_instance(folder: Path = INSTANCE) -> None:
    """Make the folder and the files in it readable by their owner only.

    The keys, the database and the log of Redis are there, perhaps created with another umask.
    """
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    for place, _folders, files in os.walk(folder):
        wanted = {Path(place): PRIVATE_FOLDER}
        wanted |= {Path(place, name): PRIVATE_FILE for name in files}
        for path, mode in wanted.items():
            with suppress(OSError):  # deleted since, or owned by another user
                if path.stat().st_mode & 0o777 & ~mode and (
                    path == folder or not path.is_symlink()
                ):
                    path.chmod(mode)


def _verifies_redis(env: Mapping[str, str]) -> bool:
    """Return whether the certificate of ``rediss://`` must be a trusted one.

    Heroku's Redis has self-signed certificates, so a dyno does not check them unless told to.
    """
    if env.get("REDIS_TLS_VERIFY"):
        return _switch(env, "REDIS_TLS_VERIFY")
    return not env.get("DYNO")


def database_url(url: str) -> str:
    """Return the SQLAlchemy URL: Heroku's ``postgres://`` means psycopg 3, nothing means SQLite.

    :raises ConfigurationError: it is not a URL, or names a database that does not work here.
    """
    if not url:
        private_instance()
        return f"sqlite:///{INSTANCE / 'tweet-later.sqlite3'}"
    scheme, _, rest = url.partition("://")
    try:
        database = make_url(url).database
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "DATABASE_URL is not a URL. It looks like postgresql://user:password@host/name."
        ) from error
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
        return f"postgresql+psycopg://{rest}"
    if scheme != "sqlite":
        raise ConfigurationError(
            f"DATABASE_URL begins with {scheme}://, but only postgresql:// and sqlite:// work here."
        )
    if database and database != ":memory:" and not Path(database).is_absolute():
        private_instance()  # a relative path begins there
    return url


def _scheme_of(url: str) -> str:
    """Return the scheme of a URL that names a host, nothing for anything else."""
    with suppress(ValueError):
        parts = urlsplit(url)
        return parts.scheme if parts.hostname and parts.port != 0 else ""
    return ""


def _number(env: Mapping[str, str], name: str, default: float, least: float) -> float:
    text = env.get(name) or str(default)
    try:
        number = float(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} must be a number, not {text!r}.") from error
    if not least <= number <= MOST:
        raise ConfigurationError(f"{name} must be from {least:g} to {MOST}, not {text}.")
    return number


def _rising(env: Mapping[str, str], name: str, usual: str, most: int) -> list[float]:
    """Return a list of durations in seconds, the shortest first."""
    try:
        seconds = [float(word) for word in (env.get(name) or usual).split(",")]
    except ValueError as error:
        raise ConfigurationError(
            f"{name} must be seconds separated by commas, such as {usual}."
        ) from error
    if sorted(seconds) != seconds or not all(0 <= one <= most for one in seconds):
        bound = "a day" if most == DAY else f"{most // DAY} days"
        raise ConfigurationError(f"{name} must be rising numbers of seconds, up to {bound}.")
    return seconds


def _learning(env: Mapping[str, str]) -> dict[str, Any]:
    """When accounts are read to learn from them. Durations in seconds."""
    interval = _number(env, "IMPORT_INTERVAL", 7200, 1)
    return {
        "IMPORT_INTERVAL": interval,
        "IMPORT_INTERVAL_MIN": _number(env, "IMPORT_INTERVAL_MIN", interval / 4, 1),
        "IMPORT_INTERVAL_MAX": _number(env, "IMPORT_INTERVAL_MAX", interval * 12, 1),
        "NUMBERS_AFTER": _rising(env, "NUMBERS_AFTER", "3600,86400,604800", 60 * DAY),
        "INTERESTS_DELAY": _number(env, "INTERESTS_DELAY", 30, 0.5),
    }


def _notices(env: Mapping[str, str]) -> dict[str, Any]:
    """When people are told. Durations in seconds."""
    before = env.get("WARN_BEFORE", "86400,3600").strip()
    try:
        moments = [float(word) for word in before.split(",")] if before else []
    except ValueError:
        moments = [0]
    if not all(0 < one <= 60 * DAY for one in moments):
        raise ConfigurationError("WARN_BEFORE must be seconds, such as 86400,3600, or empty.")
    return {"NOTICE_WAIT": _number(env, "NOTICE_WAIT", 20, 0), "WARN_BEFORE": moments}


MAIL_SCHEMES = {"smtp": 25, "smtps": 465}
"""How mail servers are named, and the port that each usually has."""
MAIL_URL_LOOKS = "It looks like smtp://user:password@host:587?tls=starttls or smtps://host."


def _mail(env: Mapping[str, str], production: bool) -> dict[str, Any]:
    """The mail server, None for none, and when a mail is tried again. Durations in seconds."""
    url, site = env.get("MAIL_URL") or None, (env.get("APP_URL") or "").rstrip("/")
    if url and not _is_mail_url(url):  # it may hold a password, so it is not repeated
        raise ConfigurationError(f"MAIL_URL is not the address of a server. {MAIL_URL_LOOKS}")
    if url and production and not site:
        raise ConfigurationError("MAIL_URL is set but APP_URL is missing: links in mails need it.")
    site = site or f"http://127.0.0.1:{env.get('PORT') or 8000}"
    usual = f"Tweet Later <no-reply@{urlsplit(site).hostname or 'localhost'}>"
    return {
        "MAIL_URL": url,
        "MAIL_FROM": _sender(env.get("MAIL_FROM") or usual),
        "MAIL_TIMEOUT": _number(env, "MAIL_TIMEOUT", 20, 0.2),
        "MAIL_RETRY_DELAYS": _rising(env, "MAIL_RETRY_DELAYS", "30,120,600,3600", DAY),
        "LINK_LIFETIME": _number(env, "LINK_LIFETIME", DAY, 1),
        "REMINDER_AFTER": _number(env, "REMINDER_AFTER", DAY, 0),
        "RATE_LIMIT_MAIL": _rate(env, "RATE_LIMIT_MAIL", "5 per hour"),
        "SITE_URL": site,
    }


def _is_mail_url(url: str) -> bool:
    """Return whether a URL names a mail server that can be called."""
    with suppress(ValueError):
        parts = urlsplit(url)
        tls = parts.query in ({"", "tls=starttls"} if parts.scheme == "smtp" else {""})
        return parts.scheme in MAIL_SCHEMES and bool(parts.hostname) and parts.port != 0 and tls
    return False


def _sends_readable_password(url: str | None) -> bool:
    """Return whether others on the way could read the password of a mail server."""
    parts = urlsplit(url or "")
    safe = parts.scheme != "smtp" or bool(parts.query) or is_loopback(f"http://{parts.hostname}")
    return bool(parts.password) and not safe


def _sender(text: str) -> str:
    """Return the address that mails come from, perhaps with a name before it."""
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", parseaddr(text)[1]) or "\n" in text:
        raise ConfigurationError(
            "MAIL_FROM must be an address, such as Tweet Later <no-reply@example.com>."
        )
    return text


def _timing(env: Mapping[str, str]) -> dict[str, Any]:
    """Durations in seconds. See docs/delivery.md for how they depend on each other."""
    send_timeout = _number(env, "SEND_TIMEOUT", 15, 0.2)
    start_deadline = max(1.0, min(5.0, send_timeout / 3))
    delays = _rising(env, "RECONCILE_DELAYS", "10,30,90,180,300", DAY)
    return {
        "SEND_TIMEOUT": send_timeout,
        "START_DEADLINE": start_deadline,
        "LEASE": 2 * send_timeout + start_deadline + 1,
        "RECONCILE_DELAYS": delays,
        "RECONCILE_GIVE_UP_AFTER": _number(
            env, "RECONCILE_GIVE_UP_AFTER", max(7200, 3 * delays[-1]), 0
        ),
        "LATE_TOLERANCE": int(_number(env, "LATE_TOLERANCE", 6 * 3600, 60)),
        "CATCH_UP_AFTER": _number(env, "CATCH_UP_AFTER", 60, 1),
        "CATCH_UP_GAP": _number(env, "CATCH_UP_GAP", 2, 0),
        "BROKER_TIMEOUT": _number(env, "BROKER_TIMEOUT", 0.3, 0.05),
        "NOTIFY_AGAIN_AFTER": _number(env, "NOTIFY_AGAIN_AFTER", 5, 0.5),
    }


NETWORKS = ("x", "mastodon", "bluesky", "facebook")


def _networks(env: Mapping[str, str], production: bool) -> dict[str, Any]:
    """Keys and addresses; a network without what it needs is not ready, and the rest works."""
    names = ["X_CLIENT_ID", "X_CLIENT_SECRET", "X_CONSUMER_KEY", "X_CONSUMER_SECRET"]
    keys = {name: env.get(name) or None for name in [*names, *FACEBOOK_KEYS, "MASTODON_SERVER"]}
    for key, secret in (("X_CONSUMER_KEY", "X_CONSUMER_SECRET"), FACEBOOK_KEYS):
        if keys[key] and not keys[secret]:
            raise ConfigurationError(f"{key} is set but {secret} is missing.")
    addresses = {name: _address(env, name, usual, production) for name, usual in ADDRESSES.items()}
    if not env.get("PLC_URL") and is_loopback(addresses["BLUESKY_URL"]):
        addresses["PLC_URL"] = addresses["BLUESKY_URL"]  # a sandbox plays the directory, too
    x_api, played = addresses["X_API_URL"], _played(env)
    return {
        **keys,
        **addresses,
        "SANDBOX": played,
        "X_SITE_URL": x_api if "x" in played and is_loopback(x_api) else "https://x.com",
        "ALLOW_PRIVATE_SERVERS": _switch(env, "ALLOW_PRIVATE_SERVERS"),
        "MEDIA_URL": _media_url(env),
    }


def _played(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the networks that the sandbox plays: an address tells nothing, a real server may
    stand on this machine, too.
    """
    named = (env.get("SANDBOX") or "").lower().replace(",", " ").split()
    if unknown := sorted(set(named) - set(NETWORKS)):
        raise ConfigurationError(
            f"SANDBOX must name networks that the sandbox plays, such as x,mastodon; "
            f"not {unknown[0]!r}."
        )
    return tuple(name for name in NETWORKS if name in named)


def _media_url(env: Mapping[str, str]) -> str | None:
    """Return where pictures are kept, None for the database; says at once if that cannot be."""
    url = env.get("MEDIA_URL") or None
    try:
        if url:
            get_filesystem_class(url.partition("://")[0])
    except (ValueError, ImportError) as error:
        problem = f"MEDIA_URL cannot be used: {error}. It looks like s3://bucket/folder."
        raise ConfigurationError(problem) from error
    return url


def _address(env: Mapping[str, str], name: str, usual: str, production: bool) -> str:
    url = (env.get(name) or usual).rstrip("/")
    plain_is_fine = not production or is_loopback(url)
    if _scheme_of(url) != "https" and not (_scheme_of(url) == "http" and plain_is_fine):
        raise ConfigurationError(f"{name} must begin with https://.")
    return url


def _switch(env: Mapping[str, str], name: str) -> bool:
    """Return what a variable switches on or off; unset is off."""
    word = (env.get(name) or "").strip().lower()
    if word not in SWITCH:
        raise ConfigurationError(f"{name} must be 1 or 0, not {word!r}.")
    return SWITCH[word]


def is_loopback(url: str) -> bool:
    """True when the URL's host is this machine itself."""
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _web(env: Mapping[str, str], production: bool) -> dict[str, Any]:
    app_url = (env.get("APP_URL") or "").rstrip("/") or None
    if app_url and not _is_public_address(app_url):
        raise ConfigurationError("APP_URL is not an address. It looks like https://example.com.")
    secure = app_url.lower().startswith("https://") if app_url else production
    # Another site under the same domain cannot set a cookie whose name begins with __Host-.
    cookie = "tweet_later" if production else f"tweet_later_{env.get('PORT')}"
    return {
        "APP_URL": app_url,
        "SERVED_HOSTS": _served_hosts(env, app_url),
        "BEHIND_PROXY": bool(env.get("DYNO")) or _switch(env, "BEHIND_PROXY"),
        # Cookies ignore ports: two installations on one machine must not sign each other out.
        "SESSION_COOKIE_NAME": f"__Host-{cookie}" if secure else cookie,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "FORCE_HTTPS": secure and app_url is not None,
        "HSTS_INCLUDE_SUBDOMAINS": _switch(env, "HSTS_INCLUDE_SUBDOMAINS"),
        "PERMANENT_SESSION_LIFETIME": 30 * DAY,
        "BODY_TIMEOUT": _number(env, "BODY_TIMEOUT", 20, 0.1),
        "MAX_CONTENT_LENGTH": 256 * 1024,
        "MAX_FORM_MEMORY_SIZE": 256 * 1024,
        "WTF_CSRF_TIME_LIMIT": None,  # a page left open overnight must still work
        "WTF_CSRF_SSL_STRICT": secure,
        "BOOTSTRAP_SERVE_LOCAL": True,
        "FIRST_USER_ROLE": _first_user_role(env),
        "MAX_ACCOUNTS": int(_number(env, "MAX_ACCOUNTS", 200, 1)),
        "RATE_LIMIT_WRITES": _rate(env, "RATE_LIMIT_WRITES", "300 per minute"),
        "METRICS_TOKEN": env.get("METRICS_TOKEN") or "",
        "RATE_LIMIT_READS": _rate(env, "RATE_LIMIT_READS", "1200 per minute"),
        "RATE_LIMIT_SIGN_IN": _rate(env, "RATE_LIMIT_SIGN_IN", "60 per minute"),
    }


def _log_format(env: Mapping[str, str]) -> str:
    """Return how logs are written: plain for people, or as JSON."""
    chosen = (env.get("LOG_FORMAT") or "plain").strip().lower()
    if chosen not in LOG_FORMATS:
        raise ConfigurationError(f"LOG_FORMAT must be plain or json, not {chosen!r}.")
    return chosen


LOG_FORMATS = ("plain", "json")
ROLES = ("operator", "reader")


def _first_user_role(env: Mapping[str, str]) -> str | None:
    """Return the role of the first person who ever signs in; None, as a rule, for no role."""
    role = (env.get("FIRST_USER_ROLE") or "").strip().lower()
    if role and role not in ROLES:
        raise ConfigurationError(f"FIRST_USER_ROLE must be operator or reader, not {role!r}.")
    return role or None


def _is_public_address(url: str) -> bool:
    """Return whether pages can be reached under this URL: http or https, and a name or address."""
    with suppress(ValueError):
        _host_name(urlsplit(url).hostname or "")
        return _scheme_of(url) in {"http", "https"} and "@" not in url
    return False


def _served_hosts(env: Mapping[str, str], app_url: str | None) -> list[str]:
    """Return the names under which the pages answer; one that begins with a dot is a suffix.

    This machine's own names are always among them: nobody can lead a browser of somebody else to
    them, while proxies and probes beside the pages use them.
    """
    own = [urlsplit(app_url).hostname or ""] if app_url else []
    # Where an editor in the cloud forwards the port of a developer's machine to a name of its own.
    cloud = env.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    if env.get("CODESPACE_NAME") and cloud and not app_url:
        own.append(f".{cloud}")
    try:
        names = [_host_name(word) for word in [*own, *_words(env, "TRUSTED_HOSTS")]]
    except ValueError as error:
        raise ConfigurationError(
            "TRUSTED_HOSTS must be names separated by commas, without scheme or port, such as "
            f"www.example.com or .example.com, not {error.args[-1]!r}."
        ) from error
    return [*dict.fromkeys([*names, *LOOPBACK_HOSTS])]


def _host_name(word: str) -> str:
    """Return a name as browsers ask for it, or an address without brackets.

    :raises ValueError: it is neither.
    """
    with suppress(ValueError):
        return str(ipaddress.ip_address(word.strip("[]")))
    name = word.lower().encode("idna").decode() if not word.isascii() else word.lower()
    if not re.fullmatch(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*", name):
        raise ValueError(word)
    return name


def _quotas(env: Mapping[str, str]) -> dict[str, Any]:
    """How much one person may store, and for how many days finished tweets are kept."""
    keep_days = _number(env, "KEEP_DAYS", 365, 0)
    if 0 < keep_days < 1:
        raise ConfigurationError("KEEP_DAYS must be 0, which means for ever, or at least 1.")
    return {
        "MAX_WAITING_TWEETS": _count(env, "MAX_WAITING_TWEETS", 20_000),
        "MAX_PICTURE_BYTES": _count(env, "MAX_PICTURE_BYTES", 1024**3),
        "KEEP_DAYS": keep_days,
        "SERIES_AHEAD": _number(env, "SERIES_AHEAD", 30 * DAY, 60),
        "DELETE_AFTER": _number(env, "DELETE_AFTER", 14 * DAY, 0),
    }


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number from 1 to the largest that a database can store."""
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 18 and int(text)):
        raise ConfigurationError(f"{name} must be a whole number from 1, not {text!r}.")
    return int(text)


def _rate(env: Mapping[str, str], name: str, default: str) -> str:
    text = env.get(name) or default
    try:
        parse_many(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} must be like {default!r}, not {text!r}.") from error
    return text


def _refuse_incomplete_production(env: Mapping[str, str]) -> None:
    redis_name = env.get("REDIS_PROVIDER") or "REDIS_URL"
    needed = {
        "SECRET_KEY": "it signs the session cookies. Set it to a long random text.",
        "TOKEN_KEYS": "it encrypts the networks' tokens. Set it to a Fernet key.",
        "DATABASE_URL": "every tweet is kept there. Set it to a postgresql:// URL.",
        redis_name: "the web process wakes the workers through it. Set it to a redis:// URL.",
        "APP_URL": "the pages answer to this address only. Set it to https://your.address.",
    }
    missing = [f"{name} is missing: {why}" for name, why in needed.items() if not env.get(name)]
    if (env.get("FLASK_DEBUG") or "0").lower() not in {"0", "false", "no"}:
        missing.append("FLASK_DEBUG is on: error pages would show code and keys. Unset it.")
    if missing:
        raise ConfigurationError("\n".join(missing))


def _warnings(env: Mapping[str, str]) -> list[str]:
    """Return a sentence for each setting that is allowed in production but is a risk."""
    app_url = env.get("APP_URL") or ""
    plain = not app_url.lower().startswith("https://") and not is_loopback(app_url)
    told = {
        "ALLOW_PRIVATE_SERVERS is on in production: people can make this machine ask servers in "
        "your private network. Right for an intranet alone.": _switch(env, "ALLOW_PRIVATE_SERVERS"),
        "APP_URL begins with http:// in production: cookies and pages travel readable. Put a "
        "proxy with a certificate in front and name the https:// address.": plain,
        "MAIL_URL sends a password readable: write ?tls=starttls after it, or smtps://, if the "
        "server knows one of them.": _sends_readable_password(env.get("MAIL_URL")),
        "REDIS_TLS_VERIFY is off: whoever sits between here and Redis can read and forge "
        "messages.": not _verifies_redis(env) and not env.get("DYNO"),
    }
    return [sentence for sentence, is_so in told.items() if is_so]
