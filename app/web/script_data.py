"""What the server gives to scripts: numbers that both know, sentences, and what they build from.

Each number exists once, in Python. All of it is the same for everybody with a language, so it is a
module (``templates/shared/_from_server.js``) that browsers keep, and not a part of each page.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask import current_app

from app.models import MAX_PARTS, MAX_PICTURES
from app.networks import X_COUNTING
from app.pictures import MAX_BYTES
from app.web import assets, i18n
from app.web.i18n import UNIT_USED_FROM
from app.web.pictures import MAX_ALT, USUAL_ALT
from app.web.schemas import MAX_JOBS

NUMBERS: dict[str, Any] = {
    "jobsAtOnce": MAX_JOBS,  # of one question for what became of them
    "parts": MAX_PARTS,  # of a tweet
    "pictures": MAX_PICTURES,  # of a part
    "pictureBytes": MAX_BYTES,
    "altCharacters": USUAL_ALT,  # where no account says how many it takes
    "maxAltCharacters": MAX_ALT,
    "unitUsedFrom": UNIT_USED_FROM,
    "counting": X_COUNTING,
}
FROM_SERVER = "js/shared/from-server.js"
HERE = Path(__file__).resolve().parents[1]
SOURCES = (HERE / "templates", HERE / "translations")
"""What the module is made of, beside the numbers."""


def module(language: str) -> bytes:
    """Return the module in a language; in English for one that we do not speak."""
    i18n.prefer(language if language in i18n.LOCALES else "en")
    template = current_app.jinja_env.get_template("shared/_from_server.html")
    return template.render(**i18n.translations(), numbers=NUMBERS).encode()


def _version() -> bytes:
    """Return what changes whenever the module does: contents, as each server has its own times."""
    stamps = [stamp for folder in SOURCES for stamp in assets.stamps(str(folder))]
    chosen = sorted(stamp for stamp in stamps if stamp[0].endswith((".html", ".mo")))
    return assets.digest_of(tuple(chosen)) + json.dumps(NUMBERS, sort_keys=True).encode()


assets.MADE[FROM_SERVER] = (module, _version)
