"""Spanish is complete, fits the source, and reaches the pages."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from app.when import understand
from dev import messages
from tests.conftest import MakeWorld
from tests.support.visitor import Visitor
from tests.support.world import World

SPANISH = messages.TRANSLATIONS / "es" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\(\w+\)\w|%\w|\{\w+\}")
FROM_MEXICO = "es-MX,es;q=0.9,en;q=0.5"


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    """The Spanish messages."""
    with (SPANISH / "messages.po").open("rb") as file:
        return read_po(file, locale="es")


def forms(catalogue: Catalog) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return every message as its source forms and its Spanish forms."""
    return [(messages.forms_of(m.id), messages.forms_of(m.string)) for m in catalogue if m.id]


def test_nothing_is_missing(catalogue: Catalog) -> None:
    """Every message has its Spanish, in every plural form, and none is a guess."""
    assert len(forms(catalogue)) > 200
    assert [source for source, spanish in forms(catalogue) if not all(spanish)] == []
    assert [message.id for message in catalogue if message.fuzzy and message.id] == []


def test_placeholders_stay(catalogue: Catalog) -> None:
    """A translation has the placeholders of its source, each as often, and can be filled in."""
    for source, spanish in forms(catalogue):
        for one, other in zip(source, spanish, strict=True):
            assert Counter(PLACEHOLDER.findall(one)) == Counter(PLACEHOLDER.findall(other)), one
            values = dict.fromkeys(re.findall(r"%\((\w+)\)", one), "value")
            assert not values or other % values


@pytest.mark.slow
def test_the_files_fit_the_source(tmp_path: Path) -> None:
    """Collecting the words again changes neither file: ``make messages`` was run."""
    for name in ("messages.po", "messages.mo"):
        shutil.copy(SPANISH / name, tmp_path / name)
    assert messages.update(tmp_path / "messages.po", "es", messages.collected()) == 0
    for name in ("messages.po", "messages.mo"):
        assert (tmp_path / name).read_bytes() == (SPANISH / name).read_bytes(), name


def test_what_networks_ask_for_is_collected(tmp_path: Path) -> None:
    """The labels and hints of a network's sign-in form are collected, though no gettext is near."""
    network = tmp_path / "app" / "networks" / "some.py"
    network.parent.mkdir(parents=True)
    network.write_text('FIELDS = (Field("server", "Your server", "Type its name", secret=True),)')
    assert {m.id for m in messages.collected(tmp_path) if m.id} == {"Your server", "Type its name"}


@pytest.fixture
def site(make_world: MakeWorld, sqlite_url: str) -> tuple[World, str]:
    """The pages, without a worker."""
    world = make_world(sqlite_url)
    return world, world.start_web()


@pytest.fixture
def visitor(site: tuple[World, str]) -> Visitor:
    """Somebody with a Spanish browser."""
    visitor = Visitor(site[1])
    visitor.http.headers["Accept-Language"] = FROM_MEXICO
    return visitor


def script_words(visitor: Visitor, page: str) -> dict[str, Any]:
    """Return the sentences that the server gives to a page's scripts."""
    module = re.search(r'src="([^"]+/js/shared/)every-page.js"', page)
    assert module
    answer = visitor.get(f"{module[1]}from-server.js")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    found = re.search(r"export const words = (.+);", answer.text)
    assert found
    words: dict[str, Any] = json.loads(found[1])
    return words


@pytest.mark.slow
def test_pages_speak_the_browsers_language(visitor: Visitor) -> None:
    """Sign-in, composer, scripts, problem pages and refusals are Spanish for a Spanish browser."""
    welcome = visitor.get("/").text
    assert '<html lang="es"' in welcome
    assert "Iniciar sesión con X" in welcome
    composer = visitor.sign_in("ana").text
    assert '<html lang="es"' in composer
    assert "¿Qué quieres decir?" in composer
    assert script_words(visitor, composer)["scheduledFor"] == "Programado: {when}"
    problem = visitor.get("/tweets/999999")
    assert problem.status_code == 404
    assert '<html lang="es"' in problem.text
    assert "Aquí no hay nada, o no es tuyo." in problem.text
    for field, form, sentence in (
        ("text", {"text": "", "when": ""}, "Escribe algo primero."),
        ("when", {"text": "Hola", "when": "ayer"}, "Ese momento ya pasó. Elige uno posterior."),
    ):
        refused = visitor.post("/tweets", **form)
        assert refused.status_code == 422
        assert refused.json()["error"]["field"] == field
        assert refused.json()["error"]["message"] == sentence


@pytest.mark.slow
@pytest.mark.parametrize(
    ("browser", "chosen", "words"),
    [(FROM_MEXICO, "en", "What do you want to say?"), ("en-GB,en", "es", "¿Qué quieres decir?")],
)
def test_a_persons_own_choice_wins(visitor: Visitor, browser: str, chosen: str, words: str) -> None:
    """The language in the settings is spoken, whatever the browser asks for."""
    visitor.http.headers["Accept-Language"] = browser
    assert words not in visitor.sign_in("ana").text
    visitor.submit("/settings", timezone="Europe/Madrid", locale=chosen, late_tolerance_hours="6")
    page = visitor.get("/").text
    assert f'<html lang="{chosen}"' in page
    assert words in page


@pytest.mark.slow
def test_the_shortcuts_are_understood(visitor: Visitor) -> None:
    """What a Spanish page's shortcuts write into the time field means what their labels say."""
    page = visitor.sign_in("ana").text
    shortcuts = re.findall(r'data-words="([^"]+)">([^<]+)<', page)
    assert [label for _, label in shortcuts] == ["En una hora", "Mañana a las 9"]
    now, madrid = datetime(2026, 11, 21, 22, 30, tzinfo=UTC), ZoneInfo("Europe/Madrid")
    meant = [understand(words, madrid, now).at for words, _ in shortcuts]
    assert meant == [
        datetime(2026, 11, 21, 23, 30, tzinfo=UTC),
        datetime(2026, 11, 22, 8, tzinfo=UTC),  # 09:00 in Madrid
    ]
    for words, _ in shortcuts:
        answer = visitor.get("/when", params={"when": words, "timezone": "Europe/Madrid"})
        assert answer.status_code == 200
        assert "dentro de" in answer.json()["echo"]
