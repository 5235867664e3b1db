"""Every code that the app can store or answer with has a sentence of its own."""

from __future__ import annotations

import ast
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

import pytest

from app import create_app
from app.networks import OptionProblem, OutcomeKind, TextProblem
from app.pictures import PictureRefused
from app.planning import PresetProblem, RecurrenceProblem
from app.sentences.delivery import delivery_error, hold_error, known_error, outcome_of
from app.sentences.pictures import picture_refusal
from app.states import HoldReason
from app.tweet_files import FileProblem, RowProblem
from app.web.messages.connect import known_sentence
from app.web.messages.input import input_refusal
from app.web.messages.learning import import_error
from app.web.messages.series import rule_refusal
from app.web.schemas import Invalid
from app.when import WhenProblem
from config import load

APP = Path(__file__).parents[3] / "app"
CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
NAMES = {"code", "error_code"}
"""What parameters, fields and columns that hold a code are called."""
OF_INPUT = {"TextProblem", "OptionProblem", "WhenProblem", "Invalid"}
OF_RULES = {"RecurrenceProblem", "_bad"}
OF_SIGN_IN = {"ConnectRefused"}
OF_READING = {"Ended", "LookUpRefused"}
OF_FILES = {"FileProblem", "RowProblem"}
"""What may be wrong with a file of tweets, or with a row of it."""
OF_PRESETS = {"PresetProblem"}
OF_BESIDE = OF_FILES | OF_PRESETS
OF_OAUTH = {"_exchange", "_exchange_if_checked", "fetch_token"}
"""These take OAuth's ``code``, which is none of ours."""
OF_PAGES = {"denied", "stale", "refused"}
"""Ends of a sign-in that have a page of their own."""
COMPUTED = {
    "problem.replace('-', '_')": {
        "oauth1_permissions",
        "user_suspended",
        "unsupported_authentication",
    },
    "problem_of(picture.mime, limits)": {"picture_moves"},
}
"""Codes that are made by an expression which this test cannot follow."""
NEVER_STORED = {"pictures_now_ready"}
"""Codes that one module of a network gives another, which replaces them."""


@pytest.fixture(autouse=True)
def speaking() -> Iterator[None]:
    """A page in English."""
    settings = {"APP_ENV": "test", "SECRET_KEY": "s", "DATABASE_URL": "sqlite://"}
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    with create_app(load({**settings, "TOKEN_KEYS": key})).test_request_context():
        yield


