"""Publishing deliveries here and now, until they are through."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from flask import Flask, current_app

from app.delivery.claims import by_destination
from app.delivery.executor import Executors
from app.delivery.publisher import Publisher
from app.networks import Destination


def publish(job_ids: Sequence[str]) -> None:
    """Publish those of these deliveries that are due and scheduled, each once.

    Deliveries that are not are left alone, so that a bell may ring too often. Blocks for about
    as long as the slowest server takes; the others do not wait for it.
    """
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
    groups = by_destination(job_ids)
    with ThreadPoolExecutor(max(1, len(groups))) as servers:
        list(servers.map(partial(_publish, app), groups, groups.values()))


def _publish(app: Flask, destination: Destination, job_ids: Sequence[str]) -> None:
    network = app.extensions["networks"][destination.network]
    with app.app_context(), Executors(network.name, len(job_ids)) as executors:
        publisher = Publisher(network, executors)
        publisher.put(job_ids)
        while not publisher.is_idle:
            publisher.step()
            publisher.wait(1)
