"""Apprise in a process of its own, one for the messages that one target is to get (program.py).

It takes 57 MB and more than a second to begin, so it is no part of processes that serve pages or
publish. And a process can be ended when a server keeps it waiting.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PROGRAM = Path(__file__).with_name("program.py")
SEND_SECONDS = 20.0
"""For all that is sent at once; then the process is killed."""


class Message(NamedTuple):
    """What one target is told."""

    title: str
    text: str
    kind: str = "info"
    """Apprise's word: ``info``, ``success``, ``warning`` or ``failure``."""


def send(url: str, messages: Sequence[Message]) -> int:
    """Send messages in order, until one is not taken; return how many were.

    Nothing is logged: URLs are secret.
    """
    given = {"url": url, "messages": [one._asdict() for one in messages]}
    try:
        ended = subprocess.run(
            [sys.executable, "-I", str(PROGRAM)],
            input=json.dumps(given).encode(),  # not an argument: everybody can read those
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SEND_SECONDS,
            check=False,
        )
        said = ended.stdout
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
    except OSError:
        return 0
    return min(len(messages), said.split().count(b"taken"))