class Codes(ast.NodeVisitor):
    """The codes in some source: by the name of what is called with them."""

    def __init__(self, trees: Sequence[ast.Module]) -> None:
        self.by_taker: dict[str, set[str]] = defaultdict(set)
        self.not_followed: dict[str, set[str]] = defaultdict(set)
        self._functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        self._open: list[str] = []
        nodes = [node for tree in trees for node in ast.walk(tree)]
        self._places = {node.name: place for node in nodes for place in _places_in(node)}
        for node in nodes:  # a class without an ``__init__`` of its own takes what its base takes
            if isinstance(node, ast.ClassDef) and node.name not in self._places:
                for base in map(ast.unparse, node.bases):
                    if base in self._places:
                        self._places[node.name] = self._places[base]
        self._constants = {
            name: node.value for tree in trees for node in tree.body for name in _names_in(node)
        }
        self._givers = {node.name: node for node in nodes if _may_give_a_code(node)}
        for tree in trees:
            self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Remember in which function an expression stands."""
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name that ast gives it

    def visit_Call(self, node: ast.Call) -> None:
        """Read the argument that is a code."""
        taker = ast.unparse(node.func).rpartition(".")[2]
        given = [keyword.value for keyword in node.keywords if keyword.arg in NAMES]
        place = self._places.get(taker)
        if place is not None:
            given += node.args[place : place + 1]
        self._read(taker, given)
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        """Read the values of a row that are a code."""
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "error_code":
                self._read("a row", [value])
        self.generic_visit(node)

    def _read(self, taker: str, given: Sequence[ast.expr]) -> None:
        for expression in given:
            words, rest = self._followed(expression)
            self.by_taker[taker] |= words
            self.not_followed[taker] |= rest

    def _followed(self, node: ast.expr) -> tuple[set[str], set[str]]:
        """Return the codes that an expression can be, and what of it is not understood."""
        match node:
            case ast.Constant():
                return strings_in(node), set()
            case ast.IfExp():
                return self._all_of([node.body, node.orelse])
            case ast.BoolOp():
                return self._all_of(node.values)
            case ast.Attribute(attr=name) if name in NAMES:  # handed on
                return set(), set()
            case ast.Name(id=name):
                return self._named(name)
            case (
                ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"))
                | ast.Subscript(value=ast.Name(id=name))
            ) if name in self._constants:
                defaults = node.args[1:] if isinstance(node, ast.Call) else []
                return set().union(*map(strings_in, [*self._table(name), *defaults])), set()
            case ast.Call(func=ast.Name(id=name)) if name in self._givers:
                body = ast.walk(self._givers[name])
                returned = [one.value for one in body if isinstance(one, ast.Return)]
                return self._all_of([value for value in returned if value])
        source = ast.unparse(node)
        return (COMPUTED[source], set()) if source in COMPUTED else (set(), {source})

    def _all_of(self, nodes: Sequence[ast.expr]) -> tuple[set[str], set[str]]:
        found = [self._followed(node) for node in nodes]
        return set().union(*(words for words, _ in found)), set().union(
            *(rest for _, rest in found)
        )

    def _named(self, name: str) -> tuple[set[str], set[str]]:
        """Return what a name stands for: in its function, or in some module."""
        if name in self._open:  # ``code = code or …``
            return set(), set()
        values = [
            value
            for function in self._functions
            for node in ast.walk(function)
            if isinstance(node, ast.Assign | ast.NamedExpr)
            for value in _given_to(name, node)
        ]
        if values:
            self._open.append(name)
            found = self._all_of(values)
            self._open.pop()
            return found
        if name in self._constants:
            return set().union(*map(strings_in, self._table(name))), set()
        return set(), set() if name in NAMES else {name}

    def _table(self, name: str) -> list[ast.expr]:
        """Return the values of a constant: of a dict, without its keys."""
        value = self._constants[name]
        return value.values if isinstance(value, ast.Dict) else [value]


def _may_give_a_code(node: ast.AST) -> TypeGuard[ast.FunctionDef]:
    """Whether this is a function that is said to return a word or None."""
    returned = node.returns if isinstance(node, ast.FunctionDef) else None
    return returned is not None and ast.unparse(returned) == "str | None"


def _places_in(node: ast.AST) -> Iterator[int]:
    """Yield at which place a function or a class takes a code."""
    names: list[str] = []
    if isinstance(node, ast.FunctionDef) and node.name != "__init__":
        names = [one.arg for one in node.args.args if one.arg != "self"]
    if isinstance(node, ast.ClassDef) and "db.Model" not in map(ast.unparse, node.bases):
        fields = (one.target for one in node.body if isinstance(one, ast.AnnAssign))
        names = [field.id for field in fields if isinstance(field, ast.Name)]
        for one in node.body:
            if isinstance(one, ast.FunctionDef) and one.name == "__init__":
                names = [argument.arg for argument in one.args.args[1:]]
    yield from (names.index(name) for name in NAMES & {*names})


def _names_in(node: ast.stmt) -> list[str]:
    """Return the names that a statement at the top of a module gives to a value."""
    if isinstance(node, ast.Assign):
        return [ast.unparse(target) for target in node.targets]
    is_named = isinstance(node, ast.AnnAssign) and node.value
    return [ast.unparse(node.target)] if is_named else []


def _targets_of(node: ast.Assign | ast.NamedExpr) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _given_to(name: str, node: ast.Assign | ast.NamedExpr) -> Iterator[ast.expr]:
    """Yield what an assignment gives to a name; of a pair the half that is the name's."""
    for target in _targets_of(node):
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=True)
            yield from (value for one, value in pairs if ast.unparse(one) == name)
        elif name in {ast.unparse(one) for one in ast.walk(target) if isinstance(one, ast.Name)}:
            yield node.value


def strings_in(node: ast.AST) -> set[str]:
    """Return every string under a node that looks like a code."""
    return {
        leaf.value
        for leaf in ast.walk(node)
        if isinstance(leaf, ast.Constant)
        and isinstance(leaf.value, str)
        and CODE.fullmatch(leaf.value)
    }


