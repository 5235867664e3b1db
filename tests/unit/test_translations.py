"""Spanish is complete, fits the source, and reaches the pages."""

from __future__ import annotations

import gettext
import re
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from app.when import understand
from dev import messages
from tests.conftest import MakeWorld
from tests.support.visitor import Visitor
from tests.support.world import World

SPANISH = messages.TRANSLATIONS / "es" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


def catalogue() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return every message as its source forms and its Spanish forms."""
    with (SPANISH / "messages.po").open("rb") as file:
        known = read_po(file, locale="es")
    return [
        (m.id, m.string) if isinstance(m.id, tuple) else ((m.id,), (m.string,))
        for m in known
        if m.id
    ]


def test_nothing_is_missing() -> None:
    """Every message has its Spanish, in every form, and none is a guess."""
    missing = [source for source, spanish in catalogue() if not all(spanish)]
    assert missing == []
    with (SPANISH / "messages.po").open("rb") as file:
        assert not [message.id for message in read_po(file) if message.fuzzy and message.id]


def test_placeholders_stay() -> None:
    """A translation has the placeholders of its source, each as often."""
    for source, spanish in catalogue():
        for one, other in zip(source, spanish, strict=True):
            assert Counter(PLACEHOLDER.findall(one)) == Counter(PLACEHOLDER.findall(other)), one


def test_the_files_fit_the_source(tmp_path: Path) -> None:
    """Collecting the words again changes neither file: ``make messages`` was run."""
    for name in ("messages.po", "messages.mo"):
        shutil.copy(SPANISH / name, tmp_path / name)
    assert messages.update(tmp_path / "messages.po", "es", messages.collected()) == 0
    for name in ("messages.po", "messages.mo"):
        assert (tmp_path / name).read_bytes() == (SPANISH / name).read_bytes(), name


@pytest.mark.parametrize("words", ["in one hour", "tomorrow at 9"])
def test_the_shortcuts_are_understood_in_both_languages(words: str) -> None:
    """What a shortcut writes into the field means the same time in Spanish."""
    with (SPANISH / "messages.mo").open("rb") as file:
        spanish = gettext.GNUTranslations(file).gettext(words)
    now, zone = datetime(2026, 11, 21, 12, tzinfo=UTC), ZoneInfo("Europe/Madrid")
    assert spanish != words
    assert understand(spanish, zone, now).at == understand(words, zone, now).at


@pytest.fixture
def site(make_world: MakeWorld, sqlite_url: str) -> tuple[World, str]:
    """The pages, without a worker."""
    world = make_world(sqlite_url)
    return world, world.start_web()


def test_pages_speak_spanish(site: tuple[World, str]) -> None:
    """A Spanish browser gets Spanish pages and errors; a person's own choice wins over it."""
    _, address = site
    visitor = Visitor(address)
    visitor.http.headers["Accept-Language"] = "es-MX,es;q=0.9,en;q=0.5"
    assert "Iniciar sesión con X" in visitor.get("/").text
    page = visitor.sign_in("ana").text
    assert '<html lang="es"' in page
    assert "¿Qué quieres decir?" in page
    assert "No encontrado" in visitor.get("/tweets/999999").text
    refused = visitor.post("/tweets", text="", when="")
    assert refused.status_code == 422
    assert refused.json()["error"]["message"] == "Escribe algo primero."
    visitor.submit("/settings", timezone="Europe/Madrid", locale="en", late_tolerance_hours="6")
    assert "What do you want to say?" in visitor.get("/").text
