"""What exactly a create call sends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.db import utcnow
from app.networks.base import Body, Network, Part
from app.services.claims import Claim


@dataclass(frozen=True, slots=True)
class Materials:
    """What the network gave for a part before it is sent."""

    pictures: tuple[Mapping[str, Any], ...] = ()
    """Its name for each picture, in order."""
    prepared: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Materials()


def body_of(claim: Claim, network: Network, materials: Materials = NOTHING) -> Body:
    """Return the body for this claim: the one sent before, when that may not have arrived."""
    if claim.body is not None:
        return claim.body
    parents = [posted["reference"] for posted in claim.posted if posted.get("reference")]
    part = Part(
        claim.text,
        _key_of(claim),
        utcnow(),
        reply_to=parents[-1] if parents else None,
        root=parents[0] if parents else None,
        pictures=materials.pictures,
    )
    return network.body(part, materials.prepared)


def _key_of(claim: Claim) -> str:
    content = json.dumps([claim.job_id, claim.part, claim.text, claim.pictures])
    return hashlib.sha256(content.encode()).hexdigest()[:32]
