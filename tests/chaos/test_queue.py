"""Many add to one queue at the same instant, over HTTP, at pages in two processes."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import urljoin

import requests

from tests.conftest import MakeWorld
from tests.support.figures import sized
from tests.support.visitor import Visitor

MANY = sized(60, 200)
SLOTS = [
    {"weekday": day, "time": f"{hour:02}:{minute:02}"}
    for day in range(1, 8)
    for hour in (6, 12, 18)
    for minute in (0, 30)
]


def test_each_gets_a_slot_of_its_own(make_world: MakeWorld, database_url: str) -> None:
    """All are stored, none is refused, and no slot is left out or given twice."""
    world = make_world(database_url)
    ana = Visitor(world.start_web(2))
    ana.sign_in("ana")
    (account,) = world.accounts_of(1)
    assert ana.post(f"/accounts/{account}/slots", "PUT", slots=SLOTS).status_code == 200
    headers = {
        "Accept": "application/json",
        "X-CSRFToken": ana.token(),
        "Cookie": "; ".join(f"{one.name}={one.value}" for one in ana.http.cookies),
    }
    all_ready = Barrier(MANY)

    def add(number: int) -> tuple[int, Any]:
        body = {"text": f"Number {number}", "queue": True}
        all_ready.wait(60)
        answer = requests.post(urljoin(ana.site, "/tweets"), json=body, headers=headers, timeout=60)
        return answer.status_code, answer.json()

    begin = time.monotonic()
    with ThreadPoolExecutor(MANY) as people:
        answers = list(people.map(add, range(MANY)))
    took, statuses = time.monotonic() - begin, Counter(status for status, _body in answers)
    print(f"\n{MANY} at once: {took:.1f} s, {dict(statuses)}")
    assert statuses == {202: MANY}, answers
    given = sorted(one["due_at"] for _status, body in answers for one in body["jobs"])
    assert len(set(given)) == MANY
    ahead = ana.get(f"/accounts/{account}/queue", headers=headers).json()["queue"]
    assert [one["due_at"] for one in ahead] == given
