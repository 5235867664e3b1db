"""A past that is made up: posts, liked posts and followed accounts, the same for the same seed."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

DAY = 86_400
MOST = 100_000
FIELDS = ("handle", "posts", "likes", "follows", "topics", "days", "seed")
TOPICS = ("python", "gardening", "music", "running", "cooking")
OPENINGS = (
    "Day {n} of {topic}:",
    "Note {n} on {topic}:",
    "{n} things about {topic}, and one more:",
    "Question {n} about {topic}:",
    "Try number {n} with {topic}:",
)
THOUGHTS = (
    "small steps add up.",
    "what looked hard on Monday is easy today.",
    "I was wrong about this for years.",
    "write it down before you forget it.",
    "the second attempt is the one that counts.",
    "ask somebody who did it before.",
    "slow & steady beats fast < careful.",
    "¡qué maravilla! 🌱",
    "nobody told me how much fun this is 🎉",
)
FIRST = ("mira", "tomas", "yuki", "amina", "pavel", "lucia", "kofi", "ingrid", "ravi", "noor")
LAST = ("lund", "reyes", "mori", "bello", "novak", "costa", "mensah", "dahl", "iyer", "aziz")


@dataclass(frozen=True)
class Wish:
    """What a history shall hold: so many of each, spread over the last ``days``."""

    handle: str
    posts: int = 0
    likes: int = 0
    follows: int = 0
    topics: tuple[str, ...] = TOPICS
    days: int = 365
    seed: int = 1


@dataclass(frozen=True)
class PastPost:
    """A post of the past, in plain text; one without text is a picture.

    ``created_at`` is in epoch seconds.
    """

    text: str
    created_at: float
    likes: int
    reposts: int
    replies: int


@dataclass(frozen=True)
class Like:
    """Somebody else's post that a person liked; a higher ``number`` was liked later."""

    number: int
    handle: str
    name: str
    text: str
    created_at: float
    liked_at: float
    likes: int = 0
    reposts: int = 0
    replies: int = 0


@dataclass(frozen=True)
class Follow:
    """An account that a person follows; a higher ``number`` was followed later."""

    number: int
    handle: str
    name: str
    followed_at: float


@dataclass(frozen=True)
class History:
    """What one person did, each list in the order in which it was done."""

    posts: list[PastPost] = field(default_factory=list)
    likes: list[Like] = field(default_factory=list)
    follows: list[Follow] = field(default_factory=list)


def read_wish(body: dict[str, Any]) -> Wish:
    """The history that a control call asks for. Raises ValueError."""
    if not isinstance(body.get("handle"), str):
        raise ValueError("handle is missing")
    for name in ("posts", "likes", "follows", "days", "seed"):
        least = int(name == "days")
        value = body.get(name, least)
        if type(value) is not int or not least <= value <= MOST:
            raise ValueError(f"{name} is a whole number from {least} to {MOST}")
    topics = body.get("topics", list(TOPICS))
    if not isinstance(topics, list) or not topics or not all(map(_is_word, topics)):
        raise ValueError("topics is a list of words")
    return Wish(**{**body, "topics": tuple(topics)})


def make_history(wish: Wish) -> History:
    """Make up what was wished for; the same wish on one day (UTC) gives the same history.

    It ends with the last midnight, so that nothing of it is younger than what is published today.
    """
    ends_at = time.time() // DAY * DAY
    return History(
        posts=list(_posts(wish, ends_at)),
        likes=list(_likes(wish, ends_at)),
        follows=list(_follows(wish, ends_at)),
    )


def _posts(wish: Wish, ends_at: float) -> Iterator[PastPost]:
    chance = _chance(wish, "posts")
    for number, moment in enumerate(_moments(wish, wish.posts, ends_at, chance), 1):
        popular = chance.randrange(200)
        text = _text(chance, wish.topics, number)
        yield PastPost(text, moment, popular, popular // 7, popular // 11)


def _likes(wish: Wish, ends_at: float) -> Iterator[Like]:
    chance = _chance(wish, "likes")
    for number, moment in enumerate(_moments(wish, wish.likes, ends_at, chance), 1):
        handle, name = _somebody(chance.randrange(10_000))
        text = _text(chance, wish.topics, number)
        # A fraction of its own keeps the posts of one author apart.
        written = moment - chance.uniform(1, 3) * DAY
        popular = chance.randrange(1, 5_000)
        numbers = (popular, popular // 7, popular // 11)
        yield Like(number, handle, name, text, written, moment, *numbers)


def _follows(wish: Wish, ends_at: float) -> Iterator[Follow]:
    chance = _chance(wish, "follows")
    people = chance.sample(range(MOST), wish.follows)
    moments = _moments(wish, wish.follows, ends_at, chance)
    for number, (who, moment) in enumerate(zip(people, moments, strict=True), 1):
        yield Follow(number, *_somebody(who), moment)


def _chance(wish: Wish, what: str) -> random.Random:
    """Chance of its own for each list, so that the length of one does not change another."""
    return random.Random(f"{wish.seed} {wish.handle.lower()} {what}")


def _moments(wish: Wish, many: int, ends_at: float, chance: random.Random) -> list[float]:
    """Moments in order, each in a slot of its own and so all different."""
    slot = wish.days * DAY / max(1, many)
    start = ends_at - wish.days * DAY
    return [start + slot * (place + chance.uniform(0.1, 0.9)) for place in range(many)]


def _text(chance: random.Random, topics: tuple[str, ...], number: int) -> str:
    topic = chance.choice(topics)
    kind = chance.randrange(100)
    if kind < 4:
        return ""
    words = f"{chance.choice(OPENINGS).format(n=number, topic=topic)} {chance.choice(THOUGHTS)}"
    if kind < 14:
        words += f"\nhttps://example.com/{topic}/{number}?from=here&at={kind}"
    elif kind < 22:
        words += f" Thanks, @{chance.choice(('ben', 'chidi'))}!"
    elif kind < 27:
        words += "\n\nMore tomorrow."
    tags = [topic] if kind < 85 else []
    if kind % 5 == 0:
        tags.append(chance.choice(topics))
    return " ".join([words, *(f"#{tag}" for tag in dict.fromkeys(tags))])


def _somebody(number: int) -> tuple[str, str]:
    """The handle and the name of one of many people; each number is somebody else."""
    first, last = FIRST[number % 10], LAST[number // 10 % 10]
    return f"{first}{number}", f"{first.title()} {last.title()}"


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value.isidentifier() and len(value) <= 30
