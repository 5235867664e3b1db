"""The control page and its API."""
