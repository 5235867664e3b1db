"""Stopping a worker process: the event that says so."""

from __future__ import annotations

from threading import Event

stopping = Event()
"""Set when this process was asked to stop: what has not begun is handed back."""
