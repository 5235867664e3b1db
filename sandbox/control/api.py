"""The control panel for tests, in JSON (see the README for every field)."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.control.history import FIELDS, make_history, read_wish
from sandbox.control.state import State, UnknownPost


class BadRequest(ValueError):
    """The body of a control call is not what the README describes."""


def make_panel_routes(panel: "Panel") -> Blueprint:
    """The routes under ``/control/api``; each network has a panel of its own."""
    routes = Blueprint("control_api", __name__, url_prefix="/control/api")
    routes.register_error_handler(ValueError, _explain)
    routes.register_error_handler(UnknownPost, _miss)
    for method, path, view in (
        ("GET", "/state", panel.facts),
        ("GET", "/faults", panel.list_faults),
        ("POST", "/faults", panel.add_fault),
        ("DELETE", "/faults", panel.remove_faults),
        ("DELETE", "/faults/<int:fault_id>", panel.remove_faults),
        ("POST", "/settings", panel.change_settings),
        ("POST", "/revoke", panel.revoke),
        ("POST", "/reset", panel.reset),
        ("POST", "/tokens", panel.mint),
        ("POST", "/history", panel.add_history),
        ("PATCH", "/posts/<path:post_id>", panel.edit_post),
        ("DELETE", "/posts/<path:post_id>", panel.delete_post),
    ):
        # The id of a post can be an address, whose slashes stay as they are.
        routes.add_url_rule(path, f"{method} {path}", view, methods=[method], merge_slashes=False)
    return routes


class Panel:
    """One method for each call."""

    def __init__(self, state: State[Any]) -> None:
        self._state = state

    def facts(self) -> Response:
        """What happened so far."""
        handle, with_tweets = request.args.get("handle"), request.args.get("list", "1") != "0"
        facts = self._state.facts(handle, with_tweets)
        if request.args.get("history") == "1":
            facts["history"] = self._state.past(handle)
        return jsonify(facts)

    def list_faults(self) -> Response:
        """The faults that are left."""
        return jsonify(faults=self._state.faults.active())

    def add_fault(self) -> tuple[Response, int]:
        """Set a fault."""
        return jsonify(fault=self._state.faults.add(read_body())), 201

    def remove_faults(self, fault_id: int | None = None) -> Response:
        """Take one fault away, or all."""
        self._state.faults.remove(fault_id)
        return self.list_faults()

    def change_settings(self) -> Response:
        """Change settings, all or none."""
        self._state.change_settings(read_body())
        return jsonify(settings=self._state.settings.as_dict())

    def reset(self) -> Response:
        """Begin anew."""
        keep_tokens = read_body("keep_tokens").get("keep_tokens") is True
        self._state.reset(keep_tokens)
        return self.facts()

    def add_history(self) -> tuple[Response, int]:
        """Give somebody a past: posts, liked posts, followed accounts."""
        wish = read_wish(read_body(*FIELDS))
        history = make_history(wish)
        with self._state.lock:
            kept = self._state.add_history(wish.handle, history)
        return jsonify({name: len(entries) for name, entries in vars(kept).items()}), 201

    def edit_post(self, post_id: str) -> Response:
        """Edit a post, as its author does on the network."""
        text = read_body("text").get("text")
        if not isinstance(text, str):
            raise BadRequest("text is missing")
        with self._state.lock:
            return jsonify(post=self._state.edit_post(post_id, text))

    def delete_post(self, post_id: str) -> Response:
        """Delete a post, as its author does on the network."""
        with self._state.lock:
            return jsonify(post=self._state.delete_post(post_id))

    def revoke(self) -> Response:
        """End somebody's tokens."""
        raise NotImplementedError

    def mint(self) -> tuple[Response, int]:
        """Make tokens without the consent page."""
        raise NotImplementedError


def read_handle(body: dict[str, Any]) -> str:
    """The handle that a body names. Raises BadRequest when it names none."""
    if not isinstance(body.get("handle"), str):
        raise BadRequest("handle is missing")
    return str(body["handle"])


def read_body(*allowed: str) -> dict[str, Any]:
    """The call's JSON object with no field but ``allowed``, any if none. Raises BadRequest."""
    # Anything but JSON would let a page of another site send this with a plain form.
    if request.content_length and request.mimetype != "application/json":
        raise BadRequest("Content-Type must be application/json")
    body = request.get_json(silent=True) if request.content_length else {}
    if not isinstance(body, dict):
        raise BadRequest("the body is a JSON object")
    unknown = set(body) - set(allowed) if allowed else set()
    if unknown:
        raise BadRequest(f"unknown field {min(unknown)!r}")
    return body


def _explain(error: Exception) -> tuple[Response, int]:
    return jsonify(error=str(error)), 400


def _miss(error: Exception) -> tuple[Response, int]:
    return jsonify(error=str(error)), 404
