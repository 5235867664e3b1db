"""X, as docs/networks/x.md describes it."""

from sandbox.x.app import create_x_app

__all__ = ["create_x_app"]
