"""What people are told: each thing once, together where it has one cause, as they want it."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app import background, notices
from app.accounts import access_ends, holds
from app.background import Run
from app.db import db, from_now, utcnow
from app.mail import letters, messages, subscriptions
from app.models import (
    Account,
    BackgroundTask,
    Delivery,
    EmailAddress,
    Health,
    Mail,
    Notice,
    NoticeKind,
    PushMessage,
    PushTarget,
    User,
    notice,
)
from app.models import mail as mails
from app.notices import digests
from app.notices.search import SLACK
from app.states import HoldReason, State
from tests.conftest import MakeWorld
from tests.support.waiting import wait_for
from tests.support.world import World

NOBODY = "smtp://127.0.0.1:9"


@pytest.fixture
def world(make_world: MakeWorld, database_url: str) -> World:
    """An installation with a mail server that is away: mails stay rows."""
    return make_world(
        database_url, MAIL_URL=NOBODY, APP_URL="http://127.0.0.1:8000", WARN_BEFORE="7200"
    )


@pytest.fixture
def ana(world: World) -> int:
    """Somebody with a confirmed address."""
    user_id = world.user("ana")
    with world.rows():
        address = EmailAddress(user_id=user_id, address="ana@example.org", confirmed_at=utcnow())
        db.session.add(address)
        db.session.commit()
    return user_id


def run_of(kind: str) -> Run:
    """Return a run of a kind of work that is due now."""
    background.keep_intervals()
    background.soon(kind)
    db.session.commit()
    (run,) = background.claim([kind], 1, "test")
    return run


def look(world: World, kind: str = "notices") -> None:
    """Do what a worker does every few seconds."""
    with world.rows():
        run = run_of(kind)
        (notices.look if kind == "notices" else notices.check_access)(run)
        run.finish()


def ended(world: World, job_id: str, ago: float = 0.0, **values: Any) -> None:
    """Let a delivery have come to this, told here: what publishing would have made of it."""
    settled: dict[str, Any] = {"next_at": None, **values}
    if values["state"] == State.FAILED:
        settled["finished_at"] = utcnow() - timedelta(seconds=ago)
    with world.rows():
        db.session.execute(db.update(Delivery).where(Delivery.id == job_id).values(settled))
        db.session.commit()


def failed(world: World, user_id: int, count: int, ago: float = 0.0) -> list[str]:
    """Let some tweets have failed."""
    jobs = [world.tweet_later(user_id, f"Words {n}", "in one hour") for n in range(count)]
    for job_id in jobs:
        ended(world, job_id, ago, state=State.FAILED, error_code="rejected")
    return jobs


def told(world: World) -> Counter[tuple[str, str | None]]:
    """Return how often what was told, by kind and job."""
    with world.rows():
        rows = db.session.execute(db.select(Notice.kind, Notice.job_id))
        return Counter((row.kind, row.job_id) for row in rows)


def stored_mails(world: World) -> list[Mail]:
    """Return the mails, the oldest first."""
    with world.rows():
        found = list(db.session.scalars(db.select(Mail).order_by(Mail.id)))
        db.session.expunge_all()
        return found


def later(world: World, seconds: float) -> None:
    """Let time pass for what was told."""
    earlier = timedelta(seconds=seconds)
    with world.rows():
        for one in db.session.scalars(db.select(Notice)):
            one.at -= earlier
            one.mail_at = one.mail_at and one.mail_at - earlier
        db.session.commit()


def test_each_once(world: World, ana: int) -> None:
    """What failed, what waits although it was due, and what only its owner can tell."""
    (first,) = failed(world, ana, 1)
    late, unsure, paused = (world.tweet_later(ana, f"More {n}", "in one hour") for n in range(3))
    ended(world, late, state=State.HELD, hold_reason=HoldReason.LATE)
    ended(world, unsure, state=State.REVIEW, error_code="never_seen")
    ended(world, paused, state=State.HELD, hold_reason=HoldReason.PAUSED)
    for _ in range(3):
        look(world)
    wanted = {("failed", first): 1, ("held", late): 1, ("review", unsure): 1}
    assert told(world) == wanted
    with world.rows():
        user = db.session.get_one(User, ana)
        assert user.unread_notices == 3
        found = notice.listed(ana, None, 10)
        sentences = [notices.wording.facts_of([one])[0]["words"] for one in found]
        assert sorted(sentences) == ["More 0", "More 1", "Words 0"]
        assert notice.mark_read(ana, [found[0].id, 10**6], utcnow()) == 2
        assert notice.mark_read(ana, None, utcnow()) == 0
    ended(world, first, state=State.FAILED, error_code="rejected")  # tried again, failed again
    look(world)
    assert told(world) == {**wanted, ("failed", first): 2}


def test_what_is_over_is_not_mailed(world: World, ana: int) -> None:
    """What was sent meanwhile, before its mail is stored or after; an access of before."""
    gone, stays = failed(world, ana, 2)
    look(world)
    ended(world, gone, state=State.PUBLISHED, error_code=None)
    later(world, 40)
    look(world)
    (stored,) = stored_mails(world)
    assert [job["words"] for job in stored.facts["jobs"]] == ["Words 1"]
    with world.rows():
        (made,) = messages.made([stored.id])
        assert made.message
        assert "“Words 1”\nDue: " in made.message.body
    ended(world, stays, state=State.SCHEDULED, next_at=utcnow(), error_code=None)
    with world.rows():
        assert messages.made([stored.id])[0].message is None
        account = db.session.scalars(db.select(Account)).one()
        version = account.credentials_version
        about = {"user_id": ana, "account_id": account.id, "topic": "t", "facts": {}, "bell": True}
        for number, kind in enumerate(("access_ended", "access_ending")):
            one = Notice(**about, kind=kind, key=kind, at=from_now(), version=version + number)
            db.session.add(one)
        db.session.commit()
        ids = list(db.session.scalars(db.select(Notice.id).where(Notice.version.is_not(None))))
        assert notice.still_so(ids) == {min(ids)}  # the other one is of other credentials


def test_what_shares_a_cause_shares_a_mail(world: World, ana: int) -> None:
    """Within 20 seconds of the first: one mail, that names each; what comes later has its own."""
    jobs = failed(world, ana, 2)
    look(world)
    assert stored_mails(world) == []  # others may still come
    later(world, 15)
    jobs += failed(world, ana, 1)
    look(world)
    later(world, 15)
    look(world)
    (mail,) = stored_mails(world)
    assert mail.kind == "failures"
    assert mail.facts is not None
    paths = [one["path"] for one in mail.facts["jobs"]]
    assert len(paths) == 3
    assert all(any(path.endswith(f"?job_id={job}") for path in paths) for job in jobs)
    failed(world, ana, 1)
    look(world)
    later(world, 40)
    look(world)
    assert len(stored_mails(world)) == 2
    with world.rows():
        known = {**mail.facts, "site": "http://x", "unsubscribe": None, "user": None}
        zone = db.session.get_one(User, ana).zone
        for locale, words in (("en", "refused this text"), ("es", "texto")):
            letter = letters.write(mail.kind, known, locale=locale, zone=zone)
            assert words in letter.text
            assert words in letter.html
            assert f"http://x{paths[0]}" in letter.text
            assert "Words 0" in letter.html


def test_two_workers_and_a_kill(world: World, ana: int) -> None:
    """Each failure is told exactly once, whoever finds it, and however they end."""
    first = world.start_worker(WORKER_QUEUES="maintenance")
    jobs = failed(world, ana, 30)
    wait_for(lambda: len(told(world)) > 0, what="the first notices")
    world.kill(first, signal.SIGKILL)
    with world.rows():  # time passes: the lease of a run that it took along ends
        db.session.execute(db.update(BackgroundTask).values(next_at=from_now()))
        db.session.commit()
    jobs += failed(world, ana, 30)
    for _ in range(2):
        world.start_worker(WORKER_QUEUES="maintenance")
    threads = [threading.Thread(target=_store_at_once, args=(world,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    wait_for(lambda: len(told(world)) == 60, what="a notice of each")
    look_again = world.tweet_later(ana, "A last one", "in one hour")
    ended(world, look_again, state=State.FAILED, error_code="rejected")
    wait_for(lambda: len(told(world)) == 61, what="one more look")
    assert told(world) == {("failed", job_id): 1 for job_id in [*jobs, look_again]}
    with world.rows():
        assert db.session.get_one(User, ana).unread_notices == 61


def _store_at_once(world: World) -> None:
    """Look without a lease, as a worker that has lost its own and does not know yet."""
    with world.rows(), pytest.raises(background.Lost):
        notices.look(Run("nobody", 1, "notices", "", 3))


def test_wishes(world: World, ana: int) -> None:
    """Nothing at the bell, or by mail, of what somebody does not want; a link ends the mails."""
    with world.rows():
        user = db.session.get_one(User, ana)
        usual = notices.settings.of_user(ana)
        assert usual["failed"] == {"mail": True, "bell": True, "push": True}
        assert usual["published"]["mail"] is usual["digest"]["bell"] is False
        changed = notices.settings.change(user, {"failed": {"bell": False}, "reminder": False})
        assert changed == {**usual, "failed": {**usual["failed"], "bell": False}, "reminder": False}
    failed(world, ana, 1)
    look(world)
    later(world, 60)
    look(world)
    assert len(stored_mails(world)) == 1
    with world.rows():
        assert notice.listed(ana, None, 10) == []
        assert db.session.get_one(User, ana).unread_notices == 0
        subscriptions.switch(mails.of_user(ana), "failures", wanted=False)
        db.session.commit()
        assert notices.settings.of_user(ana)["held"]["mail"] is False
        user = db.session.get_one(User, ana)
        held_alone = notices.settings.change(user, {"held": {"mail": True}})
        assert held_alone["held"]["mail"] is True
        assert held_alone["failed"]["mail"] is False


def test_what_went_out_and_the_week(world: World, ana: int) -> None:
    """Only for those who want it."""
    with world.rows():
        user = db.session.get_one(User, ana)
        notices.settings.change(user, {"published": {"bell": True}, "digest": {"mail": True}})
    job_id = world.tweet_later(ana, "Out", "in one hour")
    ended(world, job_id, state=State.PUBLISHED, finished_at=utcnow(), remote_id="1")
    look(world)
    assert told(world) == {("published", job_id): 1}
    with world.rows():
        settings = db.session.get_one(notice.NoticeSettings, ana)
        assert settings.digest_at is not None
        assert settings.digest_at.weekday() == 0
        settings.digest_at = utcnow() - timedelta(minutes=1)
        db.session.commit()
        assert digests.store_due() == 1
        assert digests.store_due() == 0
        (week,) = db.session.scalars(db.select(Notice).where(Notice.kind == NoticeKind.DIGEST))
        assert week.facts["counts"] == {"published": 1, "failed": 0, "waiting": 0, "scheduled": 0}
        assert not week.bell


def test_the_week_in_another_time_zone(world: World, ana: int) -> None:
    """Each Monday has one digest, at eight where the person is; other wishes do not move it."""

    def move(zone: str) -> str:
        """Let the person move; return when the digest is due, as their clock says."""
        with world.rows():
            user = db.session.get_one(User, ana)
            user.timezone = zone
            digests.zone_changed(user)
            db.session.commit()
            settings = db.session.get_one(notice.NoticeSettings, ana, populate_existing=True)
            assert settings.digest_at is not None
            return f"{settings.digest_at.astimezone(user.zone):%Y-%m-%d %H:%M}"

    with world.rows():
        user = db.session.get_one(User, ana)
        digests.zone_changed(user)  # nobody has said anything: nothing is due
        assert db.session.get(notice.NoticeSettings, ana) is None
        notices.settings.change(user, {"digest": {"mail": True}})
    monday = move("UTC")
    assert monday.endswith("08:00")
    far = ["Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"]
    assert [move(zone) for zone in far] == [monday] * len(far)
    with world.rows():  # a Monday that came sooner by moving east is due at once
        passed = digests.next_after(utcnow() - digests.WEEK, ZoneInfo("Asia/Tokyo"))
        settings = db.session.get_one(notice.NoticeSettings, ana)
        settings.digest_at = passed + timedelta(hours=16)
        db.session.commit()
    assert move("Asia/Tokyo") == f"{passed:%Y-%m-%d %H:%M}"
    with world.rows():
        notices.settings.change(db.session.get_one(User, ana), {"held": {"mail": True}})
        assert digests.store_due() == 1
        assert digests.store_due() == 0
    assert move("America/Los_Angeles") == f"{passed + digests.WEEK:%Y-%m-%d %H:%M}"


def test_an_access_that_ends(world: World, ana: int) -> None:
    """It is said at once; when it has ended, once more; connected again, silence."""
    (account_id,) = world.accounts_of(ana)
    soon = utcnow() + timedelta(minutes=30)
    with world.rows():
        account = db.session.get_one(Account, account_id)
        account.access_ends_at = soon
        db.session.commit()
    early = world.tweet_later(ana, "Before", "in 10 minutes")
    look(world)
    assert told(world) == {}
    jobs = [world.tweet_later(ana, f"After {n}", "in one hour") for n in range(2)]
    for _ in range(2):
        look(world)
    assert told(world) == {("access_ending", None): 1}
    _end_access(world, account_id)
    for _ in range(2):
        look(world)
    assert told(world) == {("access_ending", None): 1, ("access_ended", None): 1}
    with world.rows():  # the first one comes due: that was told
        these = db.update(Delivery).where(Delivery.id == early)
        db.session.execute(these.values(due_at=utcnow() - timedelta(seconds=1)))
        db.session.commit()
    look(world)
    assert told(world)[("access_ended", None)] == 1
    assert not any(kind == "held" for kind, _job in told(world))
    world.connect(ana, "x", "ana")
    look(world)
    assert sum(told(world).values()) == 2
    _end_access(world, account_id)
    look(world)
    assert told(world)[("access_ended", None)] == 1
    assert told(world)[("held", early)] == 1  # a new access, told by the tweet that was due
    assert set(world.states(jobs).values()) == {State.HELD}


def test_an_access_of_which_nobody_knew_when_it_ends(world: World) -> None:
    """Facebook is asked, X has said it long ago: both owners are warned; it is asked once a day."""
    on = world.sandbox.on("facebook")
    on.settings(data_access_seconds=1800)
    ana, ben = world.user("ana", "facebook"), world.user("ben")
    with world.rows():
        known = db.select(Account).where(Account.user_id.in_([ana, ben])).order_by(Account.id)
        page, old = db.session.scalars(known)
        assert (page.access_ends_at, page.access_end_asked_at) == (None, None)
        assert old.access_end_asked_at  # nothing would be asked of X
        ends = utcnow().timestamp() + 1800
        old.credentials = {"access_token": "a", "expires_at": ends}
        old.access_end_asked_at = old.access_ends_at = None
        db.session.commit()
    jobs = {user: world.tweet_later(user, "Later", "in one hour") for user in (ana, ben)}
    _find_out(world)
    assert told(world) == {}
    look(world)
    assert told(world) == {("access_ending", None): 2}
    on.settings(data_access_seconds=7200)
    _find_out(world)
    assert _ends_in(world, ana) < 1900
    with world.rows():
        db.session.execute(
            db.update(Account).values(access_end_asked_at=utcnow() - timedelta(days=2))
        )
        db.session.commit()
    _find_out(world)
    assert _ends_in(world, ana) > 7000  # its owner has used the app since
    assert _ends_in(world, ben) < 1900
    assert set(world.states(list(jobs.values())).values()) == {State.SCHEDULED}


def _find_out(world: World) -> None:
    with world.rows():
        for account_id in access_ends.outdated():
            access_ends.find_out([account_id])


def _ends_in(world: World, user_id: int) -> float:
    """Return the seconds until the access to somebody's account ends."""
    with world.rows():
        mine = db.select(Account.access_ends_at).where(Account.user_id == user_id)
        return (db.session.scalars(mine).one() - utcnow()).total_seconds()


