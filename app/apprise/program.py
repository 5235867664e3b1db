"""A program of its own that sends messages through Apprise: see process.py.

It reads ``{"url", "messages": [{"title", "text", "kind"}]}`` as JSON, and writes a line for each
message that was taken. It ends with the first that was not.
"""

from __future__ import annotations

import json
import sys

import apprise


def main() -> None:
    """Send what was given on standard input."""
    given = json.load(sys.stdin)
    sender = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Tweet Later", app_url=""))
    if not sender.add(given["url"]):
        return
    for one in given["messages"]:
        if not sender.notify(title=one["title"], body=one["text"], notify_type=one["kind"]):
            return
        print("taken", flush=True)


if __name__ == "__main__":
    main()
