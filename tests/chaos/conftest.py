"""The short versions run on the databases in turn; `make chaos` runs everything on both."""

from __future__ import annotations

import itertools

import pytest

from tests.support.figures import FULL


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect one database of each scenario that has both, unless in full size."""
    if FULL:
        return
    here = [item for item in items if item.path.is_relative_to(config.rootpath / "tests" / "chaos")]
    left_out = set(_other_databases(here))
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _other_databases(items: list[pytest.Item]) -> list[pytest.Item]:
    found: list[pytest.Item] = []
    kept = itertools.cycle(["postgresql", "sqlite"])
    scenarios = itertools.groupby(items, lambda item: (item.path, _scenario(item)))
    for _, variants in scenarios:
        both = {_database(item): item for item in variants if _database(item)}
        if len(both) == 2:
            both.pop(next(kept))
            found += both.values()
    return found


def _database(item: pytest.Item) -> str:
    spec = getattr(item, "callspec", None)
    return str(spec.params.get("database_url", "")) if spec else ""


def _scenario(item: pytest.Item) -> str:
    return item.name.replace("sqlite", "").replace("postgresql", "")
