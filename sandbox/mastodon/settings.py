"""The knobs of the Mastodon of the sandbox: how it behaves while nothing is broken on purpose."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.core import BadSetting, Knobs, count, counts, seconds, truth

WINDOWS = {"calls": 300.0, "create": 10_800.0, "upload": 1_800.0}
DEFAULT_LIMITS = {"calls": 1_500, "create": 300, "upload": 30}
LANGUAGES = ("en", "de")
PRIVACIES = ("public", "unlisted", "private")
RESET_FORMS = ("iso", "epoch", "seconds", "date", "none")
ISSUERS = ("none", "own", "wrong")
DEAD_TOKEN_STATUSES = (400, 401, 403, 422)


@dataclass
class MastodonSettings(Knobs):
    """All times in seconds. Forgotten when the sandbox stops.

    ``idempotency`` off is GoToSocial's way; ``discovery``, ``pkce``, ``instance_v2`` and
    ``source`` off is an older server's. Each of these is what some real server does:
    ``renames_media`` gives a picture another id in the post, ``attaches_links`` makes a picture
    of a link to one, ``drops_invisible`` leaves out joiners and variation selectors,
    ``escapes_quotes`` writes quotes as entities, ``stumbles_without_parent`` answers 500 to a
    reply whose parent is gone. Without ``checks_codes`` any code gets a token of whoever signed
    in last with that app. ``issuer`` is what the way back names as the server (RFC 9207). With
    ``apps_end`` revoking a token ends its app, which then is a 401 without a body. With
    ``hides_dead_apps`` only who has signed in there is told of an unknown app: others see the
    sign-in page first, and its code is refused like any other. ``privacy`` is
    who sees the posts of its accounts that do not say who shall.
    """

    software: str = "mastodon"
    version: str = "4.4.2"
    idempotency: bool = True
    discovery: bool = True
    pkce: bool = True
    instance_v2: bool = True
    source: bool = True
    renames_media: bool = False
    attaches_links: bool = False
    drops_invisible: bool = False
    escapes_quotes: bool = False
    stumbles_without_parent: bool = False
    checks_codes: bool = True
    issuer: str = "none"
    apps_end: bool = False
    hides_dead_apps: bool = False
    characters: int = 500
    pictures: int = 4
    poll_options: int = 4
    picture_bytes: int = 16_777_216
    media_seconds: float = 0
    media_fails: bool = False
    language: str = "en"
    privacy: str = "public"
    reset_form: str = "iso"
    dead_token_status: int = 401
    read_lag: float = 0
    code_seconds: float = 600
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))

    def _checked(self, name: str, value: Any) -> Any:
        if name == "limits":
            return counts(self.limits, value, 1)
        if name in CHOICES:
            return _choice(name, value, CHOICES[name])
        if name in ("software", "version"):
            return _words(name, value)
        if isinstance(getattr(MastodonSettings, name), bool):
            return truth(name, value)
        if name in ("characters", "pictures", "picture_bytes", "poll_options"):
            return count(name, value, 1)
        return seconds(name, value)


CHOICES: dict[str, tuple[Any, ...]] = {
    "privacy": PRIVACIES,
    "language": LANGUAGES,
    "reset_form": RESET_FORMS,
    "issuer": ISSUERS,
    "dead_token_status": DEAD_TOKEN_STATUSES,
}


def _choice(name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    if type(value) is not type(choices[0]) or value not in choices:
        raise BadSetting(f"{name} is one of {', '.join(map(str, choices))}")
    return value


def _words(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise BadSetting(f"{name} is a text")
    return value
