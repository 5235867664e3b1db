"""What exactly a create call sends."""

from __future__ import annotations

import hashlib

from app.db import utcnow
from app.networks.base import Body, Network, Part
from app.services.claiming import Claim


def body_of(claim: Claim, network: Network) -> Body:
    """Return the body for this claim: the one sent before, when that may not have arrived."""
    if claim.body is not None:
        return claim.body
    content = f"{claim.job_id}\n{claim.text}".encode()
    key = hashlib.sha256(content).hexdigest()[:32]
    return network.body(Part(claim.text, key, utcnow()))
