"""What people like and whom they follow, as every network remembers it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar

from sandbox.control.history import Follow, Like
from sandbox.core import Store

Entry = TypeVar("Entry", Like, Follow)
LIKE, FOLLOW = "like", "follow"


class Interests:
    """Likes and follows by the id of their owner. The caller holds the state's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._forget()
        for record in store.records(LIKE):
            self._likes.setdefault(record.pop("owner"), []).append(Like(**record))
        for record in store.records(FOLLOW):
            self._follows.setdefault(record.pop("owner"), []).append(Follow(**record))

    def add(self, owner: str, likes: Sequence[Like], follows: Sequence[Follow]) -> None:
        """Remember more; they come after what there is and are numbered on."""
        self._add(LIKE, owner, self._likes.setdefault(owner, []), likes)
        self._add(FOLLOW, owner, self._follows.setdefault(owner, []), follows)

    def likes_of(self, owner: str) -> list[Like]:
        """What somebody liked, the latest first."""
        return self._likes.get(owner, [])[::-1]

    def follows_of(self, owner: str) -> list[Follow]:
        """Whom somebody follows, the latest first."""
        return self._follows.get(owner, [])[::-1]

    def clear(self) -> None:
        """Forget all."""
        self._forget()
        self._store.empty(LIKE)
        self._store.empty(FOLLOW)

    def _forget(self) -> None:
        self._likes: dict[str, list[Like]] = {}
        self._follows: dict[str, list[Follow]] = {}

    def _add(self, kind: str, owner: str, known: list[Entry], more: Sequence[Entry]) -> None:
        last = known[-1].number if known else 0
        for place, entry in enumerate(more, last + 1):
            numbered = replace(entry, number=place)
            known.append(numbered)
            record: dict[str, Any] = asdict(numbered) | {"owner": owner}
            # Records come back ordered by key as text.
            self._store.put(kind, json.dumps([owner, f"{place:09}"]), record)
