"""A Bluesky server (PDS)."""
