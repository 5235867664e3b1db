"""Every code that a network's file can give has a sentence of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from app.networks.text import TextProblem
from app.web.messages.connect import known_sentence
from app.web.messages.delivery import delivery_error, known_error
from app.web.messages.input import input_refusal
from config import load

NETWORKS = Path(__file__).parents[3] / "app" / "networks"
TREES = [ast.parse(path.read_text("utf-8")) for path in sorted(NETWORKS.rglob("*.py"))]
CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
OF_PAGES = {"denied", "stale", "refused"}
"""Ends of a sign-in that have a page of their own."""


@pytest.fixture(autouse=True)
def speaking() -> Iterator[None]:
    """A page in English."""
    settings = {"APP_ENV": "test", "SECRET_KEY": "s", "DATABASE_URL": "sqlite://"}
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    with create_app(load({**settings, "TOKEN_KEYS": key})).test_request_context():
        yield


def strings_in(node: ast.AST) -> set[str]:
    """Return every string under a node that looks like a code."""
    return {
        leaf.value
        for leaf in ast.walk(node)
        if isinstance(leaf, ast.Constant)
        and isinstance(leaf.value, str)
        and CODE.fullmatch(leaf.value)
    }


def calls_of(name: str) -> Iterator[ast.Call]:
    """Return every call of something with this name."""
    for tree in TREES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name:
                yield node


def tables_with(kind: str) -> Iterator[ast.AST]:
    """Return the values of dicts at the top of a module, by the name they are bound to."""
    for tree in TREES:
        for node in tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            target = node.target if isinstance(node, ast.AnnAssign) else target
            if isinstance(target, ast.Name) and target.id == kind:
                value = getattr(node, "value", None)
                if isinstance(value, ast.Dict):
                    yield from value.values


def outcome_codes() -> set[str]:
    """Return the codes of every Outcome and refused upload in app/networks."""
    codes: set[str] = set()
    for name in ("_outcome", "outcome", "Outcome"):
        for call in calls_of(name):
            words = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
            for argument in [*call.args[1:3], *words]:
                codes |= strings_in(argument)
    for call in calls_of("UploadRefused"):
        codes |= strings_in(call.args[0])
    codes.add("picture_permission")  # chosen in a variable
    for table in ("TOKEN_WORDS", "SUBCODES"):
        for value in tables_with(table):
            codes |= strings_in(value)
    return codes


def test_every_ending_of_a_delivery_has_a_sentence() -> None:
    """A message and a next step for each code with which a network may answer."""
    codes = outcome_codes() | {"oauth1_permissions", "user_suspended", "unsupported_authentication"}
    assert {"account_inactive", "role_lost", "content_policy", "pictures_gone"} <= codes
    silent = {code for code in codes if known_error(code, "X") is None}
    assert silent == set()
    for code in codes:
        message, step = delivery_error(code, "X")
        assert message.endswith(".")
        assert step.endswith((".", "?"))


def test_a_missing_permission_for_pictures_says_how_to_give_it() -> None:
    """A token of X from before pictures may post but not upload: connecting again helps."""
    assert "picture_permission" in outcome_codes()
    message, step = delivery_error("picture_permission", "X")
    assert "pictures" in message
    assert "Connect the account again" in step


def test_every_refused_connection_has_a_sentence() -> None:
    """Whatever ends a sign-in is said in words."""
    codes: set[str] = set()
    for call in calls_of("ConnectRefused"):
        codes |= strings_in(call.args[0])
    for value in tables_with("_REFUSALS"):
        codes |= strings_in(value)
    assert {"bad_server", "no_pages", "scope_missing", "too_often"} <= codes

    class Site:
        title = "Mastodon"

    silent = {
        code
        for code in codes - OF_PAGES
        if known_sentence(Site(), code) is None  # type: ignore[arg-type]
    }
    assert silent == set()


def test_every_problem_of_a_text_has_a_sentence() -> None:
    """And too long names the network, and the account when there are several."""
    codes: set[str] = set()
    for call in calls_of("TextProblem"):
        codes |= strings_in(call.args[0])
    about = {"length": 301, "limit": 300, "network": "Bluesky", "handle": "", "field": "text"}
    about |= {"position": 4, "code_point": "U+0007", "name": "", "before": "left", "after": "right"}
    said = {code: input_refusal(TextProblem(code, **about))[2] for code in codes}
    assert {"empty", "too_long", "too_many_bytes", "control_characters"} <= set(said)
    assert len(set(said.values())) == len(said)
    assert "Bluesky" in said["too_long"]
    assert "Character 5" in said["control_characters"]
    assert "left[U+0007]right" in said["control_characters"]
    named = input_refusal(TextProblem("too_long", **{**about, "handle": "ana"}))
    assert named[0] == "text"
    assert "@ana" in named[2]
