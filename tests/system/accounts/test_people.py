"""Who an account proves somebody to be: the rules of the door, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from app.accounts import connections, disconnections, pending, sessions, sign_in_methods
from app.accounts.audit import Visit
from app.db import db
from app.models import Account, MastodonServer, User, UserSession
from app.networks.base import Connection, Profile
from tests.support.world import World

VISIT = Visit()


@pytest.fixture
def rows(world: World) -> Iterator[World]:
    """An installation whose rows can be looked at."""
    with world.rows():
        yield world


def page(page_id: str, person: str) -> Connection:
    """Return a Page that a person may post for."""
    profile = Profile(page_id, f"page{page_id}", person_id=person)
    return Connection(profile, {"access_token": f"{page_id} {person}", "page_id": page_id})


def elsewhere(handle: str, **more: Any) -> Connection:
    """Return an account of a server that somebody typed."""
    profile = Profile(handle, f"{handle}@hostile.example", server="hostile.example")
    credentials = {"server_url": "https://hostile.example", "access_token": handle}
    return Connection(profile, credentials, server_was_typed=True, **more)


def x(handle: str) -> Connection:
    """Return an account on X."""
    return Connection(Profile(handle, handle), {"access_token": handle})


def account(**wanted: Any) -> Account:
    """Return the one connected account like this."""
    return db.session.scalars(db.select(Account).filter_by(connected=True, **wanted)).one()


def test_two_people_with_one_page(rows: World) -> None:
    """The second one does not become the first; the Page stays, and is left out."""
    anna = connections.sign_in("facebook", [page("1", "anna"), page("2", "anna")])
    assert len(anna.added) == 2
    with pytest.raises(connections.BelongsToSomebodyElse):
        connections.sign_in("facebook", [page("1", "ben")])
    assert db.session.query(User).count() == 1
    ben = connections.sign_in("facebook", [page("1", "ben"), page("3", "ben")])
    assert ben.user_id != anna.user_id
    assert [profile.remote_id for profile in ben.left_out] == ["1"]
    again = connections.sign_in("facebook", [page("1", "ben")])
    assert (again.user_id, again.renewed, again.added) == (ben.user_id, [], [])
    assert account(remote_id="1").user_id == anna.user_id
    assert account(remote_id="1").credentials["access_token"] == "1 anna"
    assert connections.sign_in("facebook", [page("2", "anna")]).user_id == anna.user_id


def test_a_page_opens_no_second_door(rows: World) -> None:
    """Ben connects one of Anna's further Pages, by her word; she still signs in as herself."""
    anna = connections.sign_in("facebook", [page("1", "anna")])
    ben = connections.sign_in("x", [x("ben")])
    connections.add("facebook", [page("2", "anna")], ben.user_id)
    second = account(remote_id="2")
    assert (second.user_id, second.signs_in) == (ben.user_id, False)
    with pytest.raises(sign_in_methods.OpensAnother):
        sign_in_methods.switch(ben.user_id, second.id, True, VISIT)
    assert not account(remote_id="2").signs_in
    back = connections.sign_in("facebook", [page("1", "anna"), page("2", "anna")])
    assert back.user_id == anna.user_id
    assert [profile.remote_id for profile in back.left_out] == ["2"]


def test_a_closed_page_makes_no_second_user(rows: World) -> None:
    """Its person is known here and is not let in by it."""
    anna = connections.sign_in("x", [x("anna")])
    connections.add("facebook", [page("1", "anna")], anna.user_id)
    sign_in_methods.switch(anna.user_id, account(remote_id="1").id, False, VISIT)
    with pytest.raises(connections.SignsNobodyIn):
        connections.sign_in("facebook", [page("1", "anna"), page("9", "anna")])
    assert db.session.query(User).count() == 1


def test_pages_of_one_person_are_one_door(rows: World) -> None:
    """Whoever shows one of them is that person: all sign in or none, further ones, too."""
    anna = connections.sign_in("x", [x("anna")])
    connections.add("facebook", [page("1", "anna"), page("2", "anna")], anna.user_id)
    sign_in_methods.switch(anna.user_id, account(remote_id="1").id, False, VISIT)
    assert not account(remote_id="2").signs_in
    connections.add("facebook", [page("3", "anna")], anna.user_id)
    assert not account(remote_id="3").signs_in
    for shown in ("1", "2", "3", "4"):
        with pytest.raises(connections.SignsNobodyIn):
            connections.sign_in("facebook", [page(shown, "anna")])
    sign_in_methods.switch(anna.user_id, account(remote_id="3").id, True, VISIT)
    assert connections.sign_in("facebook", [page("1", "anna")]).user_id == anna.user_id


