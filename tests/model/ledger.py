"""What owners were told and what the network took, compared with the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_

from app.db import db
from app.models import Account, Attempt, Delivery, Pause, Tweet, pause
from app.states import AWAKE, FINAL, State
from tests.model.ground import Ground
from tests.model.network import Post
from tests.support.figures import ROUNDING

NOTHING_SENT = {State.SCHEDULED, State.CLAIMED, State.HELD, State.FAILED, State.CANCELLED}
"""Here the network has nothing of a tweet whose owner was never asked about it."""


@dataclass
class Promised:
    """One tweet, as its owner knows it."""

    tweet_id: int
    text: str
    asked: bool = False
    """Its owner was asked what became of it, and may have sent it again."""
    sent_again: int = 0
    twin: bool = False
    """Another tweet had the same text: look-ups cannot tell which of them a post is."""
    confirmed: bool = False
    posts_when_cancelled: int | None = None
    fence: int = 0


@dataclass
class Ledger:
    """All tweets of an example by job id, and who holds which claim."""

    ground: Ground
    jobs: dict[str, Promised] = field(default_factory=dict)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return every row, and the text of its tweet."""
        with self.ground.rows() as session:
            found = session.execute(
                db.select(Delivery.__table__, Tweet.text).join(Tweet)  # type: ignore[arg-type]
            )
            return {row["id"]: dict(row) for row in found.mappings()}

    def posts(self) -> dict[str, list[Post]]:
        """Return what the network has taken of each job."""
        with self.ground.rows() as session:
            bodies = session.execute(db.select(Attempt.delivery_id, Attempt.body)).all()
        job_of = {body["serial"]: job_id for job_id, body in bodies}
        posts: dict[str, list[Post]] = {job_id: [] for job_id in self.jobs}
        for post in self.ground.network.posts:
            assert post.serial in job_of, f"sent without a stored intent: {post}"
            posts[job_of[post.serial]].append(post)
        return posts

    def check(self) -> None:
        """Nothing is doubled, lost, early, asleep, altered or said wrongly."""
        self.ground.network.arrive()
        posts, rows = self.posts(), self.rows()
        for job_id, row in rows.items():
            if job_id in self.jobs:  # else its writer crashed before it was told the id
                self._check_one(self.jobs[job_id], row, posts[job_id])
        self._check_twins(rows, posts)

    def _check_one(self, job: Promised, row: dict[str, Any], posts: list[Post]) -> None:
        state = State(row["state"])
        job.asked |= state == State.REVIEW
        what = f"{row} {job} {posts}"
        assert job.twin or len(posts) <= 1 + job.sent_again, f"doubled: {what}"
        assert row["fence"] >= job.fence, f"an older claim has overwritten a newer: {what}"
        job.fence = row["fence"]
        assert (row["next_at"] is not None) == (state in AWAKE), f"asleep: {what}"
        assert (row["owner"] is None) == (row["lease_until"] is None), what
        assert row["text"] == job.text, f"altered: {what}"
        soonest = row["due_at"] - ROUNDING
        assert job.asked or all(post.at >= soonest for post in posts), f"early: {what}"
        if job.posts_when_cancelled is not None:
            assert len(posts) == job.posts_when_cancelled, f"sent all the same: {what}"
        if not job.asked:
            assert all(post.text == job.text for post in posts), f"another text: {what}"
        if not (job.asked or job.twin):
            assert not (posts and state in NOTHING_SENT), f"denied: {what}"
        if state == State.PUBLISHED and not (job.confirmed or job.twin):
            ids = {post.remote_id for post in posts}
            known = row["remote_id"] in ids or (row["echoed"] and row["remote_id"] is None)
            assert posts, f"lost: {what}"
            assert known, f"another's post: {what}"

    def _check_twins(self, rows: dict[str, Any], posts: dict[str, list[Post]]) -> None:
        """Among tweets of equal text, as many are published as there are posts, and no more.

        A look-up may have taken a post for the other one's, which then is sent once more: both are
        out once, and only the serial numbers, which no network shows, tell whose is whose.
        """
        twins = [job_id for job_id, job in self.jobs.items() if job.twin]
        if any(self.jobs[job_id].asked for job_id in twins):
            return
        states = [rows[job_id]["state"] for job_id in twins]
        taken = sum(len(posts[job_id]) for job_id in twins)
        on_its_way = sum(state in {State.SENDING, State.UNCONFIRMED} for state in states)
        published = states.count(State.PUBLISHED)
        assert published <= taken <= published + on_its_way, f"{states} {posts}"
        again = sum(self.jobs[job_id].sent_again for job_id in twins)
        assert taken <= len(twins) + again, f"doubled: {states} {posts}"

    def lasting_pauses(self) -> list[int]:
        """Return the ids of the pauses that last."""
        with self.ground.rows() as session:
            lasting = db.select(Pause.id).where(Pause.ended_at.is_(None)).order_by(Pause.id)
            return list(session.scalars(lasting))

    def check_pauses(self) -> None:
        """No intent was stored while a pause lasted for its account."""
        begun = (
            db.select(Attempt.delivery_id, Pause.id)
            .join(Delivery, Delivery.id == Attempt.delivery_id)
            .join(Account, Account.id == Delivery.account_id)
            .join(Pause, Pause.at < Attempt.started_at)
            .where(or_(Pause.ended_at.is_(None), Pause.ended_at > Attempt.started_at))
            .where(pause.holds_posts_of())
        )
        with self.ground.rows() as session:
            assert session.execute(begun).all() == [], "begun while it was paused"

    def check_the_end(self) -> None:
        """Everything is settled; published and taken are the same, unless the owner was asked."""
        self.check()
        posts = self.posts()
        for job_id, row in self.rows().items():
            assert row["state"] in {*FINAL, State.HELD, State.REVIEW}, f"stuck: {row}"
            job = self.jobs.get(job_id)
            if job is not None and not (job.asked or job.twin):
                published = row["state"] == State.PUBLISHED
                assert published == bool(posts[job_id]), f"{row} {posts[job_id]}"
