"""An account's past, of which the board tells nothing: nobody is asked whether to learn from it."""

from __future__ import annotations

from app.networks.history import ReadKind

READS: tuple[ReadKind, ...] = ()
