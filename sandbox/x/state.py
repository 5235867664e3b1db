"""Everything the X of the sandbox knows, under one lock."""

import re
import time
from dataclasses import asdict
from typing import Any

from sandbox.control import History, State, UnknownPost
from sandbox.core import Clock, Store
from sandbox.x.limits import XLimits
from sandbox.x.posts import MediaBook, PostBook, as_fact
from sandbox.x.prices import Ledger
from sandbox.x.records import Person, Tweet
from sandbox.x.settings import XSettings
from sandbox.x.text import normalise
from sandbox.x.tokens import SignedTokenBook, XTokens

HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}")
INVENTED = {"ana": "Ana Duarte", "ben": "Ben Okafor", "chidi": "Chidi Lindqvist"}
PERSON = "x_person"


class XState(State[XSettings]):
    """The books of the sandbox. Hold ``lock`` while reading or changing any of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store, clock, XSettings())
        self.limits = XLimits(clock, self.settings)
        self.ledger = Ledger(clock, self.settings)
        self.posts = PostBook(clock, self.settings, store)
        self.tokens = XTokens(clock, self.settings, store)
        self.signed_tokens = SignedTokenBook(store)
        self.media = MediaBook(clock)
        self._people: dict[str, Person] = {}
        self._by_handle: dict[str, Person] = {}
        for record in store.records(PERSON):
            self._index(Person(**record))
        self._invite()

    def person(self, handle: str) -> Person:
        """The person of that handle, made up if new. Raises ValueError for an impossible handle."""
        handle = handle.strip().removeprefix("@")
        if not HANDLE.fullmatch(handle):
            raise ValueError("A handle has 1 to 15 letters, digits or underscores.")
        with self.lock:
            known = self._by_handle.get(handle.lower())
            return known or self._welcome(handle)

    def known_person(self, handle: str) -> Person | None:
        """The person of that handle, if there is one."""
        return self._by_handle.get(handle.lower())

    def person_by_id(self, person_id: str) -> Person | None:
        """The person of that id, if there is one."""
        return self._people.get(person_id)

    def handle_of(self, person_id: str) -> str:
        """The handle behind an id that a record carries."""
        person = self._people.get(person_id)
        return person.handle if person else ""  # a call may outlive a reset

    def people(self) -> list[Person]:
        """Everybody, in the order they came."""
        with self.lock:
            return list(self._people.values())

    def revoke(self, person: Person, only_access: bool = False) -> None:
        """End a person's tokens, or only the OAuth 2.0 access tokens."""
        with self.lock:
            self.tokens.end_all_of(person.id, only_access)
            if not only_access:
                self.signed_tokens.end_all_of(person.id)

    def reset(self, keep_tokens: bool = False) -> None:
        """Forget Tweets, faults, counts and changed settings; people and tokens unless kept."""
        with self.lock:
            self._start_over()
            self.posts.clear()
            self.media.by_id.clear()
            self.limits.clear()
            self.ledger.clear()
            if not keep_tokens:
                self.tokens.clear()
                self.signed_tokens.clear()
                self._store.empty(PERSON)
                self._people, self._by_handle = {}, {}
                self._invite()

    def facts(self, handle: str | None = None, with_tweets: bool = True) -> dict[str, Any]:
        """What happened so far, for tests: see the README for the fields."""
        with self.lock:
            accepted = [as_fact(t, self.handle_of(t.person_id)) for t in self.posts.everything()]
            if handle:
                accepted = [t for t in accepted if t["handle"].lower() == handle.lower()]
            repeated = [
                (self.handle_of(person_id), text, times)
                for person_id, text, times in self.posts.posted_twice()
            ]
            return self._facts(accepted, repeated, self.people(), with_tweets) | {
                "cost_usd": self.ledger.cost_usd
            }

    def past(self, handle: str | None = None) -> list[dict[str, Any]]:
        """The Tweets that came with a history or an edit, oldest first."""
        with self.lock:
            person = self.known_person(handle) if handle else None
            return [
                as_fact(tweet, self.handle_of(tweet.person_id))
                for tweet in self.posts.past()
                if not handle or (person is not None and tweet.person_id == person.id)
            ]

    def add_history(self, handle: str, history: History) -> History:
        """Give somebody a past, which is returned. Call with the lock held. Raises ValueError."""
        person = self.person(handle)
        for post in history.posts:
            self.posts.add_past(person.id, post)
        self.interests.add(person.id, history.likes, history.follows)
        return history

    def edit_post(self, post_id: str, text: str) -> dict[str, Any]:
        """Put a new version in a Tweet's place; returns it. Raises UnknownPost."""
        tweet = self.posts.edit(self._called(post_id), normalise(text))
        return as_fact(tweet, self.handle_of(tweet.person_id))

    def delete_post(self, post_id: str) -> dict[str, Any]:
        """Delete a Tweet as its author; returns it. Raises UnknownPost."""
        tweet = self._called(post_id)
        self.posts.delete(tweet)
        return as_fact(tweet, self.handle_of(tweet.person_id))

    def _called(self, post_id: str) -> Tweet:
        tweet = self.posts.find(post_id)
        if tweet is None:
            raise UnknownPost(f"there is no Tweet {post_id}")
        return tweet

    def _invite(self) -> None:
        for handle in INVENTED:
            self.person(handle)

    def _welcome(self, handle: str) -> Person:
        name = INVENTED.get(handle.lower(), handle)
        person = Person(self.posts.next_id(), handle, name, time.time())
        self._index(person)
        self._store.put(PERSON, person.id, asdict(person))
        return person

    def _index(self, person: Person) -> None:
        self._people[person.id] = person
        self._by_handle[person.handle.lower()] = person
