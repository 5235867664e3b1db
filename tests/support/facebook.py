"""Facebook's sandbox in a thread, its control panel, and a person who visits its dialog."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from app.networks.facebook.network import Facebook
from sandbox.core import STATE, Clock, make_sandbox_server
from sandbox.facebook import APP_ID, APP_SECRET, create_facebook_app, proof_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
CALLBACK = "http://127.0.0.1:8000/login/facebook/callback"


class FacebookSandbox:
    """Facebook, played on loopback."""

    def __init__(self, data: str = ":memory:") -> None:
        self._app = create_facebook_app(data, Clock())
        self._server = make_sandbox_server("127.0.0.1", 0, self._app)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self.graph = f"{self.url}/v25.0"
        self._http = requests.Session()
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop it; what it holds is written down."""
        self._http.close()
        self._app.extensions[STATE].close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def config(self, **changes: Any) -> dict[str, Any]:
        """Return the settings that point the application here."""
        return {
            "FACEBOOK_CLIENT_ID": APP_ID,
            "FACEBOOK_CLIENT_SECRET": APP_SECRET,
            "FACEBOOK_GRAPH_URL": self.graph,
            "FACEBOOK_DIALOG_URL": f"{self.graph}/dialog/oauth",
            "SANDBOX": ("facebook",),
            "SEND_TIMEOUT": 5.0,
            **changes,
        }

    def network(self, **changes: Any) -> Facebook:
        """Return a client that speaks to this sandbox."""
        return Facebook(self.config(**changes))

    def control(self, verb: str, **body: Any) -> Any:
        """Use the control panel."""
        answer = self._http.post(f"{self.url}/control/api/{verb}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def settings(self, **settings: Any) -> None:
        """Change how Facebook behaves while nothing is broken."""
        self.control("settings", **settings)

    def fault(self, kind: str, operation: str = "create", **fields: Any) -> None:
        """Break something on purpose."""
        self.control("faults", kind=kind, operation=operation, **fields)

    def mint(self, handle: str = "ana", **wanted: Any) -> dict[str, Any]:
        """Return a Page's token and id, or a person's token, without the dialog."""
        minted: dict[str, Any] = self.control("tokens", handle=handle, **wanted)
        return minted

    def state(self) -> Any:
        """Return what happened so far."""
        return self._http.get(f"{self.url}/control/api/state", timeout=10).json()

    def texts(self) -> list[str]:
        """Return the text of every accepted post."""
        return [tweet["text"] for tweet in self.state()["tweets"]]


def visit(url: str, **form: Any) -> dict[str, str]:
    """Decide on the dialog and return what the browser brings back to the callback."""
    assert requests.get(url, timeout=10).status_code == 200
    answer = requests.post(
        url, data={"decision": "approve", **form}, allow_redirects=False, timeout=10
    )
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(CALLBACK)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def call(
    facebook: FacebookSandbox, method: str, path: str, token: Any, **more: Any
) -> requests.Response:
    """Call the Graph API as the owner of a token, in good order unless told otherwise."""
    value = token["access_token"]
    proof = {"appsecret_proof": proof_of(value)}
    more["params"] = proof | more.get("params", {})
    more.setdefault("headers", {"Authorization": f"Bearer {value}"})
    return requests.request(
        method, f"{facebook.graph}/{path}", timeout=10, allow_redirects=False, **more
    )


def feed(facebook: FacebookSandbox, token: Any, message: str = "hello", **more: Any) -> Any:
    """Publish on the token's own Page; return (status, answer)."""
    answer = call(
        facebook, "POST", f"{token['page_id']}/feed", token, json={"message": message, **more}
    )
    return answer.status_code, answer.json()


def upload(facebook: FacebookSandbox, token: Any, data: bytes = PNG, **form: Any) -> Any:
    """Send a picture; return the answer."""
    files = {"source": ("p.png", data, "image/png")}
    path = f"{token['page_id']}/photos"
    return call(facebook, "POST", path, token, data=form, files=files).json()


def codes(answer: requests.Response) -> tuple[int, int, int | None]:
    """Return status, code and subcode of a refusal, which has Facebook's shape."""
    error = answer.json()["error"]
    assert error["fbtrace_id"]
    assert error["message"]
    return answer.status_code, error["code"], error.get("error_subcode")
