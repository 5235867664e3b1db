"""Everything the Facebook of the sandbox knows, under one lock."""

import re
from dataclasses import asdict
from typing import Any

from sandbox.control import History, State, UnknownPost
from sandbox.core import Clock, Store
from sandbox.facebook.limits import FacebookLimits
from sandbox.facebook.posts import PostBook, as_fact
from sandbox.facebook.records import Page, Person, Post
from sandbox.facebook.settings import FacebookSettings
from sandbox.facebook.tokens import FacebookTokens

HANDLE = re.compile(r"[A-Za-z0-9_-]{1,30}")
INVENTED = {"ana": "Ana Duarte", "ben": "Ben Okafor", "chidi": "Chidi Lindqvist"}
ENDINGS = {"": "", ".shop": " Shop", ".news": " News"}
PERSON, PAGE = "facebook_person", "facebook_page"
ROLE_LOST, APP_REMOVED = 492, 458


class FacebookState(State[FacebookSettings]):
    """The books of this network. Hold ``lock`` while reading or changing any of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store, clock, FacebookSettings())
        self.limits = FacebookLimits(clock, self.settings)
        self.posts = PostBook(clock, self.settings, store)
        self.tokens = FacebookTokens(clock, self.settings, store)
        self._forget_people()
        for record in store.records(PERSON):
            self._add_person(Person(**record))
        for record in store.records(PAGE):
            self._add_page(Page(**record))
        self._invite()

    def person(self, handle: str) -> Person:
        """The person of that handle, made up with three Pages if new. Raises ValueError."""
        handle = handle.strip().removeprefix("@")
        if not HANDLE.fullmatch(handle):
            raise ValueError("A handle has 1 to 30 letters, digits, underscores or hyphens.")
        with self.lock:
            return self._people.get(handle.lower()) or self._welcome(handle)

    def page(self, handle: str) -> Page:
        """The Page of that handle, made up with its person if new. Raises ValueError."""
        handle = handle.strip().removeprefix("@")
        with self.lock:
            if known := self._pages.get(handle.lower()):
                return known
            ending = next((end for end in ENDINGS if end and handle.lower().endswith(end)), "")
            self.person(handle[: len(handle) - len(ending)])
            return self._pages[handle.lower()]

    def person_by_id(self, person_id: str) -> Person:
        """The person that a record names."""
        return self._person_by_id[person_id]

    def known_page(self, name: str) -> Page | None:
        """The Page of that handle or id, if there is one."""
        return self._pages.get(name.lower()) or self._page_by_id.get(name)

    def page_by_id(self, page_id: str) -> Page:
        """The Page that a record names."""
        return self._page_by_id[page_id]

    def people(self) -> list[Person]:
        """Everybody, in the order they came."""
        return list(self._people.values())

    def pages_of(self, person: Person) -> list[Page]:
        """A person's three Pages."""
        return [self._pages[f"{person.handle}{ending}".lower()] for ending in ENDINGS]

    def pages_shared_with(self, person: Person) -> list[Page]:
        """Pages of other people on which this one may publish, too."""
        shared = self.settings.shared.items()
        return [self.page(page) for page, people in shared if person.handle.lower() in people]

    def may_publish(self, page: Page) -> bool:
        """False for the last ``viewer_pages`` of a person's Pages."""
        mine = self.pages_of(self.person_by_id(page.person_id))
        return mine.index(page) < len(mine) - self.settings.viewer_pages

    def revoke(self, handle: str, subcode: int | None = None) -> None:
        """End a person's tokens with those of their Pages, or those of one further Page."""
        with self.lock:
            page = self.page(handle)
            if page.handle.lower() in self._people:
                self.tokens.end_all_of(page.person_id, subcode or APP_REMOVED)
            else:
                self.tokens.end_all_of(page.person_id, subcode or ROLE_LOST, page.id)

    def reset(self, keep_tokens: bool = False) -> None:
        """Forget posts, faults, counts and changed settings; people and tokens unless kept."""
        with self.lock:
            self._start_over()
            self.posts.clear()
            self.limits.clear()
            if not keep_tokens:
                self.tokens.clear()
                self._store.empty(PERSON)
                self._store.empty(PAGE)
                self._forget_people()
                self._invite()

    def facts(self, handle: str | None = None, with_tweets: bool = True) -> dict[str, Any]:
        """What happened so far, for tests: see the README for the fields."""
        with self.lock:
            accepted = [self._fact(post) for post in self.posts.everything()]
            if handle:
                accepted = [fact for fact in accepted if fact["handle"].lower() == handle.lower()]
            repeated = [
                (self.page_by_id(page_id).handle, text, times)
                for page_id, text, times in self.posts.posted_twice()
            ]
            return self._facts(accepted, repeated, self.people(), with_tweets)

    def past(self, handle: str | None = None) -> list[dict[str, Any]]:
        """The posts that came with a history, oldest first."""
        with self.lock:
            page = self.known_page(handle) if handle else None
            return [
                self._fact(post)
                for post in self.posts.past()
                if not handle or (page is not None and post.page_id == page.id)
            ]

    def add_history(self, handle: str, history: History) -> History:
        """Give a Page a past. Call with the lock held. Raises ValueError for a bad handle.

        Returns what is kept: Facebook tells nobody what a Page likes and follows.
        """
        page = self.page(handle)
        for post in history.posts:
            self.posts.add_past(page, post)
        return History(history.posts)

    def edit_post(self, post_id: str, text: str) -> dict[str, Any]:
        """Change a post's text as its Page; returns it. Raises UnknownPost."""
        post = self._called(post_id)
        self.posts.edit(post, text)
        return self._fact(post)

    def delete_post(self, post_id: str) -> dict[str, Any]:
        """Delete a post as its Page; returns it. Raises UnknownPost."""
        post = self._called(post_id)
        self.posts.delete(post)
        return self._fact(post)

    def _called(self, post_id: str) -> Post:
        post = self.posts.find(post_id)
        if post is None:
            raise UnknownPost(f"there is no post {post_id}")
        return post

    def _fact(self, post: Post) -> dict[str, Any]:
        photos = [self.posts.photo(photo_id) for photo_id in post.photos]
        alts = [photo.alt if photo else "" for photo in photos]
        return as_fact(post, self._page_by_id[post.page_id].handle, alts)

    def _invite(self) -> None:
        for handle in INVENTED:
            self.person(handle)

    def _welcome(self, handle: str) -> Person:
        name = INVENTED.get(handle.lower(), handle)
        person = Person(self.posts.next_id(), handle, name)
        self._add_person(person)
        self._store.put(PERSON, person.id, asdict(person))
        for ending, words in ENDINGS.items():
            page = Page(self.posts.next_id(), handle + ending, name + words, person.id)
            self._add_page(page)
            self._store.put(PAGE, page.id, asdict(page))
        return person

    def _forget_people(self) -> None:
        self._people: dict[str, Person] = {}
        self._person_by_id: dict[str, Person] = {}
        self._pages: dict[str, Page] = {}
        self._page_by_id: dict[str, Page] = {}

    def _add_person(self, person: Person) -> None:
        self._people[person.handle.lower()] = person
        self._person_by_id[person.id] = person

    def _add_page(self, page: Page) -> None:
        self._pages[page.handle.lower()] = page
        self._page_by_id[page.id] = page
