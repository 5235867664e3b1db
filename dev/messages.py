"""Bring the translations up to date: collect the words of the app, merge and compile them.

Running it twice changes nothing the second time: no dates, no line numbers, sorted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
TRANSLATIONS = ROOT / "app" / "translations"
ALWAYS_THE_SAME = datetime(2026, 1, 1, tzinfo=UTC)
# Babel takes one argument a pass; networks know no gettext, the page translates their fields.
OF_NETWORKS = {"Field", "Option", "Value"}
KEYWORDS = (
    {**DEFAULT_KEYWORDS, "_l": None, "lazy_ngettext": (1, 2)},
    {"Field": (2,)},  # its label
    {"Field": (3,)},  # its hint
    {"Option": (3,)},  # its label
    {"Value": (2,)},  # its label
    {"Kind": (3,)},  # what it does
    {"_chore": (2,)},
)


def main() -> None:
    """Update every language; say what still has to be translated."""
    words = collected()
    for folder in sorted(TRANSLATIONS.iterdir()):
        missing = update(folder / "LC_MESSAGES" / "messages.po", folder.name, words)
        print(f"{folder.name}: {missing} of {len(words)} to translate", file=sys.stderr)


def collected(root: Path = ROOT) -> Catalog:
    """Return all words of the app in a folder that people read."""
    words = Catalog(project="Tweet Later", charset="utf-8")
    with (ROOT / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    for keywords in KEYWORDS:
        for file, _, text, _, context in extract_from_dir(root, methods, options, keywords):
            # Schemas have other fields, and settings other values.
            if not OF_NETWORKS & keywords.keys() or "networks" in Path(file).parts:
                words.add(text, context=context)
    return words


def update(path: Path, language: str, words: Catalog) -> int:
    """Merge the words into one language's file and compile it; return how many are missing."""
    with path.open("rb") as file:
        translated = read_po(file, locale=language)
    translated.update(words, no_fuzzy_matching=True)
    translated.obsolete.clear()
    translated.header_comment = "# Tweet Later"
    translated.fuzzy, translated.version = False, "1"
    translated.msgid_bugs_address = translated.last_translator = translated.language_team = ""
    translated.creation_date = translated.revision_date = ALWAYS_THE_SAME
    with path.open("wb") as file:
        write_po(file, translated, no_location=True, sort_output=True)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, translated)
    return len([m for m in translated if m.id and not all(forms_of(m.string))])


def forms_of(words: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return every form of a message: one, or singular and plurals."""
    return (words or "",) if words is None or isinstance(words, str) else tuple(words)


if __name__ == "__main__":
    main()
