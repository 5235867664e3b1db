"""Files for everybody: kept for a year under an address that changes with them, and compressed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
from flask import Flask

from app.networks import text as texts
from app.web import assets
from tests.support.visitor import Visitor
from tests.support.world import World

MODULE = re.compile(r'<script type="module" src="([^"]+)">')
IMPORTED = re.compile(r'from "(\.[^"]+)"')
TAKE_GZIP = {"gzip", "*;q=0.5"}
LINKED = re.compile(r'(?:href|src)="(/(?:static|vendor|bootstrap)/[^"#]+)')


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


def test_in_production_files_are_read_once(tmp_path: Path) -> None:
    """There nothing changes them, and no page has to look whether something did."""
    (tmp_path / "one.js").write_text("1")
    app = Flask("files", static_folder=str(tmp_path))
    app.config["PRODUCTION"] = True
    assets.init_app(app)
    with app.test_request_context():
        first = assets.address_of("one.js")
    (tmp_path / "one.js").unlink()
    with app.test_request_context():
        assert assets.address_of("one.js") == first


def raw(visitor: Visitor, address: str, verb: str = "GET", **headers: str) -> requests.Response:
    """Ask for a file, and leave what comes as it is."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{visitor.site}{address}"
    answer = visitor.http.request(verb, url, headers=named, timeout=20, stream=True)
    answer._content = answer.raw.read(decode_content=False)
    return answer


def test_whatever_a_page_links_to_is_kept_and_compressed(visitor: Visitor) -> None:
    """Ours and those of packages: for a year, and as small as the browser can take."""
    addresses = set(LINKED.findall(visitor.get("/").text))
    assert {address.split("/")[1] for address in addresses} == {"static", "vendor"}
    for address in addresses:
        whole = raw(visitor, address, Accept_Encoding="identity")
        small = raw(visitor, address, Accept_Encoding="br, gzip")
        assert whole.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert small.headers["Content-Encoding"] == "gzip", address
        assert gzip.decompress(small.content) == whole.content
        for answer in (whole, small):
            assert int(answer.headers["Content-Length"]) == len(answer.content)
            assert answer.headers["Vary"] == "Accept-Encoding"
        assert "Content-Encoding" not in whole.headers
        assert whole.headers["ETag"] != small.headers["ETag"]


@pytest.mark.parametrize("accepted", ["gzip", "identity", "gzip;q=0", "br", "*;q=0.5", ""])
def test_answers_fit_what_was_asked_for(visitor: Visitor, accepted: str) -> None:
    """Compressed only for who takes it; an answer that is known already is not sent again."""
    address = next(one for one in LINKED.findall(visitor.get("/").text) if "all.css" in one)
    answer = raw(visitor, address, Accept_Encoding=accepted)
    assert answer.headers.get("Content-Encoding") == ("gzip" if accepted in TAKE_GZIP else None)
    head = raw(visitor, address, "HEAD", Accept_Encoding=accepted)
    assert head.content == b""
    same = ("ETag", "Vary", "Content-Length", "Content-Encoding", "Cache-Control")
    assert [head.headers.get(name) for name in same] == [answer.headers.get(name) for name in same]
    known = raw(visitor, address, Accept_Encoding=accepted, If_None_Match=answer.headers["ETag"])
    assert (known.status_code, known.content) == (304, b"")
    assert (known.headers["ETag"], known.headers["Vary"]) == (
        answer.headers["ETag"],
        head.headers["Vary"],
    )


def test_a_part_of_a_file(visitor: Visitor) -> None:
    """A range is one of the file itself, whatever the browser could unpack."""
    address = next(one for one in LINKED.findall(visitor.get("/").text) if "all.css" in one)
    whole = raw(visitor, address, Accept_Encoding="identity")
    part = raw(visitor, address, Accept_Encoding="gzip", Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole.content)}"
    assert "Content-Encoding" not in part.headers
    small = raw(visitor, address, Accept_Encoding="gzip").headers["ETag"]
    other = raw(visitor, address, Accept_Encoding="gzip", Range="bytes=10-19", If_Range=small)
    assert (other.status_code, other.content) == (200, whole.content)


def test_pages_are_not_compressed(visitor: Visitor) -> None:
    """They have a token in them, which sizes of compressed pages would give away."""
    for path in ("/", "/login/mastodon", "/nothing"):
        assert "Content-Encoding" not in raw(visitor, path, Accept_Encoding="gzip").headers


def test_packages_have_an_address_without_a_version(visitor: Visitor) -> None:
    """Pages from before name it; nobody keeps that answer. What no page needs is not served."""
    answer = visitor.get("/vendor/jquery.min.js")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
    for path in ("/vendor/jquery.js", "/vendor/v-0123456789/jquery.js", "/vendor/..%2fconfig.py"):
        assert visitor.get(path).status_code == 404


def test_the_list_of_domains_is_a_module_of_its_own(visitor: Visitor) -> None:
    """It is the same for everybody, so that it comes once a version and not with each page."""
    styles = next(one for one in LINKED.findall(visitor.get("/").text) if "all.css" in one)
    answer = visitor.get(styles.replace("css/all.css", assets.DOMAINS))
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    listed = re.findall(r'"([^"]+)"\.split', answer.content.decode())
    assert listed == [" ".join(texts.known_tlds())]


def test_no_file_has_such_a_name(visitor: Visitor) -> None:
    """A name that no file can have is a name of no file."""
    for name in ("x" * 300, "%C3%A9" * 200, "css", "js/"):
        assert visitor.get(f"/static/v-1/{name}").status_code == 404
