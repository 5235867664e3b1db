"""A person who lets us learn from their account, through the pages and the network's own."""

from __future__ import annotations

from typing import Any

import requests

from tests.support.visitor import Visitor
from tests.support.waiting import PATIENCE, wait_for
from tests.support.world import World


class Learner:
    """Somebody signed in with one account."""

    def __init__(self, world: World, site: str, network: str = "x", handle: str = "ana") -> None:
        self.world = world
        self.handle = handle
        self.visitor = Visitor(site)
        assert self.visitor.connect(network, handle).status_code == 200
        listed = self.visitor.get("/accounts").text
        self.account_id = int(listed.split('data-account="')[1].split('"')[0])
        self.path = f"/accounts/{self.account_id}/learning"

    def agree(self, **body: Any) -> dict[str, Any]:
        """Agree here and, where that is asked, at the network; return the first answer."""
        answer = self.visitor.post(self.path, **body)
        assert answer.status_code == 202, answer.text
        told: dict[str, Any] = answer.json()
        if told["authorize_url"]:
            assert self.approve(told["authorize_url"]).status_code == 200
        return told

    def approve(self, address: str, handle: str = "", decision: str = "approve") -> Any:
        """Answer the network's consent page; return where that leads."""
        page = self.visitor.http.get(address, timeout=20)
        data = {"handle": handle or self.handle, "decision": decision}
        return self.visitor.http.post(page.url, data=data, timeout=20)

    def learning(self) -> dict[str, Any]:
        """Return how it goes."""
        found: dict[str, Any] = self.visitor.get(
            self.path, headers={"Accept": "application/json"}
        ).json()["learning"]
        return found

    def import_now(self, **body: Any) -> requests.Response:
        """Ask for an import."""
        return self.visitor.post(f"{self.path}/import", **body)

    def until_on(self, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until no import runs; return how it went."""

        def ended() -> dict[str, Any]:
            told = self.learning()
            return told if told["state"] == "on" and told["last_run_at"] else {}

        return wait_for(ended, seconds, "the end of the import")

    def import_and_wait(self, **body: Any) -> dict[str, Any]:
        """Import once more; return how it went."""
        assert self.import_now(**body).status_code == 202
        return self.until_on()

    def items(self, **query: Any) -> list[dict[str, Any]]:
        """Return everything that was imported, over all pages."""
        found: list[dict[str, Any]] = []
        before: str | None = ""
        while before is not None:
            params = {**query, **({"before": before} if before else {})}
            answer = self.visitor.get(
                f"/accounts/{self.account_id}/learned",
                params=params,
                headers={"Accept": "application/json"},
            ).json()
            found += answer["items"]
            before = answer["next"]
        assert len(found) == answer["total"]
        return found
