"""A Mastodon server, as docs/networks/mastodon.md describes it."""

from sandbox.mastodon.app import create_mastodon_app

__all__ = ["create_mastodon_app"]