def test_a_page_of_before_proves_nobody_until_it_is_asked_for(rows: World) -> None:
    """Rows from before the person was known: not a way in, and reconnecting learns it."""
    anna = connections.sign_in("x", [x("anna")])
    connections.add("facebook", [page("1", "anna")], anna.user_id)
    old = account(remote_id="1")
    old.person_id, old.signs_in = "", False
    db.session.commit()
    with pytest.raises(connections.BelongsToSomebodyElse):
        connections.sign_in("facebook", [page("1", "anna")])
    with pytest.raises(sign_in_methods.NobodyProved):
        sign_in_methods.switch(anna.user_id, old.id, True, VISIT)
    connections.add("facebook", [page("1", "anna")], anna.user_id)
    sign_in_methods.switch(anna.user_id, old.id, True, VISIT)
    assert connections.sign_in("facebook", [page("1", "anna")]).user_id == anna.user_id


def test_a_typed_server_opens_no_door_by_itself(rows: World) -> None:
    """Its operator names any id: that connects, and signs in only when the owner says so."""
    anna = connections.sign_in("x", [x("anna")])
    connections.add("mastodon", [elsewhere("anna")], anna.user_id)
    hers = account(network="mastodon")
    assert not hers.signs_in
    with pytest.raises(connections.SignsNobodyIn) as closed:
        connections.sign_in("mastodon", [elsewhere("anna")])
    assert closed.value.user_id == anna.user_id
    assert db.session.query(Account).count() == 2
    sign_in_methods.switch(anna.user_id, hers.id, True, VISIT)
    assert connections.sign_in("mastodon", [elsewhere("anna")]).user_id == anna.user_id


def test_a_server_that_proves_nobody(rows: World) -> None:
    """It never signs in, neither new people nor known ones; it publishes for who is signed in."""
    with pytest.raises(sign_in_methods.ProvesNobody):
        connections.sign_in("mastodon", [elsewhere("anna", proves_nobody=True)])
    assert db.session.query(User).count() == 0
    anna = connections.sign_in("x", [x("anna")])
    connections.add("mastodon", [elsewhere("anna", proves_nobody=True)], anna.user_id)
    hers = account(network="mastodon")
    assert not hers.signs_in
    db.session.add(MastodonServer(url="https://hostile.example", checks_codes=False))
    db.session.commit()
    with pytest.raises(sign_in_methods.ProvesNobody):
        sign_in_methods.switch(anna.user_id, hers.id, True, VISIT)


def test_a_door_whose_server_turns_out_to_prove_nobody_does_not_count(rows: World) -> None:
    """It is no way in any more, so the other account is the last one."""
    anna = connections.sign_in("mastodon", [elsewhere("anna")])
    connections.add("x", [x("anna")], anna.user_id)
    db.session.add(MastodonServer(url="https://hostile.example", checks_codes=False))
    db.session.commit()
    with pytest.raises(sign_in_methods.LastSignInMethod):
        sign_in_methods.switch(anna.user_id, account(network="x").id, False, VISIT)
    assert account(network="x").signs_in


def test_the_same_person_gets_their_own_row_back(rows: World) -> None:
    """What was published stays with it; another owner gets a fresh one."""
    anna = connections.sign_in("x", [x("anna")])
    connections.add("x", [x("second")], anna.user_id)
    kept = account(remote_id="second").id
    disconnections.disconnect(kept)
    connections.add("x", [x("second")], anna.user_id)
    assert account(remote_id="second").id == kept
    disconnections.disconnect(kept)
    ben = connections.sign_in("x", [x("second")])
    assert ben.user_id != anna.user_id
    assert account(remote_id="second").id != kept
    with pytest.raises(connections.BelongsToSomebodyElse):
        connections.add("x", [x("second")], anna.user_id)


def test_somebody_without_any_door_gets_one(rows: World) -> None:
    """Otherwise nobody would come back: the next account signs in, typed or not."""
    anna = connections.sign_in("x", [x("anna")])
    disconnections.disconnect(account(remote_id="anna").id)
    connections.add("mastodon", [elsewhere("anna")], anna.user_id)
    assert account(network="mastodon").signs_in


def test_a_door_that_closes_during_a_sign_in(rows: World) -> None:
    """What was disconnected or switched off since it was found lets nobody in any more."""
    anna = connections.sign_in("x", [x("anna")])
    connections.add("x", [x("other")], anna.user_id)
    assert anna.sign_in_account is not None
    for close in (
        lambda door: sign_in_methods.switch(anna.user_id, door, False, VISIT),
        lambda door: disconnections.disconnect(door),
    ):
        again = connections.sign_in("x", [x("anna")])
        assert again.sign_in_account is not None
        close(again.sign_in_account.id)
        with pytest.raises(sessions.SignInMethodOff):
            sessions.open_session(
                anna.user_id, again.sign_in_account, VISIT, browser_key="b", is_known=True
            )
        assert db.session.query(UserSession).count() == 0
        doors_open = account(remote_id="other")
        assert doors_open.signs_in
        if account_is_connected("anna"):
            sign_in_methods.switch(anna.user_id, again.sign_in_account.id, True, VISIT)


