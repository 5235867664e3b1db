"""The exact body that a create call sends."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app.accounts import Access
from app.db import utcnow
from app.delivery.claims import Claim
from app.networks import VISIBILITY, Body, Network, Part

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Materials:
    """What the network returned for a part during its preparation."""

    pictures: tuple[Mapping[str, Any], ...] = ()
    """The network's id of each picture, in order."""
    prepared: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Materials()


@dataclass(frozen=True, slots=True)
class Ready:
    """A claim with all it needs to be sent."""

    claim: Claim
    access: Access
    materials: Materials = NOTHING


def composed(chosen: Sequence[Ready], networks: Mapping[str, Network]) -> list[tuple[Ready, Body]]:
    """Return the bodies of all that can be sent; other rows stay until their lease ends."""
    bodies: list[tuple[Ready, Body]] = []
    for ready in chosen:
        network = networks[ready.claim.destination.network]
        try:
            bodies.append((ready, body_of(ready.claim, network, ready.materials)))
        except Exception:
            log.exception(
                "job %s cannot be composed",
                ready.claim.job_id,
                extra={"job_id": ready.claim.job_id},
            )
    return bodies


def body_of(claim: Claim, network: Network, materials: Materials = NOTHING) -> Body:
    """Return the body for this claim: the one sent before, when that may not have arrived.

    If the network refused that body because it had lost the pictures, use the new pictures. The
    visibility is the tweet's own, else always the owner's current choice: look-ups do not compare
    it, and no key depends on that choice.
    """
    body = _content_of(claim, network, materials)
    if not network.visibilities:
        return body
    content = {name: value for name, value in body.items() if name != VISIBILITY}
    visibility = claim.options.get(VISIBILITY) or claim.visibility
    return content | ({VISIBILITY: visibility} if visibility else {})


def _content_of(claim: Claim, network: Network, materials: Materials) -> Body:
    if claim.body is not None and _names(claim.body, materials.pictures):
        return claim.body
    parents = [posted["reference"] for posted in claim.posted if posted.get("reference")]
    part = Part(
        claim.text,
        _key_of(claim),
        utcnow(),
        claim.written_at + timedelta(milliseconds=claim.part),  # each later part has a later key
        reply_to=parents[-1] if parents else None,
        root=parents[0] if parents else None,
        pictures=materials.pictures,
        languages=(claim.language,) if claim.language else (),
        options=claim.options,
        is_first=claim.part == 0,
    )
    return network.body(part, materials.prepared)


def _key_of(claim: Claim) -> str:
    named: list[Any] = [claim.job_id, claim.part, claim.text, claim.pictures]
    if claim.options:  # without, keys are those of tweets that were sent before there were any
        named.append(claim.options)
    content = json.dumps(named, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _names(body: Body, pictures: Sequence[Mapping[str, Any]]) -> bool:
    """True when the body contains these pictures; some networks give equal pictures equal ids."""
    told = json.dumps(body)
    return all(json.dumps(word) in told for word in _words_in(pictures))


def _words_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _words_in(list(value.values()))
    elif isinstance(value, Sequence):
        for item in value:
            yield from _words_in(item)