def codes_in(where: Iterable[Path]) -> Codes:
    """Return the codes in these files."""
    return Codes([ast.parse(path.read_text("utf-8")) for path in sorted(where)])


BESIDE = {
    *(APP / "web", APP / "sentences", APP / "mail"),
    *(APP / "background.py", APP / "workers" / "runner.py"),
}
"""Results of background tasks and of mails are shown to operators as they are."""


@cache
def web() -> Codes:
    """Return the codes in the code of pages."""
    return codes_in((APP / "web").rglob("*.py"))


@cache
def below() -> Codes:
    """Return the codes in what pages stand on."""
    return codes_in(
        path for path in APP.rglob("*.py") if not any(path.is_relative_to(one) for one in BESIDE)
    )


def of_deliveries() -> set[str]:
    """Return the codes that a Delivery can have."""
    others = OF_INPUT | OF_RULES | OF_SIGN_IN | OF_OAUTH | OF_READING | OF_BESIDE
    by_taker = below().by_taker.items()
    return set().union(*(codes for taker, codes in by_taker if taker not in others)) - NEVER_STORED


def test_every_code_is_followed() -> None:
    """No code comes from where this test does not look: else one without words is overlooked."""
    followed = {**below().not_followed, **{name: web().not_followed[name] for name in OF_INPUT}}
    lost = {taker: rest for taker, rest in followed.items() if rest and taker not in OF_OAUTH}
    assert lost == {}


def test_every_ending_of_a_delivery_has_a_sentence() -> None:
    """A message and a next step for each code that a Delivery can have, whoever gives it."""
    by_networks = {"account_inactive", "role_lost", "content_policy", "pictures_gone"}
    by_us = {"worker_lost", "never_seen", "disconnected", "not_stored", "picture_too_heavy"}
    assert by_networks | by_us <= of_deliveries()
    assert {code for code in of_deliveries() if known_error(code, "X") is None} == set()
    for code in of_deliveries():
        message, step = delivery_error(code, "X")
        assert message.endswith(".")
        assert step.endswith((".", "?"))


def test_every_refused_rule_has_a_sentence() -> None:
    """Of its own, for each code that a rule can be refused with."""
    codes = below().by_taker["RecurrenceProblem"] | {"bad_start"}  # pages read the start
    assert {"too_often", "never", "unreadable"} <= codes
    said = {code: rule_refusal(RecurrenceProblem(code)) for code in codes}
    assert len(set(said.values())) == len(codes)


def test_every_early_end_of_an_import_has_a_sentence() -> None:
    """Of its own, with what happens or helps next."""
    codes = set().union(*(below().by_taker[taker] for taker in OF_READING)) | {"not_allowed"}
    assert {"rate_limited", "page_loop", "access_ended"} <= codes
    said = {code: import_error(code, "X") for code in codes}
    assert len({told[0] for told in said.values() if told}) == len(codes)
    assert import_error("comet", "X") not in said.values()
    assert import_error(None, "X") is None


def test_every_reason_to_hold_has_a_sentence_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """Each HoldReason says something else, and none is without words."""
    said = {reason: hold_error(reason, "X", "ana") for reason in HoldReason}
    assert {code for code, _message, _step in said.values()} == set(HoldReason)
    assert len({message for _code, message, _step in said.values()}) == len(HoldReason)
    assert caplog.records == []


