"""A person with a browser that runs no JavaScript, or a program with a session."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from tests.support.waiting import wait_for

TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
SERVER = re.compile(r'name="server"[^>]*\svalue="([^"]*)"')
FINAL = {"done", "failed"}


class Visitor:
    """One cookie jar."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.http = requests.Session()

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        """Open a page."""
        return self.http.get(urljoin(self.site, path), timeout=20, **kwargs)

    def sign_in(self, handle: str, decision: str = "approve") -> requests.Response:
        """Sign in with X, or connect an account there, through the consent page of the sandbox."""
        return self.connect("x", handle, decision)

    def connect(self, network: str, handle: str, decision: str = "approve") -> requests.Response:
        """Sign in or connect at any network: what it asks first, its consent page, our own."""
        page = self.open(network, handle, decision)
        is_asked = urlsplit(page.url).path == "/accounts/confirm"
        return self.submit("/accounts/confirm") if is_asked else page

    def open(self, network: str, handle: str, decision: str = "approve") -> requests.Response:
        """Walk as far as the network's own pages go; whoever is signed in is asked after that."""
        page = self.begin(network, handle)
        if page.url.startswith(self.site):
            return page
        return self.http.post(page.url, data={"handle": handle, "decision": decision}, timeout=20)

    def begin(self, network: str, handle: str = "", **typed: str) -> requests.Response:
        """Go to the network's consent page, through our form where there is one."""
        page = self.get(f"/login/{network}")
        if not page.url.startswith(self.site) or not page.ok:
            return page
        typed = {"identifier": f"{handle}.test", "password": "sandbox-password", **typed}
        if server := SERVER.search(page.text):
            typed.setdefault("server", server[1])
        return self.submit(f"/login/{network}", **typed)

    def token(self) -> str:
        """Return the CSRF token of the start page."""
        found = TOKEN.search(self.get("/").text)
        assert found
        return found[1]

    def post(self, path: str, verb: str = "POST", **body: Any) -> requests.Response:
        """Send JSON like the page's own script."""
        headers = {"X-CSRFToken": self.token(), "Accept": "application/json"}
        url = urljoin(self.site, path)
        return self.http.request(verb, url, json=body, headers=headers, timeout=20)

    def submit(self, path: str, **fields: str) -> requests.Response:
        """Send a plain form, as a browser without JavaScript does."""
        form = {"csrf_token": self.token(), **fields}
        headers = {"Accept": "text/html"}
        url = urljoin(self.site, path)
        return self.http.post(url, data=form, headers=headers, timeout=20)

    def status(self, job_id: str) -> dict[str, Any]:
        """Ask what became of a job."""
        answer = self.get(f"/status/{job_id}", headers={"Accept": "application/json"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def until_final(self, job_id: str) -> dict[str, Any]:
        """Wait for done or failed."""
        return wait_for(
            lambda: status if (status := self.status(job_id))["status"] in FINAL else None,
            what="a final state",
        )
