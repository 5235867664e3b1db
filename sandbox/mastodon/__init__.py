"""A Mastodon server."""
