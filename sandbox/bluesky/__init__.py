"""A Bluesky server, entryway and PDS in one, as docs/networks/bluesky.md describes it."""

from sandbox.bluesky.app import create_bluesky_app
from sandbox.bluesky.ids import did_of

__all__ = ["create_bluesky_app", "did_of"]
