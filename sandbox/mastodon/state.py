"""Everything the Mastodon of the sandbox knows, under one lock."""

import re
import time
from dataclasses import asdict
from typing import Any

from sandbox.control import History, State, UnknownPost
from sandbox.core import Clock, Store
from sandbox.mastodon.limits import MastodonLimits
from sandbox.mastodon.posts import PostBook, as_fact
from sandbox.mastodon.records import Person, Status
from sandbox.mastodon.settings import MastodonSettings
from sandbox.mastodon.tokens import MastodonTokens

HANDLE = re.compile(r"[A-Za-z0-9_]{1,30}")
INVENTED = {"ana": "Ana Duarte", "ben": "Ben Okafor", "chidi": "Chidi Lindqvist"}
PERSON = "mastodon_person"


class MastodonState(State[MastodonSettings]):
    """The books of this server. Hold ``lock`` while reading or changing any of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store, clock, MastodonSettings())
        self.limits = MastodonLimits(clock, self.settings)
        self.posts = PostBook(clock, self.settings, store)
        self.tokens = MastodonTokens(clock, self.settings, store)
        self._forget_people()
        for record in store.records(PERSON):
            self._add_person(Person(**record))
        self._invite()

    def person(self, handle: str) -> Person:
        """The person of that handle, made up if new. Raises ValueError for an impossible one."""
        handle = handle.strip().removeprefix("@")
        if not HANDLE.fullmatch(handle):
            raise ValueError("A handle has 1 to 30 letters, digits or underscores.")
        with self.lock:
            return self._people.get(handle.lower()) or self._welcome(handle)

    def known_person(self, handle: str) -> Person | None:
        """The person of that handle, if there is one."""
        return self._people.get(handle.lower())

    def person_by_id(self, person_id: str) -> Person | None:
        """The person of that id, if there is one."""
        return self._by_id.get(person_id)

    def author(self, status: Status) -> Person:
        """Who wrote a post."""
        return self._by_id[status.person_id]

    def reset(self, keep_tokens: bool = False) -> None:
        """Forget posts, faults, counts and changed settings; people and tokens unless kept."""
        with self.lock:
            self._start_over()
            self.posts.clear()
            self.limits.clear()
            if not keep_tokens:
                self.tokens.clear()
                self._store.empty(PERSON)
                self._forget_people()
                self._invite()

    def facts(self, handle: str | None = None, with_tweets: bool = True) -> dict[str, Any]:
        """What happened so far, for tests: see the README for the fields."""
        with self.lock:
            accepted = [self._fact(status) for status in self.posts.everything()]
            if handle:
                accepted = [fact for fact in accepted if fact["handle"].lower() == handle.lower()]
            repeated = [
                (self._by_id[person_id].handle, text, times)
                for person_id, text, times in self.posts.posted_twice()
            ]
            apps = [app.name for app in self.tokens.apps()]
            return self._facts(accepted, repeated, self._people.values(), with_tweets) | {
                "apps": apps
            }

    def past(self, handle: str | None = None) -> list[dict[str, Any]]:
        """The posts that came with a history, oldest first."""
        with self.lock:
            person = self.known_person(handle) if handle else None
            return [
                self._fact(status)
                for status in self.posts.past()
                if not handle or (person is not None and status.person_id == person.id)
            ]

    def add_history(self, handle: str, history: History) -> History:
        """Give somebody a past, which is returned. Call with the lock held. Raises ValueError."""
        person = self.person(handle)
        for post in history.posts:
            self.posts.add_past(person.id, post)
        self.interests.add(person.id, history.likes, history.follows)
        return history

    def edit_post(self, post_id: str, text: str) -> dict[str, Any]:
        """Change a post's text as its author; returns it. Raises UnknownPost."""
        status = self._called(post_id)
        self.posts.edit(status, text)
        return self._fact(status)

    def delete_post(self, post_id: str) -> dict[str, Any]:
        """Delete a post as its author; returns it. Raises UnknownPost."""
        status = self._called(post_id)
        self.posts.delete(status)
        return self._fact(status)

    def _called(self, post_id: str) -> Status:
        status = self.posts.live(post_id)
        if status is None:
            raise UnknownPost(f"there is no post {post_id}")
        return status

    def _fact(self, status: Status) -> dict[str, Any]:
        pictures = [self.posts.media(media_id) for media_id in status.media]
        alts = [picture.description if picture else "" for picture in pictures]
        return as_fact(status, self.author(status).handle, alts)

    def _invite(self) -> None:
        for handle in INVENTED:
            self.person(handle)

    def _welcome(self, handle: str) -> Person:
        name = INVENTED.get(handle.lower(), handle)
        person = Person(self.posts.next_id(), handle, name, created_at=time.time())
        self._add_person(person)
        self._store.put(PERSON, person.id, asdict(person))
        return person

    def _forget_people(self) -> None:
        self._people: dict[str, Person] = {}
        self._by_id: dict[str, Person] = {}

    def _add_person(self, person: Person) -> None:
        self._people[person.handle.lower()] = person
        self._by_id[person.id] = person