@contextmanager
def overtaken_by(world: World, work: Callable[[], object]) -> Iterator[None]:
    """Let another process do this just after the first look for an account."""
    done: list[object] = []

    def elsewhere_too() -> None:
        with world.app.app_context():
            done.append(work())

    def listen(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if statement.startswith("SELECT accounts.") and not done:
            done.append(None)  # once, and not for what it looks for itself
            other = threading.Thread(target=elsewhere_too)
            other.start()
            other.join()

    event.listen(db.engine, "after_cursor_execute", listen)
    try:
        yield
    finally:
        event.remove(db.engine, "after_cursor_execute", listen)
    assert len(done) == 2


@pytest.mark.parametrize(
    ("network", "opened"),
    [("x", [x("anna")]), ("facebook", [page("1", "anna"), page("2", "anna")])],
)
def test_two_first_sign_ins_are_one_user(
    rows: World, network: str, opened: list[Connection]
) -> None:
    """Whoever was overtaken by themselves is not refused at a door that opened meanwhile."""
    with overtaken_by(rows, lambda: connections.sign_in(network, opened).user_id):
        second = connections.sign_in(network, opened)
    assert second.renewed
    assert not second.added
    assert second.user_id == account(remote_id=opened[0].profile.remote_id).user_id
    assert db.session.query(User).count() == 1


def test_two_people_confirm_one_account(rows: World) -> None:
    """One has it, and the other is told so: nothing connected is no success."""
    anna, ben = (connections.sign_in("x", [x(name)]).user_id for name in ("anna", "ben"))
    with (
        overtaken_by(rows, lambda: len(connections.add("x", [x("wanted")], ben).added)),
        pytest.raises(connections.BelongsToSomebodyElse),
    ):
        connections.add("x", [x("wanted")], anna)
    assert account(remote_id="wanted").user_id == ben


def test_yes_and_no_at_once(rows: World) -> None:
    """Whichever is first counts, and the other one is told that nothing waits."""
    anna = connections.sign_in("x", [x("anna")]).user_id
    waiting = pending.keep(anna, "x", [x("wanted")])
    with overtaken_by(rows, lambda: pending.refuse(waiting)), pytest.raises(connections.NotWanted):
        connections.add("x", [x("wanted")], anna, lambda: pending.take(waiting))
    assert not account_is_connected("wanted")
    waiting = pending.keep(anna, "x", [x("wanted")])
    connections.add("x", [x("wanted")], anna, lambda: pending.take(waiting))
    assert not pending.refuse(waiting)
    assert account_is_connected("wanted")


def account_is_connected(remote_id: str) -> bool:
    """Whether there is a connected account like this."""
    wanted = db.select(Account.id).filter_by(remote_id=remote_id, connected=True)
    return db.session.scalar(wanted) is not None


def test_two_switches_at_once_leave_one_door(rows: World) -> None:
    """Each alone would be allowed; together they would close both."""
    anna = connections.sign_in("x", [x("anna")])
    connections.add("x", [x("second")], anna.user_id)
    ids = [one.id for one in sign_in_methods.accounts_of(anna.user_id)]
    user_id = anna.user_id
    db.session.rollback()
    refused: list[int] = []

    def close(account_id: int) -> None:
        with rows.app.app_context():
            try:
                sign_in_methods.switch(user_id, account_id, False, VISIT)
            except sign_in_methods.LastSignInMethod:
                refused.append(account_id)

    threads = [threading.Thread(target=close, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert len(sign_in_methods.opening(sign_in_methods.accounts_of(user_id))) == 1


def test_many_pages_at_once(rows: World) -> None:
    """150 of them are connected in one go; one more than the quota is refused with nothing done."""
    anna = connections.sign_in("facebook", [page(str(n), "anna") for n in range(150)])
    assert len(anna.added) == 150
    rows.app.config["MAX_ACCOUNTS"] = 151
    more = [page(str(n), "anna") for n in range(148, 153)]
    with pytest.raises(connections.TooManyAccounts):
        connections.add("facebook", more, anna.user_id)
    assert len(sign_in_methods.accounts_of(anna.user_id)) == 150
    done = connections.sign_in("facebook", more)  # signing in does not fail because of it
    assert [profile.remote_id for profile in done.beyond] == ["151", "152"]
    assert len(sign_in_methods.accounts_of(anna.user_id)) == 151
