"""What marks links, mentions and hashtags in the text of a record (docs: AT Protocol facets)."""

import re
from typing import Any

from sandbox.bluesky.ids import did_of, full_handle

FACET = "app.bsky.richtext.facet"
BARE_MENTION = re.compile(r"(?<![\w@/])@(\w+)(?![\w.]*\.\w)")
MARKED = re.compile(r"(?P<link>https?://[^\s]+)|(?<!\w)@(?P<mention>[\w.]+\w)|(?<!\w)#(?P<tag>\w+)")


def full_mentions(text: str) -> str:
    """``text`` with ``@ben`` as ``@ben.test``."""
    return BARE_MENTION.sub(lambda found: f"@{full_handle(found[1])}", text)


def facets_of(text: str) -> list[dict[str, Any]]:
    """The facets of a text; their places are counted in bytes of UTF-8."""
    return [
        {
            "index": {
                "byteStart": len(text[: found.start()].encode()),
                "byteEnd": len(text[: found.end()].encode()),
            },
            "features": [_feature(found)],
        }
        for found in MARKED.finditer(text)
    ]


def _feature(found: re.Match[str]) -> dict[str, str]:
    if found["link"]:
        return {"$type": f"{FACET}#link", "uri": found["link"]}
    if found["mention"]:
        return {"$type": f"{FACET}#mention", "did": did_of(found["mention"].lower())}
    return {"$type": f"{FACET}#tag", "tag": found["tag"]}
