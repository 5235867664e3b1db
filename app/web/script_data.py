"""The numbers that Python and the scripts of a page both know.

Each exists once, in Python. Every page has them as JSON (``templates/shared/_page.html``), where
``static/js/shared/page.js`` reads them.
"""

from __future__ import annotations

from typing import Any

from app.models import MAX_PARTS, MAX_PICTURES
from app.networks import X_COUNTING
from app.pictures import MAX_BYTES
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