def _end_access(world: World, account_id: int) -> None:
    """Let the network have refused the account a while ago."""
    with world.rows():
        account = db.session.get_one(Account, account_id)
        assert holds.hold_account(account_id, account.credentials_version, "revoked")
        db.session.commit()
        earlier = {"last_error_at": utcnow() - SLACK}
        db.session.execute(db.update(Account).where(Account.id == account_id).values(earlier))
        db.session.commit()


def test_held_by_an_ended_access(world: World, ana: int) -> None:
    """What was due is told of itself, each once, and nothing of the rest."""
    (account_id,) = world.accounts_of(ana)
    due, rest = (world.tweet_later(ana, f"Words {n}", "in one hour") for n in range(2))
    with world.rows():
        these = db.update(Delivery).where(Delivery.id == due)
        db.session.execute(these.values(due_at=utcnow() - timedelta(seconds=1)))
        db.session.commit()
    _end_access(world, account_id)
    for _ in range(2):
        look(world)
    assert told(world) == {("held", due): 1}
    assert world.states([rest])[rest] == State.HELD


def test_a_check_before_it_is_due(world: World, ana: int) -> None:
    """One read, two hours before, at most one an hour; a dead access is told once."""
    (account_id,) = world.accounts_of(ana)
    jobs = [world.tweet_later(ana, f"Words {n}", "in 119 minutes") for n in range(3)]
    _checked_long_ago(world, account_id)
    for _ in range(2):
        look(world, "access-checks")
    assert world.sandbox.calls("me") == 1
    look(world)
    assert told(world) == {}
    world.sandbox.control("revoke", handle="ana")
    look(world, "access-checks")
    assert set(world.states(jobs).values()) == {State.SCHEDULED}  # asked within the hour
    _checked_long_ago(world, account_id)
    look(world, "access-checks")
    assert set(world.states(jobs).values()) == {State.HELD}
    with world.rows():
        account = db.session.get_one(Account, account_id)
        assert account.health == Health.RECONNECT
        account.last_error_at = utcnow() - SLACK
        db.session.commit()
    for _ in range(2):
        look(world)
    assert told(world) == {("access_ended", None): 1}


