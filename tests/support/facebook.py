"""Facebook's sandbox in a thread, its control panel, and a person who visits its dialog."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from app.networks.facebook.network import Facebook
from sandbox.facebook import APP_ID, APP_SECRET, create_facebook_app, proof_of
from tests.support.sandbox import SandboxThread

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
CALLBACK = "http://127.0.0.1:8000/login/facebook/callback"


class FacebookSandbox(SandboxThread):
    """Facebook, played on loopback."""

    def __init__(self, data: str = ":memory:") -> None:
        super().__init__(create_facebook_app(data))
        self.graph = f"{self.url}/v25.0"

    def config(self, **changes: Any) -> dict[str, Any]:
        """Return the settings that point the application here."""
        return {
            "FACEBOOK_CLIENT_ID": APP_ID,
            "FACEBOOK_CLIENT_SECRET": APP_SECRET,
            "FACEBOOK_GRAPH_URL": self.graph,
            "FACEBOOK_DIALOG_URL": f"{self.graph}/dialog/oauth",
            "SANDBOX": ("facebook",),
            "SEND_TIMEOUT": 15.0,
            **changes,
        }

    def network(self, **changes: Any) -> Facebook:
        """Return a client that speaks to this sandbox."""
        return Facebook(self.config(**changes))


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
