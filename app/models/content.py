"""The parts of a tweet. One create call publishes one part; the next part replies to it.

They are stored as JSON, so that a tweet of one part, as nearly all are, needs no extra row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

from app.models.account import Account
from app.models.picture import MOVING, Picture, PictureFacts
from app.models.submissions import digest_of
from app.networks import HasOptions, Limits, Network, OptionProblem, TextProblem, tidy
from app.networks import text as texts


@dataclass(frozen=True, slots=True)
class Content:
    """One part: its text and the ids of its pictures, in order."""

    text: str
    pictures: tuple[str, ...] = ()

    def as_stored(self) -> dict[str, Any]:
        """Return it in the shape of ``Tweet.parts``."""
        return {"text": self.text, "pictures": list(self.pictures)}


def contents_of(
    text: str,
    parts: Sequence[Mapping[str, Any]] | None,
    own_parts: Sequence[Mapping[str, Any]] | None,
    has_threads: bool = True,
) -> list[Content]:
    """Return what one account publishes, at least one part.

    :param text: the tweet's text, for a tweet without parts.
    :param parts: the tweet's parts.
    :param own_parts: the account's own variant, which wins.
    :param has_threads: False for a network that has none: there all parts are one.
    """
    contents = [
        Content(part["text"], tuple(part.get("pictures") or ()))
        for part in own_parts or parts or [{"text": text}]
    ]
    return contents if has_threads or len(contents) == 1 else [_joined(contents)]


def _joined(contents: Sequence[Content]) -> Content:
    texts = [content.text for content in contents if content.text]
    pictures = [picture for content in contents for picture in content.pictures]
    return Content("\n\n".join(texts), tuple(dict.fromkeys(pictures)))


StoredPart = dict[str, Any]
"""``{"text": …, "pictures": [ids]}``, as in ``Tweet.parts``."""

MAX_PARTS = 25
"""Of one thread."""
TOO_HEAVY = 10
"""How many times larger in bytes than a network allows a moving picture may be. From a larger one
we could only make a tiny picture, or none."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The shared content, and what single accounts publish instead."""

    text: str
    """Of the first part."""
    parts: list[StoredPart]
    """All parts; empty for one part without pictures."""
    variants: dict[int, list[StoredPart]] = field(default_factory=dict)
    """By account id."""
    written_for: frozenset[int] = frozenset()
    """The accounts for which something was said, be it nothing: each must be chosen."""
    options: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What the posts of single accounts have beyond their text, by account id; none are empty."""

    @property
    def length(self) -> int:
        """Characters in all."""
        parts = [*self.parts, *(part for own in self.variants.values() for part in own)]
        return len(self.text) + sum(len(part["text"]) for part in parts)

    def digest(self) -> str:
        """Return what is the same for drafts that say the same."""
        return digest_of([self.text, self.parts, self.variants, self.options])

    def picture_lists(self) -> list[list[str]]:
        """Return the pictures of every part that has some."""
        parts = [*self.parts, *(part for own in self.variants.values() for part in own)]
        return [part["pictures"] for part in parts if part["pictures"]]


def draft_of(
    text: str,
    parts: Sequence[Mapping[str, Any]] | None = None,
    pictures: Sequence[str] = (),
    variants: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
    options: Mapping[int, Mapping[str, Any]] | None = None,
) -> Draft:
    """Return the draft, its texts cleaned.

    :param parts: ``{"text", "pictures"}`` of each part; they replace ``text`` and ``pictures``.
    :param variants: the parts that single accounts publish instead, by account id; an account
        with none publishes the shared ones.
    :param options: what the posts of single accounts have beyond their text, by account id.
    :raises TextProblem: a text is empty or has characters that must not be sent, or a picture is
        there twice; ``params`` has the ``field`` it belongs to.
    """
    given = list(parts or [{"text": text, "pictures": list(pictures)}])
    shared = _cleaned(given)
    said = variants or {}
    own = {account_id: _cleaned(parts, account_id) for account_id, parts in said.items() if parts}
    plain = len(shared) == 1 and not shared[0]["pictures"]
    tidied = {account_id: tidy(given) for account_id, given in (options or {}).items()}
    set_for = {account_id: given for account_id, given in tidied.items() if given}
    return Draft(shared[0]["text"], [] if plain else shared, own, frozenset(said), set_for)


def check(draft: Draft, accounts: Sequence[Account]) -> None:
    """Check every account's content by its network's own rule.

    :raises TextProblem: one does not fit; ``params`` name the ``field``, the ``network`` and,
        when there are several accounts, the ``handle``.
    :raises OptionProblem: an option does not; ``params`` name the same.
    """
    facts = _facts_of(draft, accounts)
    fitting: set[tuple[str, Limits, str]] = set()
    for account in accounts:
        network: Network = current_app.extensions["networks"][account.network]
        limits = limits_of(account, network)
        own = draft.variants.get(account.id)
        contents = contents_of(draft.text, draft.parts, own, network.threads)
        about = {"network": network.title, "handle": account.handle if accounts[1:] else ""}
        for number, content in enumerate(contents):
            field_name = _field_of(number, account.id if own else None)
            picture_field = f"pictures-{number}" if number else "pictures"
            _check_pictures(content.pictures, facts, limits, {**about, "field": picture_field})
            case = (network.name, limits, content.text)
            if (content.text or not content.pictures) and case not in fitting:
                _check_text(network, content.text, limits, {**about, "field": field_name})
                fitting.add(case)  # counted once for all accounts of the same kind
        _check_options(draft.options.get(account.id), account, contents, about)
    for account_id in draft.options.keys() - {account.id for account in accounts}:
        raise OptionProblem("option_not_chosen", name="", field=options_field(account_id))


def _check_options(
    given: Mapping[str, Any] | None,
    account: Account,
    contents: Sequence[Content],
    about: Mapping[str, Any],
) -> None:
    if not given:
        return
    network: Network = current_app.extensions["networks"][account.network]
    shown = [(content.text, len(content.pictures)) for content in contents]
    try:
        if not isinstance(network, HasOptions):
            raise OptionProblem("option_unknown", name=next(iter(given)))
        network.check_options(given, shown, limits_of(account, network))
    except OptionProblem as problem:
        known = {**problem.params, **about, "field": options_field(account.id)}
        raise OptionProblem(problem.code, **known) from None


def options_field(account_id: int) -> str:
    """Return where the options of an account are set."""
    return f"options-{account_id}"


def refuse_strangers(account_ids: Iterable[int], accounts: Sequence[Account]) -> None:
    """Refuse what is written for an account that the tweet is not for.

    :raises TextProblem: ``not_chosen``, with its ``field``.
    """
    known = {account.id for account in accounts}
    for account_id in account_ids:
        if account_id not in known:
            raise TextProblem("not_chosen", field=_field_of(0, account_id))


def _facts_of(draft: Draft, accounts: Sequence[Account]) -> Mapping[str, PictureFacts]:
    """Return by id what is known of its pictures."""
    shown = [picture for own in draft.picture_lists() for picture in own]
    return Picture.facts_of(accounts[0].user_id, shown) if shown else {}


def _check_pictures(
    pictures: Sequence[str],
    facts: Mapping[str, PictureFacts],
    limits: Limits,
    about: Mapping[str, Any],
) -> None:
    """Refuse pictures that cannot be shown with one text, or descriptions that are too long."""
    if len(pictures) > limits.pictures:
        raise TextProblem("too_many_pictures", limit=limits.pictures, **about)
    known = [facts[picture] for picture in pictures if picture in facts]
    moving = [one for one in known if one.moves]
    if moving:
        if MOVING not in limits.picture_types:
            raise TextProblem("picture_moves", **about)
        most = limits.moving_bytes or limits.picture_bytes
        if max(one.size for one in moving) > TOO_HEAVY * most:
            raise TextProblem("picture_moves_too_much", limit=max(1, most // 1000), **about)
        if len(pictures) > 1:
            raise TextProblem("picture_moves_alone", **about)
    check_description(max((one.described for one in known), default=0), limits, about)


def check_description(length: int, limits: Limits, about: Mapping[str, Any]) -> None:
    """Refuse a description of a picture that is too long for a network.

    :raises TextProblem: ``alt_too_long``, with what it is ``about``.
    """
    if length > limits.alt_length:
        raise TextProblem("alt_too_long", length=length, limit=limits.alt_length, **about)


def limits_of(account: Account, network: Network) -> Limits:
    """Return what fits on this account, as far as it is known; asks nobody."""
    if not account.limits:
        return network.usual_limits
    known = {name: account.limits[name] for name in Limits.__slots__ if name in account.limits}
    return Limits(**{**known, "picture_types": tuple(known.get("picture_types") or ())})


def _check_text(network: Network, text: str, limits: Limits, about: Mapping[str, Any]) -> None:
    try:
        network.check(text, limits)
    except TextProblem as problem:
        raise TextProblem(problem.code, **{**problem.params, **about}) from problem


def _cleaned(parts: Sequence[Mapping[str, Any]], account_id: int | None = None) -> list[StoredPart]:
    if len(parts) > MAX_PARTS:
        raise TextProblem("too_many_parts", limit=MAX_PARTS, field="text")
    cleaned = []
    for number, part in enumerate(parts):
        field_name = _field_of(number, account_id)
        pictures = list(part.get("pictures") or ())
        cleaned.append(
            {"text": _clean(part.get("text") or "", pictures, field_name), "pictures": pictures}
        )
    shown = [picture for part in cleaned for picture in part["pictures"]]
    if len(set(shown)) < len(shown):  # most networks accept an upload in one place only
        raise TextProblem("picture_twice", field="pictures")
    return cleaned


def _clean(text: str, pictures: Sequence[str], field_name: str) -> str:
    """A picture needs no words."""
    try:
        return texts.allowed(text)
    except TextProblem as problem:
        if problem.code == "empty" and pictures:
            return ""
        raise TextProblem(problem.code, **problem.params, field=field_name) from problem


def _field_of(number: int, account_id: int | None = None) -> str:
    """Return where a part is written: among the shared ones, or as an account's own."""
    name = "part" if account_id is None else f"variant-{account_id}"
    if number == 0:
        return "text" if account_id is None else name
    return f"{name}-{number}"