def test_a_check_that_nobody_ran_for(world: World, ana: int) -> None:
    """Made as soon as somebody does; what was written after its time has none."""
    (account_id,) = world.accounts_of(ana)
    job = world.tweet_later(ana, "Words", "in 100 minutes")
    _checked_long_ago(world, account_id)
    look(world, "access-checks")
    assert world.sandbox.calls("me") == 0
    with world.rows():
        db.session.get_one(Delivery, job).created_at = utcnow() - timedelta(days=1)
        db.session.commit()
    for _ in range(2):
        look(world, "access-checks")
    assert world.sandbox.calls("me") == 1


def _checked_long_ago(world: World, account_id: int) -> None:
    with world.rows():
        account = db.session.get_one(Account, account_id)
        account.access_checked_at = utcnow() - timedelta(days=1)
        db.session.commit()


def test_other_ways_are_told_once_for_each_cause(world: World, ana: int) -> None:
    """In a browser, say: the first in full and how many more, in the person's language."""
    with world.rows():
        db.session.get_one(User, ana).locale = "es"
        target = PushTarget(user_id=ana, way="browser", fingerprint="f", address={})
        target.created_at = from_now()
        db.session.add(target)
        db.session.commit()
    jobs = failed(world, ana, 3)
    for _ in range(2):
        look(world)
    with world.rows():
        (message,) = db.session.scalars(db.select(PushMessage))
        assert message.content["path"].endswith(f"?job_id={jobs[0]}")
        assert "«Words 0»" in message.content["text"]
        assert message.content["text"].endswith("Y 2 más.")
