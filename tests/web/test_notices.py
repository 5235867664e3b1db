"""The bell over HTTP: what is listed, to whom, how it is read, and how people want to be told."""

from __future__ import annotations

import uuid
from zoneinfo import ZoneInfo

from app.db import db, utcnow
from app.models import Delivery, NoticeKind, User
from app.models.notice import NoticeSettings
from app.notices.rows import Happened, store
from app.states import State
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World
from tests.web.test_interests import JSON, send, signed_in, submit


def fail(world: World, handle: str, count: int) -> list[str]:
    """Let tweets of somebody have failed; return their jobs."""
    with world.rows():
        user = User.by_handle(handle)
        texts = [f"Words {number} & more" for number in range(count)]
        jobs = [user.tweet_later(text, "in one hour") for text in texts]
        failed = {"state": State.FAILED, "next_at": None, "error_code": "rejected"}
        these = db.update(Delivery).where(Delivery.id.in_(jobs))
        db.session.execute(these.values(**failed, finished_at=utcnow()))
        db.session.commit()
    return jobs


def tell(world: World, handle: str, count: int) -> list[str]:
    """Do the same where no worker runs, and let each be told in the order of writing."""
    jobs = fail(world, handle, count)
    with world.rows():
        found = [db.session.get_one(Delivery, job_id) for job_id in jobs]
        happened = [
            Happened(
                kind=NoticeKind.FAILED,
                key=f"failed:{one.id}",
                at=utcnow(),
                user_id=one.account.user_id,
                account_id=one.account_id,
                cause="rejected",
                job_id=one.id,
                tweet_id=one.tweet_id,
            )
            for one in found
        ]
        assert store(happened) == count
        assert store(happened) == 0
        db.session.commit()
    return jobs


def test_the_list(small_world: World) -> None:
    """A page at a time, in the reader's language; read by their owner alone."""
    ana, ben = signed_in(small_world, "ana"), signed_in(small_world, "ben")
    jobs = tell(small_world, "ana", 52)
    answer = ana.get("/notices", headers=JSON).get_json()
    assert len(answer["notices"]) == 50
    assert answer["unread"] == 52
    first = answer["notices"][0]
    assert first.keys() == {"id", "kind", "at", "read", "text", "job_id", "url"}
    assert (first["kind"], first["read"], first["job_id"]) == ("failed", False, jobs[-1])
    assert first["text"].startswith("“Words 51 & more” was not published by @ana on X.")
    assert first["url"].endswith(f"?job_id={jobs[-1]}")
    spanish = ana.get("/notices", headers={**JSON, "Accept-Language": "es"}).get_json()
    assert "no se ha publicado" in spanish["notices"][0]["text"]
    older = ana.get(f"/notices?before={answer['next']}", headers=JSON).get_json()
    assert [one["job_id"] for one in older["notices"]] == [jobs[1], jobs[0]]
    assert older["next"] is None
    assert ben.get("/notices", headers=JSON).get_json() == {
        "notices": [],
        "unread": 0,
        "next": None,
    }
    assert send(ben, "POST", "/notices/read", ids=[first["id"]]).get_json() == {"unread": 0}
    assert send(ana, "POST", "/notices/read", ids=[first["id"], 2**40]).get_json()["unread"] == 51
    for refused in ({"ids": ["1"]}, {"ids": 1}, {"all": True}):
        assert send(ana, "POST", "/notices/read", **refused).status_code == 422
    assert ana.get("/notices/unread", headers=JSON).get_json() == {"unread": 51}
    page = ana.get("/").text
    assert "51 unread notices" in page
    assert "Words 50 &amp; more" in page
    assert "Words 51 &amp; more" in ana.get("/notices").text
    assert send(ana, "POST", "/notices/read").get_json() == {"unread": 0}
    assert "unread notices" not in ana.get("/").text
    assert submit(ana, "/notices/read").status_code == 303
    assert ana.post("/notices/read", json={}, headers=JSON).status_code == 400


