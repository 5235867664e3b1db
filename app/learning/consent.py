"""Whether and what is learnt from an account: its owner's word, and the network's."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import current_app
from sqlalchemy import delete, update

from app import background
from app.db import db, rows_changed, utcnow
from app.learning import best_hours
from app.learning.importing import KIND
from app.models import Account, LearnedItem, Learning, ReadingList, interest
from app.networks import Network, ReadKind

USUAL_CAPS = {ReadKind.POSTS: 200, ReadKind.LIKES: 100, ReadKind.FOLLOWS: 0}
"""Things that are read in a month where that costs, unless the owner says otherwise."""
AT_A_TIME = 1_000
"""Items that one statement deletes."""


class CannotRead(Exception):
    """The network has no such list: ``kind``."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Off(Exception):
    """Nothing is learnt from the account."""


class Running(Exception):
    """An import of the account is under way, or about to begin."""


def network_of(account: Account) -> Network:
    """Return the account's network."""
    found: Network = current_app.extensions["networks"][account.network]
    return found


def agree(
    account: Account,
    caps: Mapping[str, int] | None = None,
    reads: Collection[str] | None = None,
) -> bool:
    """Store the owner's consent, and begin the import if the network's is there, too.

    :param caps: things to read in a month, where reading costs; what is left out stays, or is what
        is usual.
    :param reads: the lists to read; None for what was chosen before, or is usual.
    :returns: False when the network must be asked for wider access first.
    :raises CannotRead: a cap for a list that the network does not have.
    """
    _refuse_unknown(account, [*(caps or {}), *(reads or [])])
    network = network_of(account)
    learning = db.session.get(Learning, account.id, with_for_update=True, populate_existing=True)
    if learning is None:
        learning = Learning(account_id=account.id, runs=0, whole=False, pace=1.0)
        db.session.add(learning)
        db.session.flush()
    known = {one.kind: one for one in learning.lists}
    for kind in network.reads:
        if kind not in known:
            known[kind] = _new_list(account.id, kind, network)
            db.session.add(known[kind])
    _set(known, caps or {}, reads)
    learning.enabled, learning.consented_at = True, utcnow()
    return _begin_if_granted(account, learning, known.values())


def _new_list(account_id: int, kind: ReadKind, network: Network) -> ReadingList:
    cap = USUAL_CAPS[kind] if network.read_prices else None
    return ReadingList(account_id=account_id, kind=kind, cap=cap, wanted=cap != 0)


def granted(account: Account) -> bool:
    """Begin the import after the network was asked; False when it granted too little."""
    learning = db.session.get(Learning, account.id, with_for_update=True, populate_existing=True)
    if learning is None or not learning.enabled:
        db.session.commit()
        return False
    return _begin_if_granted(account, learning, learning.lists)


def _begin_if_granted(account: Account, learning: Learning, lists: Collection[ReadingList]) -> bool:
    wanted = {ReadKind(one.kind) for one in lists if one.wanted}
    learning.needs_consent = not network_of(account).lets_read(account.credentials, wanted)
    is_granted = not learning.needs_consent
    if is_granted:
        every: float = current_app.config["IMPORT_INTERVAL"]
        background.begin_intervals(KIND, str(account.id), every)
    db.session.commit()
    return is_granted


def change(
    account: Account,
    caps: Mapping[str, int] | None = None,
    reads: Collection[str] | None = None,
) -> bool:
    """Set what is read, and how much of it; False when the network must be asked first.

    Whoever asks for more gets it at once; less begins no import.

    :param reads: the lists that are read from now on; None changes nothing about that.
    :raises CannotRead: the network has no such list.
    :raises Off: nothing is learnt from the account.
    """
    _refuse_unknown(account, [*(caps or {}), *(reads or [])])
    learning = db.session.get(Learning, account.id, with_for_update=True, populate_existing=True)
    if learning is None or not learning.enabled:
        db.session.commit()
        raise Off
    lists = {one.kind: one for one in learning.lists}
    before = {kind: (one.wanted, one.cap or 0) for kind, one in lists.items()}
    _set(lists, caps or {}, reads)
    is_more = any(
        one.wanted and (not before[kind][0] or (one.cap or 0) > before[kind][1])
        for kind, one in lists.items()
    )
    if is_more or learning.needs_consent:
        return _begin_if_granted(account, learning, learning.lists)
    db.session.commit()  # less is read from the next run on, and reading now may cost
    return True


def import_now(account: Account, whole: bool = False) -> None:
    """Begin an import.

    :param whole: read everything again, within the caps: edits and deletions are noticed.
    :raises Off: nothing is learnt from the account.
    :raises Running: one is under way.
    """
    learning = db.session.get(Learning, account.id, with_for_update=True, populate_existing=True)
    if learning is None or not learning.enabled or learning.needs_consent:
        db.session.commit()
        raise Off
    task = background.at_intervals(KIND, [str(account.id)]).get(str(account.id))
    if task is not None and background.is_under_way(task):
        db.session.commit()
        raise Running
    learning.whole = learning.whole or whole
    every: float = current_app.config["IMPORT_INTERVAL"]
    background.begin_intervals(KIND, str(account.id), every)
    db.session.commit()


def switch_off(account_id: int, forget: bool = False) -> None:
    """Learn nothing more from an account.

    :param forget: delete everything that was imported, too.
    """
    rows_changed(update(Learning).where(Learning.account_id == account_id).values(enabled=False))
    background.end_intervals(KIND, str(account_id))
    if forget:
        # Without its lists, a worker that is reading a page stores nothing any more.
        rows_changed(delete(ReadingList).where(ReadingList.account_id == account_id))
        rows_changed(delete(Learning).where(Learning.account_id == account_id))
    db.session.commit()
    while forget and _delete_some(account_id):
        pass
    if forget:
        best_hours.look_again(account_id)
        db.session.commit()


def _delete_some(account_id: int) -> int:
    some = db.select(LearnedItem.id).where(LearnedItem.account_id == account_id).limit(AT_A_TIME)
    count = rows_changed(delete(LearnedItem).where(LearnedItem.id.in_(some.scalar_subquery())))
    interest.stale_by(account_id)
    db.session.commit()
    return count


def _refuse_unknown(account: Account, kinds: Collection[str]) -> None:
    """Raise CannotRead for a list that the network does not have."""
    for kind in kinds:
        if kind not in network_of(account).reads:
            raise CannotRead(kind)


def _set(
    lists: Mapping[str, ReadingList], caps: Mapping[str, int], reads: Collection[str] | None
) -> None:
    """Set what is read, and caps where reading costs. A cap of nothing: the list is not read."""
    for kind, one in lists.items():
        if reads is not None:
            one.wanted = kind in reads
        if one.cap is not None and kind in caps:
            if reads is None and (caps[kind] == 0) != (one.cap == 0):
                one.wanted = caps[kind] > 0
            one.cap = caps[kind]
