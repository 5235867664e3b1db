"""Publishing deliveries here and now, until they are through."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from flask import current_app

from app.services import claiming
from app.services.lane import PREPARING, SLOTS, Lane


def publish(job_ids: Sequence[str]) -> None:
    """Publish those of these deliveries that are due and scheduled, each once.

    Deliveries that are not are left alone, so that a bell may ring too often. Blocks for about
    as long as the network takes.
    """
    for name, its_ids in claiming.by_network(job_ids).items():
        calls, preparing = (min(most, len(its_ids)) for most in (SLOTS, PREPARING))
        with ThreadPoolExecutor(calls) as callers, ThreadPoolExecutor(preparing) as preparers:
            lane = Lane(current_app.extensions["networks"][name], callers, preparers)
            lane.put(its_ids)
            while not lane.is_idle:
                lane.step()
                lane.wait(1)
