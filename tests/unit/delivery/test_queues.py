"""What a publisher holds of each server and account: shares, and whose turn it is."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from threading import Event

import pytest

from app.accounts import Access
from app.delivery.claims import Claim
from app.delivery.queues import Queues
from app.delivery.server_queue import FIRST_CALLS, GROWTH, MAX_OF_A_SERVER, ServerQueue
from app.delivery.work_queue import STUCK_SECONDS, WorkQueue
from app.networks import Destination, Outcome, OutcomeKind

BUSY, QUIET = Destination("mastodon", "busy.example"), Destination("mastodon", "quiet.example")
ACCESS = Access({"access_token": "t"}, 1)
OK = Outcome(OutcomeKind.OK, remote_id="1", http_status=200)
NO_ANSWER = Outcome(OutcomeKind.AMBIGUOUS, "no_answer")
TOO_LATE = Outcome(OutcomeKind.NOT_SENT, None, "too late to start", retry_after=0.2)


def claim(job_id: str, account_id: int, destination: Destination) -> Claim:
    """Return a claim of a text."""
    return Claim(job_id, 1, account_id, destination, "Hello", datetime(2026, 1, 1, tzinfo=UTC))


def filled(queues: Queues, destination: Destination, account_ids: range) -> None:
    """Let one claim of each of these accounts be ready to be sent."""
    for account_id in account_ids:
        queues.add(claim(f"{destination.host} {account_id}", account_id, destination))
        queue = queues[account_id]
        for one in queue.next_claims():
            queue.make_ready(one, ACCESS)


def test_a_server_gets_more_calls_the_more_it_answers() -> None:
    """Its share grows with each answer, and has an end."""
    server = ServerQueue(BUSY)
    assert server.free_calls == FIRST_CALLS
    server.begin_call()
    server.end_call(OK)
    assert server.free_calls == FIRST_CALLS + GROWTH
    for _ in range(MAX_OF_A_SERVER):
        server.begin_call()
        server.end_call(OK)
    assert server.free_calls == MAX_OF_A_SERVER


def test_a_server_that_does_not_answer_gets_one_call_at_a_time() -> None:
    """Half as many with each call in vain, and never none: else it could not come back."""
    server = ServerQueue(BUSY)
    for _ in range(FIRST_CALLS):
        server.begin_call()
        server.end_call(NO_ANSWER)
    assert server.free_calls == 1
    server.begin_call()
    server.end_call(None)
    assert server.free_calls == 1


def test_a_slow_machine_says_nothing_about_a_server() -> None:
    """A call that was not begun in time changes no share."""
    server = ServerQueue(BUSY)
    server.begin_call()
    server.end_call(TOO_LATE)
    assert server.free_calls == FIRST_CALLS


def test_nobody_claims_more_than_a_server_will_take_at_once() -> None:
    """What is ready needs calls of its own."""
    queues = Queues()
    assert queues.room_of(BUSY) == FIRST_CALLS
    filled(queues, BUSY, range(5))
    assert queues.room_of(BUSY) == FIRST_CALLS - 5
    assert queues.room_of(QUIET) == FIRST_CALLS


def test_nobody_claims_much_for_a_server_whose_claims_all_wait() -> None:
    """For preparations, say: two claims for each call that it may have."""
    queues = Queues()
    for number in range(2 * FIRST_CALLS - 3):
        queues.add(claim(f"waiting {number}", number, BUSY))
    assert queues.room_of(BUSY) == 3


def known(queues: Queues, *account_ids: int) -> list[Claim]:
    """Return two new claims of each of these accounts, whose credentials are known."""
    claims = [claim(f"{part} of {one}", one, BUSY) for one in account_ids for part in (1, 2)]
    for one in claims:
        queues.queue_of(one).learn(ACCESS)
    return claims


def sendable(queues: Queues, claims: list[Claim], slots: int = 100) -> list[str]:
    """Return the ids of those that may be sent at once."""
    return [one.claim.job_id for one in queues.sendable(claims, slots)]


def test_of_new_claims_the_first_of_each_account_is_sent() -> None:
    """Until its network has answered; what waits for that comes before what is new."""
    queues = Queues()
    claims = known(queues, 1, 2)
    assert sendable(queues, claims) == ["1 of 1", "1 of 2"]
    assert sendable(queues, claims, slots=1) == ["1 of 1"]
    queues[1].go()
    assert sendable(queues, claims) == ["1 of 2"]
    queues[1].note_outcome(OK)
    assert sendable(queues, claims) == ["1 of 1", "2 of 1", "1 of 2"]
    queues.add(claim("before", 1, BUSY))
    assert sendable(queues, claims) == ["1 of 2"]


def test_new_claims_are_sent_within_the_share_of_their_server() -> None:
    """What is ready keeps its calls; an account without credentials gets none."""
    queues = Queues()
    filled(queues, BUSY, range(100, 100 + FIRST_CALLS - 1))
    stranger = claim("unknown", 3, BUSY)
    assert sendable(queues, [stranger, *known(queues, 1, 2)]) == ["1 of 1"]


def test_when_slots_are_few_the_servers_with_few_calls_come_first() -> None:
    """One with many calls under way does not take what another one needs."""
    queues = Queues()
    filled(queues, BUSY, range(3))
    queues[0].server.begin_call()
    filled(queues, QUIET, range(10, 11))
    (chosen,) = queues.next_to_send(1)
    assert chosen.claim.destination == QUIET
    assert len(queues.next_to_send(10)) == 3


def test_unstarted_claims_are_handed_back_whole() -> None:
    """What is ready and what waits, of one account and of no other; nothing is held afterwards."""
    queues = Queues()
    filled(queues, BUSY, range(2))
    queues.add(claim("second", 0, BUSY))
    assert queues.held == 3
    assert [one.job_id for one in queues[0].take_unstarted()] == ["busy.example 0", "second"]
    assert queues.held == 1
    assert [one.claim.account_id for one in queues.next_to_send(10)] == [1]


@pytest.fixture
def ids() -> WorkQueue[str]:
    """Five ids of one server and one of another, and one of which no server is known."""
    queue: WorkQueue[str] = WorkQueue(Event())
    servers = {f"busy {number}": BUSY for number in range(5)} | {"quiet": QUIET}
    queue.put([*servers, "unknown"], servers)
    return queue


def test_a_full_server_is_neither_work_nor_a_crowd(ids: WorkQueue[str]) -> None:
    """Its ids wait, and the publisher sleeps until something else comes."""
    assert ids.take_unknown() == ["unknown"]
    taken = ids.take_ids(10, lambda server: 2 if server == BUSY else 9)
    assert sorted(taken) == ["busy 0", "busy 1", "quiet"]
    assert ids.has_ids
    assert not ids.has_work
    assert ids.wait_for_room(crowd=1, seconds=0)
    ids.put(["quiet again"], {"quiet again": QUIET})
    assert ids.has_work
    assert not ids.wait_for_room(crowd=1, seconds=0)


def test_a_crowd_is_waited_for_while_networks_answer(ids: WorkQueue[str]) -> None:
    """Until there is room, and no longer than somebody wants; at once when nobody answers."""
    ids.take_unknown()
    begin = time.monotonic()
    assert not ids.wait_for_room(crowd=2, seconds=0.05)
    assert time.monotonic() - begin >= 0.05
    taker = threading.Timer(0.05, lambda: ids.take_ids(9, lambda _: 9))
    taker.start()
    assert ids.wait_for_room(crowd=2, seconds=60)
    taker.join()
    late = [f"late {number}" for number in range(5)]
    ids.put(late, dict.fromkeys(late, BUSY))
    ids.finish("an answer")
    begin = time.monotonic()
    assert not ids.wait_for_room(crowd=2, seconds=60)
    assert STUCK_SECONDS / 2 < time.monotonic() - begin < 30


def test_servers_take_turns(ids: WorkQueue[str]) -> None:
    """Who had more ids than there was room for comes last the next time."""
    ids.take_unknown()
    assert ids.take_ids(2, lambda _: 9) == ["busy 0", "busy 1"]
    assert ids.take_ids(1, lambda _: 9) == ["quiet"]


def test_an_id_waits_once(ids: WorkQueue[str]) -> None:
    """However often workers are notified of it."""
    ids.take_unknown()
    ids.put(["quiet", "busy 3"], {"quiet": QUIET, "busy 3": BUSY})
    assert len(ids.take_ids(100, lambda _: 100)) == 6
    assert ids.is_empty