@pytest.mark.parametrize("reason", ["eclipse", None])
def test_an_unknown_reason_to_hold_gets_no_others_sentence(
    reason: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said in general, and written to the log."""
    code, message, step = hold_error(reason, "X", "ana", "storm")
    others = {hold_error(known, "X", "ana")[1] for known in HoldReason}
    assert code == (reason or "held")
    assert message not in others
    assert step.endswith(".")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert str(reason) in caplog.text


def test_an_unknown_code_gets_no_others_sentence(caplog: pytest.LogCaptureFixture) -> None:
    """It is said in general, and written to the log, once and not at each poll."""
    message, step = delivery_error("comet", "X")
    assert message not in {delivery_error(code, "X")[0] for code in of_deliveries()}
    assert step.endswith(".")
    assert delivery_error("comet", "X") == (message, step)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "comet" in caplog.text


def test_every_end_of_an_attempt_has_words_of_its_own() -> None:
    """None is said like an attempt whose end nobody recorded."""
    said = [outcome_of(kind) for kind in [*OutcomeKind, None]]
    assert len(set(said)) == len(said)


def test_a_missing_permission_for_pictures_says_how_to_give_it() -> None:
    """A token of X from before pictures may post but not upload: connecting again helps."""
    assert "picture_permission" in of_deliveries()
    message, step = delivery_error("picture_permission", "X")
    assert "pictures" in message
    assert "Connect the account again" in step


def test_every_refused_connection_has_a_sentence() -> None:
    """Whatever ends a sign-in is said in words."""
    codes = below().by_taker["ConnectRefused"] | web().by_taker["ConnectRefused"]
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
    codes = below().by_taker["TextProblem"] | web().by_taker["TextProblem"]
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


def test_every_problem_of_an_option_has_a_sentence() -> None:
    """One for each code, with the field of its account."""
    codes = below().by_taker["OptionProblem"]
    assert {"option_unknown", "poll_with_pictures", "warning_too_long"} <= codes
    about = {"network": "X", "name": "poll", "limit": 4, "length": 5, "least": 1, "fields": "a, b"}
    about |= {"field_name": "duration_minutes", "field": "options-7"}
    said = {code: input_refusal(OptionProblem(code, **about)) for code in codes}
    assert {field for field, _code, _sentence in said.values()} == {"options-7"}
    assert len({sentence for _field, _code, sentence in said.values()}) == len(codes)


def test_every_problem_of_a_time_has_a_sentence() -> None:
    """One for each code, and none is another one's."""
    codes = below().by_taker["WhenProblem"]
    assert {"past", "gap", "too_far", "not_understood"} <= codes
    about = {"wall": "02:30", "date": "28 Mar", "zone": "Europe/Berlin", "first_valid": "03:00"}
    said = {code: input_refusal(WhenProblem(code, **about))[2] for code in codes}
    assert len(set(said.values())) == len(said)


def test_every_refused_picture_has_a_sentence() -> None:
    """Also where the page refuses it, and none says that it "could not be used" alone."""
    codes = set().union(
        *(
            found.by_taker[name]
            for found in (below(), web())
            for name in ("PictureRefused", "_refuse")
        )
    )
    assert {"picture_polyglot", "pictures_away", "picture_used", "quota"} <= codes
    general = picture_refusal("comet")
    assert {code for code in codes if picture_refusal(code) == general} == set()
    assert input_refusal(PictureRefused("picture_broken", "a.png"))[2].startswith("a.png: ")


def test_every_field_that_does_not_fit_has_a_sentence() -> None:
    """One for each code of ``Invalid`` that reaches a person."""
    codes = web().by_taker["Invalid"] - {"old_form"}  # what it stops is shown with its own words
    assert {"unknown_name", "empty_time", "time_moved", "wrong_type"} <= codes
    general = input_refusal(Invalid("comet", "when"))[2]
    said = {code: input_refusal(Invalid(code, "when", limit=3, echo="now"))[2] for code in codes}
    assert {code for code, words in said.items() if words == general} <= {"wrong_type"}


def test_files_of_tweets() -> None:
    """Whatever may be wrong with a file, or with a row of it, has a sentence of its own."""
    about: dict[str, Any] = {"limit": 5, "line": 2, "names": "text", "name": "x:ana"}
    files, rows = (below().by_taker[name] for name in ("FileProblem", "RowProblem"))
    said = [input_refusal(FileProblem(code, **about))[2] for code in files]
    said += [input_refusal(RowProblem(code, "when", **about))[2] for code in rows]
    assert len(set(said)) == len(files) + len(rows) > 15
    assert not [sentence for sentence in said if "%(" in sentence]


def test_every_refusal_of_a_preset_has_a_sentence() -> None:
    """Whatever may be wrong with what is saved under a name, or picked, has a sentence."""
    codes = below().by_taker["PresetProblem"] | web().by_taker["PresetProblem"]
    about = {"limit": 5, "name": "Work", "tag": "a#b"}
    said = [input_refusal(PresetProblem(code, "name", **about))[2] for code in codes]
    assert len(set(said)) == len(codes) >= 9
    assert not [sentence for sentence in said if "%(" in sentence]
