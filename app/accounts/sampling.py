"""Chooses accounts for calls other than tweets, evenly spread over servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func

from app.db import db, read
from app.models import Account
from app.networks import Destination


def some_of_each_server(
    conditions: Sequence[Any], each: int, most: int, newest_first: bool = False
) -> list[int]:
    """Return up to this many accounts per server under these conditions, others each time.

    :param newest_first: of a server, those of people who are likely to be looking.
    """
    server = (Account.network, Account.host)
    order = Account.id.desc() if newest_first else func.random()
    place = func.row_number().over(partition_by=server, order_by=order)
    placed = db.select(Account.id, place.label("place")).where(*conditions).subquery()
    chosen = db.select(placed.c.id).where(placed.c.place <= each)
    return [row.id for row in read(chosen.order_by(func.random()).limit(most), {})]


def server_of(account_id: int) -> Destination:
    """Return where the calls of an account go."""
    row = db.session.execute(
        db.select(Account.network, Account.host).where(Account.id == account_id)
    ).one()
    db.session.commit()
    return Destination(row.network, row.host)