def test_settings(small_world: World) -> None:
    """As JSON what is named alone; as a form what is ticked."""
    ana = signed_in(small_world, "ana")
    usual = ana.get("/settings/notices", headers=JSON).get_json()
    kinds = {"failed", "held", "review", "access_ending", "access_ended", "published", "digest"}
    assert usual.keys() == {*kinds, "reminder"}
    assert all(one.keys() == {"mail", "bell", "push"} for one in map(usual.get, kinds))
    assert (usual["held"]["mail"], usual["published"]["mail"], usual["reminder"]) == (
        True,
        False,
        True,
    )
    changed = send(ana, "PATCH", "/settings/notices", failed={"mail": False}, reminder=False)
    wanted = {**usual, "failed": {**usual["failed"], "mail": False}, "reminder": False}
    assert changed.get_json() == wanted
    refused: tuple[dict[str, object], ...] = (
        {},
        {"failed": {}},
        {"failed": {"mail": 1}},
        {"failed": {"fax": True}},
        {"late": {}},
    )
    for body in refused:
        assert send(ana, "PATCH", "/settings/notices", **body).status_code == 422
    assert submit(ana, "/settings/notices", on="held-bell").status_code == 303
    stored = ana.get("/settings/notices", headers=JSON).get_json()
    assert [kind for kind in sorted(kinds) if stored[kind]["bell"]] == ["held"]
    assert stored["held"] == {"mail": False, "bell": True, "push": True}
    page = ana.get("/settings/notices").text
    assert 'value="held-bell" checked' in page
    assert "held-push" not in page  # nowhere to be told in this way
    submit(ana, "/settings/alert-url", url="jsons://hooks.example/secret")
    assert 'value="held-push" checked' in ana.get("/settings/notices").text
    assert submit(ana, "/settings/notices", on="held-mail").status_code == 303
    stored = ana.get("/settings/notices", headers=JSON).get_json()
    assert stored["held"] == {"mail": True, "bell": False, "push": False}


def test_the_digest_follows_the_time_zone(small_world: World) -> None:
    """It comes on Monday at eight: where the settings say, and before where the browser says."""
    ana = signed_in(small_world, "ana")

    def due_in(zone: str) -> str:
        with small_world.rows():
            row = db.session.scalars(db.select(NoticeSettings)).one()
            assert row.digest_at is not None
            return f"{row.digest_at.astimezone(ZoneInfo(zone)):%a %H:%M}"

    send(ana, "PATCH", "/settings/notices", digest={"mail": True})
    assert due_in("UTC") == "Mon 08:00"
    submit(ana, "/tweets", text="Later", when="in one hour", timezone="Asia/Tokyo")
    assert due_in("Asia/Tokyo") == "Mon 08:00"
    for zone in ("America/Los_Angeles", "Europe/Madrid"):
        saved = submit(ana, "/settings", timezone=zone, locale="en", late_tolerance_hours="1")
        assert saved.status_code == 303
        assert due_in(zone) == "Mon 08:00"


def test_a_link_leads_through_the_sign_in(running: World) -> None:
    """To the job that it names, and to nobody else's."""
    running.sandbox.mend()
    handle = f"n{uuid.uuid4().hex[:10]}"
    owner = Visitor(running.site)
    owner.sign_in(handle)
    running.sandbox.fault("refuse")
    job_id = owner.post("/tweets", text=f"No to {handle}").json()["job_id"]
    assert owner.until_final(job_id)["state"] == "failed"

    def told() -> dict[str, str] | None:
        answer = owner.get("/notices", headers=JSON).json()
        return answer["notices"][0] if answer["notices"] else None

    told_of = wait_for(told, what="a notice")
    assert told_of["job_id"] == job_id
    path = told_of["url"].partition("/tweets/")[2]
    elsewhere = Visitor(running.site)
    elsewhere.get(f"/tweets/{path}")
    page = elsewhere.sign_in(handle)
    assert page.url == f"{running.site}/tweets/{path}"
    assert "job-marked" in page.text
