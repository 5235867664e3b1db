"""Where people want to be told: browsers, as many as they have, and one URL."""

from __future__ import annotations

import binascii
import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from app.db import db, from_now, rows_changed
from app.models import PushTarget, PushWay
from app.push.addresses import WrongAddress, checked_https, checked_url

MAX_BROWSERS = 20
"""Of one person; the oldest ones make room."""
AUTH_BYTES = 16


def add_browser(user_id: int, subscription: Mapping[str, Any]) -> int:
    """Keep a browser's subscription, once; return its id. Commits.

    :raises WrongAddress: it cannot be used.
    """
    endpoint = checked_https(subscription["endpoint"])
    address = {"endpoint": endpoint, "keys": _keys(subscription)}
    target_id = _keep(user_id, PushWay.BROWSER, endpoint, address)
    mine = (PushTarget.user_id == user_id, PushTarget.way == PushWay.BROWSER)
    newest = db.select(PushTarget.id).where(*mine).order_by(PushTarget.id.desc())
    kept = newest.limit(MAX_BROWSERS).subquery()
    rows_changed(delete(PushTarget).where(*mine, PushTarget.id.not_in(db.select(kept.c.id))))
    db.session.commit()
    return target_id


def keep_url(user_id: int, typed: str) -> None:
    """Keep the one URL at which somebody wants to be told; "" for none. Commits.

    :raises WrongAddress: it is none that we use.
    """
    url = checked_url(typed) if typed.strip() else ""
    mine = (PushTarget.user_id == user_id, PushTarget.way == PushWay.URL)
    rows_changed(delete(PushTarget).where(*mine))
    if url:
        _keep(user_id, PushWay.URL, url, {"url": url})
    db.session.commit()


def url_of(user_id: int) -> str | None:
    """Return the service of somebody's URL, such as ``discord``; the rest of it is a secret."""
    mine = (PushTarget.user_id == user_id, PushTarget.way == PushWay.URL)
    target = db.session.scalars(db.select(PushTarget).where(*mine)).first()
    return target and str(target.address.get("url", "")).partition("://")[0]


def remove(user_id: int, target_id: int) -> bool:
    """Forget one of somebody's; False when there is none of this id. Commits."""
    mine = (PushTarget.user_id == user_id, PushTarget.id == target_id)
    count = rows_changed(delete(PushTarget).where(*mine))
    db.session.commit()
    return bool(count)


def _keep(user_id: int, way: PushWay, name: str, address: dict[str, Any]) -> int:
    fingerprint = hashlib.sha256(name.encode()).hexdigest()
    known = (PushTarget.user_id == user_id, PushTarget.fingerprint == fingerprint)
    again = db.update(PushTarget).where(*known).values(address=address)
    target = PushTarget(user_id=user_id, way=way, fingerprint=fingerprint, address=address)
    target.created_at = from_now()
    try:
        with db.session.begin_nested():
            if not rows_changed(again):
                db.session.add(target)
    except IntegrityError:  # the same at the same time
        rows_changed(again)
    return db.session.scalars(db.select(PushTarget.id).where(*known)).one()


def _keys(subscription: Mapping[str, Any]) -> dict[str, str]:
    """Return the browser's keys, if they are keys at all."""
    keys = subscription["keys"]
    try:
        point = _decoded(keys["p256dh"])
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
        if len(_decoded(keys["auth"])) != AUTH_BYTES:
            raise WrongAddress("bad_keys")
    except (ValueError, binascii.Error) as error:
        raise WrongAddress("bad_keys") from error
    return {"p256dh": keys["p256dh"], "auth": keys["auth"]}


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def reached(user_ids: Iterable[int]) -> set[int]:
    """Return which of these people have a place where they want to be told."""
    theirs = db.select(PushTarget.user_id).where(PushTarget.user_id.in_(sorted(set(user_ids))))
    return set(db.session.scalars(theirs))
