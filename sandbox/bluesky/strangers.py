"""People and posts that are known only because somebody likes or follows them."""

from collections.abc import Iterable

from sandbox.bluesky.ids import did_of, full_handle
from sandbox.bluesky.posts import past_post
from sandbox.bluesky.records import Person, Post
from sandbox.control import Follow, Like


class Strangers:
    """Strangers by DID and their posts by URI. The caller holds the state's lock."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.posts: dict[str, Post] = {}

    def meet(self, likes: Iterable[Like], follows: Iterable[Follow]) -> None:
        """Remember whoever is in these."""
        for like in likes:
            post = liked_post(like)
            self.posts[post.uri] = post
            self._welcome(like.handle, like.name)
        for follow in follows:
            self._welcome(follow.handle, follow.name)

    def clear(self) -> None:
        """Forget all."""
        self.people.clear()
        self.posts.clear()

    def _welcome(self, handle: str, name: str) -> None:
        person = Person(stranger_did(handle), full_handle(handle), name)
        self.people[person.did] = person


def stranger_did(handle: str) -> str:
    """The DID of a stranger."""
    return did_of(full_handle(handle))


def liked_post(like: Like) -> Post:
    """The post that somebody liked."""
    return past_post(stranger_did(like.handle), like)
