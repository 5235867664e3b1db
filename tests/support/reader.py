"""Somebody signed in at a test client: no process and no port, on any database."""

from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts import sessions
from app.accounts.audit import Visit
from app.db import db
from app.models import User
from tests.support.world import World

TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
JSON = {"Accept": "application/json"}


class Reader:
    """One browser of somebody, or one of their programs."""

    def __init__(self, world: World, user_id: int, key: str) -> None:
        self.client: FlaskClient = world.app.test_client()
        with self.client.session_transaction() as session:
            session["key"], session["_user_id"] = key, str(user_id)

    @classmethod
    def of(cls, world: World, user_id: int) -> Reader:
        """Sign somebody in with their first account."""
        with world.rows():
            account = db.session.get_one(User, user_id).accounts[0]
            visit = Visit("127.0.0.1", "Firefox on Linux")
            key = sessions.open_session(user_id, account, visit, browser_key="b", is_known=True)
        return cls(world, user_id, key)

    def json(self, path: str) -> Any:
        """Return what a program is answered, which must be 200."""
        answer = self.client.get(path, headers=JSON)
        assert answer.status_code == 200, answer.text
        return answer.json

    def page(self, path: str) -> str:
        """Return a page, which must be 200."""
        answer = self.client.get(path)
        assert answer.status_code == 200
        return answer.text

    def post(self, path: str, **body: Any) -> TestResponse:
        """Send JSON."""
        headers = {**JSON, "X-CSRFToken": self._token()}
        return self.client.post(path, json=body, headers=headers)

    def put(self, path: str, **body: Any) -> TestResponse:
        """Put JSON in the place of what is there."""
        headers = {**JSON, "X-CSRFToken": self._token()}
        return self.client.put(path, json=body, headers=headers)

    def change(self, path: str, **body: Any) -> TestResponse:
        """Change something with JSON."""
        headers = {**JSON, "X-CSRFToken": self._token()}
        return self.client.patch(path, json=body, headers=headers)

    def delete(self, path: str) -> TestResponse:
        """Delete something."""
        return self.client.delete(path, headers={**JSON, "X-CSRFToken": self._token()})

    def submit(self, path: str, **fields: Any) -> TestResponse:
        """Send a form."""
        return self.client.post(path, data={"csrf_token": self._token(), **fields})

    def _token(self) -> str:
        found = TOKEN.search(self.client.get("/").text)
        assert found
        return found[1]
