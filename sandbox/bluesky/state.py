"""Everything the Bluesky of the sandbox knows, under one lock."""

from dataclasses import asdict
from typing import Any

from sandbox.bluesky.ids import did_of, full_handle
from sandbox.bluesky.limits import BlueskyLimits
from sandbox.bluesky.posts import PostBook, as_fact
from sandbox.bluesky.records import Person, Post
from sandbox.bluesky.settings import BlueskySettings
from sandbox.bluesky.strangers import Strangers
from sandbox.bluesky.tokens import BlueskyTokens
from sandbox.control import History, State, UnknownPost
from sandbox.core import Clock, Store

INVENTED = {"ana.test": "Ana Duarte", "ben.test": "Ben Okafor", "chidi.test": "Chidi Lindqvist"}
PERSON = "bluesky_person"


class BlueskyState(State[BlueskySettings]):
    """The books of this network. Hold ``lock`` while reading or changing any of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store, clock, BlueskySettings())
        self.limits = BlueskyLimits(clock, self.settings)
        self.posts = PostBook(clock, self.settings, store)
        self.tokens = BlueskyTokens(clock, self.settings, store)
        self._people: dict[str, Person] = {}
        for record in store.records(PERSON):
            self._people[record["did"]] = Person(**record)
        self.strangers = Strangers()
        for person in self._people.values():
            self._introduce(person)
        self._invite()

    def person(self, handle: str) -> Person:
        """The person of that handle, made up if new. Raises ValueError for an impossible handle."""
        handle = full_handle(handle)
        with self.lock:
            return self._people.get(did_of(handle)) or self._welcome(handle)

    def known_person(self, name: str) -> Person | None:
        """The person of that handle or DID, if there is one."""
        did = name if name.startswith("did:") else did_of(name.lower())
        return self._people.get(did)

    def somebody(self, name: str) -> Person | None:
        """The person of that handle or DID, or the stranger."""
        did = name if name.startswith("did:") else did_of(name.lower())
        return self._people.get(did) or self.strangers.people.get(did)

    def person_of(self, did: str) -> Person:
        """The person that a record names."""
        return self._people[did]

    def people(self) -> list[Person]:
        """Everybody, in the order they came."""
        return list(self._people.values())

    def document_of(self, did: str, url: str) -> Any:
        """What a directory says of a DID: the settings' word, or that it is kept at ``url``."""
        person = self._people.get(did)
        if did in self.settings.documents or person is None:
            return self.settings.documents.get(did)
        service = {
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": url.rstrip("/"),
        }
        return {"id": did, "alsoKnownAs": [f"at://{person.handle}"], "service": [service]}

    def keeps(self, person: Person, url: str) -> bool:
        """Whether it is this server's account, as far as the directory says."""
        document = self.document_of(person.did, url)
        service = document.get("service") if isinstance(document, dict) else None
        if not isinstance(service, list):
            return True
        return not service or any(one.get("serviceEndpoint") == url.rstrip("/") for one in service)

    def revoke(self, person: Person, only_access: bool = False) -> None:
        """Take a person's app passwords back, or only end the access tokens."""
        with self.lock:
            self.tokens.end_all_of(person.did, only_access)

    def reset(self, keep_tokens: bool = False) -> None:
        """Forget posts, faults, counts and changed settings; people and tokens unless kept."""
        with self.lock:
            self._start_over()
            self.posts.clear()
            self.strangers.clear()
            self.limits.clear()
            if not keep_tokens:
                self.tokens.clear()
                self._store.empty(PERSON)
                self._people.clear()
                self._invite()

    def facts(self, handle: str | None = None, with_tweets: bool = True) -> dict[str, Any]:
        """What happened so far, for tests: see the README for the fields."""
        with self.lock:
            posts = self.posts.everything()
            accepted = [as_fact(post, self.person_of(post.did).handle) for post in posts]
            if handle:
                accepted = [fact for fact in accepted if fact["handle"] == full_handle(handle)]
            repeated = [
                (self.person_of(did).handle, text, times)
                for did, text, times in self.posts.posted_twice()
            ]
            return self._facts(accepted, repeated, self.people(), with_tweets)

    def past(self, handle: str | None = None) -> list[dict[str, Any]]:
        """The posts that came with a history, oldest first."""
        with self.lock:
            facts = [as_fact(post, self.person_of(post.did).handle) for post in self.posts.past()]
            return [fact for fact in facts if not handle or fact["handle"] == full_handle(handle)]

    def add_history(self, handle: str, history: History) -> History:
        """Give somebody a past, which is returned. Call with the lock held. Raises ValueError."""
        person = self.person(handle)
        for post in history.posts:
            self.posts.add_past(person.did, post)
        self.interests.add(person.did, history.likes, history.follows)
        self._introduce(person)
        return history

    def edit_post(self, post_id: str, text: str) -> dict[str, Any]:
        """Put another text into a record; returns it. Raises UnknownPost."""
        post = self._called(post_id)
        self.posts.edit(post, text)
        return as_fact(post, self.person_of(post.did).handle)

    def delete_post(self, post_id: str) -> dict[str, Any]:
        """Delete a record as its author; returns it. Raises UnknownPost."""
        post = self._called(post_id)
        self.posts.delete(post)
        return as_fact(post, self.person_of(post.did).handle)

    def _called(self, post_id: str) -> Post:
        post = self.posts.find(post_id)
        if post is None:
            raise UnknownPost(f"there is no post {post_id}")
        return post

    def _introduce(self, person: Person) -> None:
        likes, follows = self.interests.likes_of(person.did), self.interests.follows_of(person.did)
        self.strangers.meet(likes, follows)

    def _invite(self) -> None:
        for handle in INVENTED:
            self.person(handle)

    def _welcome(self, handle: str) -> Person:
        name = INVENTED.get(handle, handle.partition(".")[0])
        person = self._people[did_of(handle)] = Person(did_of(handle), handle, name)
        self._store.put(PERSON, person.did, asdict(person))
        return person
