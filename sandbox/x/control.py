"""The control panel for people: what the sandbox holds, and one-click faults."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.control.presets import EVERYBODY, GROUPS, PRESETS, describe
from sandbox.core.settings import MAX_LAG
from sandbox.x.settings import Settings
from sandbox.x.state import XState

PAGE_LENGTH = 50
MESSAGES = {
    "removed": "The fault is gone.",
    "settings": "Changed.",
    "revoked": "Access revoked: the app has to ask for consent again.",
    "expired": "The access tokens ended: the app has to refresh.",
    "reset": "Everything is as on the first day.",
    "bad": "That cannot be done.",
}


def make_control_page(state: XState) -> Blueprint:
    """The routes of ``GET /`` and its forms."""
    routes = Blueprint("control", __name__)
    desk = _Desk(state)
    routes.add_url_rule("/", "page", desk.page)
    for path, view in (
        ("/control/faults", desk.add_fault),
        ("/control/faults/<int:fault_id>/remove", desk.remove_fault),
        ("/control/settings", desk.change_settings),
        ("/control/revoke", desk.revoke),
        ("/control/reset", desk.reset),
    ):
        routes.add_url_rule(path, view.__name__, view, methods=["POST"])
    return routes


class _Desk:
    """The page and one method for each of its forms."""

    def __init__(self, state: XState) -> None:
        self._state = state

    def page(self) -> str:
        state = self._state
        with state.lock:
            return render_template(
                "control.html",
                tweets=state.tweets.newest(PAGE_LENGTH),
                faults=[(fault["id"], describe(fault)) for fault in state.faults.active()],
                people=state.people(),
                settings=state.settings,
                calls=state.calls.by_operation.get("create", 0),
                groups=GROUPS,
                message=_message(request.args.get("done", "")),
            )

    def add_fault(self) -> AnyResponse:
        preset = PRESETS.get(request.form.get("preset", ""))
        handle = request.form.get("who", EVERYBODY)
        is_known = handle == EVERYBODY or self._state.known_person(handle) is not None
        if preset is None or not is_known:
            return _back("bad")
        self._state.faults.add(preset.fault | ({"handle": handle} if handle else {}))
        return _back(preset.name)

    def remove_fault(self, fault_id: int) -> AnyResponse:
        self._state.faults.remove(fault_id)
        return _back("removed")

    def change_settings(self) -> AnyResponse:
        lag = request.form.get("read_lag", "")
        if not lag.isdecimal() or int(lag) > MAX_LAG:
            return _back("bad")
        refuse_duplicates = request.form.get("duplicates") == "refuse"
        window = Settings().duplicate_window if refuse_duplicates else 0
        self._state.change_settings({"read_lag": int(lag), "duplicate_window": window})
        return _back("settings")

    def revoke(self) -> AnyResponse:
        action, _, handle = request.form.get("what", "").partition(" ")
        person = self._state.known_person(handle)
        if person is None or action not in ("revoke", "expire"):
            return _back("bad")
        self._state.revoke(person, only_access=action == "expire")
        return _back("revoked" if action == "revoke" else "expired")

    def reset(self) -> AnyResponse:
        self._state.reset()
        return _back("reset")


def _message(done: str) -> str:
    # Only known words become text, so that a link cannot put words into this page.
    preset = PRESETS.get(done)
    return f"Set: {preset.label}." if preset else MESSAGES.get(done, "")


def _back(done: str) -> AnyResponse:
    return redirect(url_for("control.page", done=done), 303)
