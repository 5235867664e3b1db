"""What owners of tweets do, and are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import connections
from app.db import db, rollback_quietly
from app.delivery import pauses
from app.models import Account, Delivery, Tweet, User, pause
from app.models.tweet import AlreadyBeingSent
from app.networks.base import Profile
from app.states import State
from tests.model.ground import Ground
from tests.model.interruptions import Interruption, Kind
from tests.model.ledger import Ledger, Promised
from tests.model.luck import Luck

PEOPLE = ("ana", "ben")
THEN = (pause.Then.SEND, pause.Then.SHIFT, pause.Then.UNDO)
MAX_TWEETS = 8


class Owners(RuleBasedStateMachine):
    """The half of the machine outside of the workers; ``ground`` is shared by all examples."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.ground = ground
        self.ledger = Ledger(ground)
        self.messages: list[list[str]] = []
        self.users: list[int] = []

    @initialize(skew=st.sampled_from([0, -1, 1]), duplicates=st.booleans())
    def begin(self, skew: float, duplicates: bool) -> None:
        """Two people, and a network whose clock may differ."""
        self.ground.clear(skew, duplicates)
        self.users = [self.connect(name) for name in PEOPLE]

    def write(self, luck: Luck) -> None:
        """Somebody writes one tweet or three; sometimes one that they wrote already."""
        for number in range(3 if luck.other % 2 else 1):
            if len(self.ledger.jobs) < MAX_TWEETS:
                wait = 5 if luck.skip == 0 else 0
                self._write(luck.who % 2, wait, twin=number == 0 and luck.other == 7)

    def _write(self, who: int, wait: float, twin: bool) -> None:
        known = list(self.ledger.jobs.values())
        twin = twin and bool(known)
        text = known[-1].text if twin else f"tweet {len(known)}"

        def store() -> None:
            at = self.ground.time.now() + timedelta(seconds=wait)
            job_id = db.session.get_one(User, self.users[who]).tweet_later(text, at)
            tweet_id = db.session.get_one(Delivery, job_id).tweet_id
            self.ledger.jobs[job_id] = Promised(tweet_id, text, twin=twin)
            if twin:
                known[-1].twin = True
            self.messages.append([job_id])

        self.ground.do(store)

    def change(self, luck: Luck) -> None:
        """An owner changes a tweet, and may never hear whether that was done."""
        harmless = luck.kind in {None, Kind.MEANWHILE}
        interruption = None if harmless else Interruption(luck.kind or Kind.CRASH, luck.skip)
        if self.ledger.jobs:
            self.change_one(luck.which, luck.verb, interruption)

    def change_one(self, index: int, verb: str, interruption: Interruption | None = None) -> None:
        """Change a tweet, and compare what its owner was told with what was done."""
        job_id = list(self.ledger.jobs)[index % len(self.ledger.jobs)]
        job = self.ledger.jobs[job_id]
        before, posts = self.ledger.rows()[job_id], self.ledger.posts()[job_id]
        new_text = f"{job.text}, edited"
        said = self.ground.do(lambda: self._ask(verb, job.tweet_id, new_text), interruption)
        after = self.ledger.rows()[job_id]
        if said == "too late":
            assert after == before, f"refused, and changed all the same: {before} {after}"
        if said == "ok":
            self.ground.saw(f"{verb} from {before['state']}")
        if verb == "edit":
            expected = {"ok": {new_text}, "too late": {job.text}}
            assert after["text"] in expected.get(str(said), {new_text, job.text})
            job.text = after["text"]
        moved = (State(before["state"]), State(after["state"]))
        job.sent_again += moved == (State.REVIEW, State.SCHEDULED)
        job.confirmed |= moved == (State.REVIEW, State.PUBLISHED)
        if moved[1] == State.CANCELLED and moved[0] in {State.SCHEDULED, State.HELD}:
            job.posts_when_cancelled = len(posts)

    def _ask(self, verb: str, tweet_id: int, new_text: str) -> str:
        try:
            self._wish(verb, db.session.get_one(Tweet, tweet_id), new_text)
        except AlreadyBeingSent:
            return "too late"
        except SQLAlchemyError:
            rollback_quietly()
            return "unclear"
        return "ok"

    def _wish(self, verb: str, tweet: Tweet, new_text: str) -> None:
        asked: dict[str, Callable[[], Any]] = {
            "edit": lambda: tweet.edit(new_text),
            "move": lambda: tweet.reschedule(self.ground.time.now() + timedelta(seconds=3)),
            "cancel": tweet.cancel,
            "retry": tweet.retry,
            "confirm": tweet.confirm,
        }
        asked[verb]()

    def lose_access(self, luck: Luck) -> None:
        """An account's tokens are over; or its owner connects it again."""
        name = PEOPLE[luck.who % 2]
        if luck.silence:
            self.connect(name)
        else:
            self.ground.network.end_access(name)

    def pause(self, luck: Luck) -> None:
        """Operators pause everything, or somebody's account."""
        self.ground.saw("a pause begins")
        user = self.users[luck.who % 2]
        scope, value = pause.Scope.ALL, ""
        if not luck.silence:
            scope, value = pause.Scope.ACCOUNT, str(self._account_of(user))
        self.ground.do(lambda: self._unless_away(partial(pauses.store, scope, value, user)))

    def _account_of(self, user: int) -> int:
        with self.ground.rows() as session:
            newest = db.select(db.func.max(Account.id)).where(Account.user_id == user)
            return int(session.scalar(newest))

    def resume_first(self, luck: Luck) -> None:
        """Operators resume what they paused first."""
        for pause_id in self.ledger.lasting_pauses()[:1]:
            self.ground.saw("a pause ends")
            harmless = luck.kind in {None, Kind.MEANWHILE}
            interruption = None if harmless else Interruption(luck.kind or Kind.CRASH, luck.skip)
            self.resume(pause_id, THEN[luck.which % len(THEN)], interruption)

    def resume(
        self, pause_id: int, then: pause.Then, interruption: Interruption | None = None
    ) -> None:
        """End a pause; perhaps nobody hears whether that was done."""

        def end() -> None:
            pauses.end(pause_id, then)
            db.session.commit()
            while pauses.settle():
                pass

        self.ground.do(lambda: self._unless_away(end), interruption)

    def _unless_away(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except SQLAlchemyError:
            rollback_quietly()

    def connect(self, name: str) -> int:
        """Connect an account, or connect it again; return its user's id."""
        credentials = self.ground.network.token_for(name)
        user: int | None = self.ground.do(
            lambda: connections.by_token("x", Profile(name, name), credentials).user_id
        )
        assert user is not None
        return user
