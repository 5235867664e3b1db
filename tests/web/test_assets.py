"""Our own files: kept for a year under an address that changes with them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from flask import Flask

from app.web import assets
from tests.support.visitor import Visitor
from tests.support.world import World

MODULE = re.compile(r'<script type="module" src="([^"]+)">')
IMPORTED = re.compile(r'from "(\.[^"]+)"')


@pytest.fixture
def visitor(running: World) -> Visitor:
    """Somebody who is signed out."""
    return Visitor(running.site)


def test_modules_are_kept_and_import_their_own_version(visitor: Visitor) -> None:
    """A page names its modules in today's version, and what they import is of that version too."""
    addresses = MODULE.findall(visitor.get("/").text)
    assert addresses
    seen: set[str] = set()
    while addresses:
        address = addresses.pop()
        answer = visitor.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        seen.add(address)
        addresses += {urljoin(address, one) for one in IMPORTED.findall(answer.text)} - seen
    assert len({address.split("/js/")[0] for address in seen}) == 1


def test_another_version_gets_the_file_of_today_for_now(visitor: Visitor) -> None:
    """A page of a server that is not updated yet works, and nothing of it is kept."""
    answer = visitor.get("/static/v-0123456789abcdef/js/shared/page.js")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    missing = visitor.get("/static/v-0123456789abcdef/js/shared/none.js")
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")


def test_the_address_follows_the_files(tmp_path: Path) -> None:
    """Whatever is changed, added, renamed or put back: the same files have the same address."""
    app = Flask("files", static_folder=str(tmp_path))
    app.register_blueprint(assets.bp)
    (tmp_path / "js").mkdir()
    file = tmp_path / "js" / "one.js"

    def address() -> str:
        with app.test_request_context():
            return assets.address_of("js/one.js")

    file.write_text("1")
    first = address()
    assert address() == first
    file.write_text("22")
    changed = address()
    (tmp_path / "js" / "two.js").write_text("")
    assert len({first, changed, address()}) == 3
    (tmp_path / "js" / "two.js").unlink()
    file.write_text("1")
    assert address() == first
