"""Somebody who goes on submitting to the pages while something is broken."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter

import requests

from tests.support.visitor import Visitor
from tests.support.waiting import PATIENCE

AFTER_A_REFUSAL = 0.3
"""Seconds until the same tweet is submitted again."""


class Author(threading.Thread):
    """Submits tweets one after the other, each until the pages take it.

    After a refusal the same ``submit_id`` is sent again, as the page's own script does.
    ``pause`` is in seconds.
    """

    def __init__(self, site: str, handle: str, pause: float = 0.3) -> None:
        super().__init__(daemon=True)
        self.jobs: dict[str, str] = {}
        self.answers: Counter[int] = Counter()
        self.slowest = 0.0
        self.wrong: list[str] = []
        self.visitor = Visitor(site)
        self.visitor.sign_in(handle)
        self._person = handle
        self._pause = pause
        self._token = self.visitor.token()
        self._enough = threading.Event()

    def run(self) -> None:
        """Write until it is enough, or the pages answer with anything but a sentence."""
        while not self._enough.is_set() and not self.wrong:
            text = f"{self._person} writes {len(self.jobs)} {'and goes on ' * 18}"[:270].strip()
            self._insist(text, uuid.uuid4().hex)
            time.sleep(self._pause)

    def finish(self, seconds: float = PATIENCE) -> dict[str, str]:
        """Stop when the tweet under way is taken; return job ids by text."""
        self._enough.set()
        self.join(seconds)
        assert not self.is_alive(), f"{self._person} still waits for a 202: {self.answers}"
        assert not self.wrong, self.wrong
        assert self.jobs
        return self.jobs

    def refused(self) -> int:
        """Return how often the pages said no."""
        return sum(count for status, count in self.answers.items() if status != 202)

    def submit(self, text: str, submit_id: str) -> requests.Response:
        """Submit once, and note the answer and how long it took."""
        started = time.monotonic()
        answer = self.visitor.http.post(
            f"{self.visitor.site}/tweets",
            json={"text": text, "submit_id": submit_id},
            headers={"X-CSRFToken": self._token, "Accept": "application/json"},
            timeout=60,
        )
        self.slowest = max(self.slowest, time.monotonic() - started)
        self.answers[answer.status_code] += 1
        return answer

    def _insist(self, text: str, submit_id: str) -> None:
        while (answer := self.submit(text, submit_id)).status_code != 202:
            if not _is_a_sentence(answer):
                self.wrong.append(f"{answer.status_code}: {answer.text[:500]}")
                return
            time.sleep(AFTER_A_REFUSAL)
        self.jobs[text] = answer.json()["job_id"]


def _is_a_sentence(answer: requests.Response) -> bool:
    """True for a 503 that says in words what is wrong."""
    if answer.status_code != 503 or "Traceback" in answer.text:
        return False
    return str(answer.json()["error"]["message"]).strip().endswith(".")
