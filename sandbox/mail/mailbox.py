"""The mails that were given to the server, until it stops."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

MAX_MAILS = 50_000


@dataclass(frozen=True)
class Mail:
    """One mail as its reader sees it. ``sender`` and ``to`` are those of the envelope."""

    number: int
    sender: str
    to: str
    message_id: str
    subject: str
    headers: dict[str, str]
    text: str
    html: str

    def as_json(self) -> dict[str, Any]:
        """The mail as the control API shows it."""
        told = {"from": self.sender, **vars(self)}
        del told["number"], told["sender"]
        return told


class Mailbox:
    """Everybody's mails, the latest last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mails: deque[Mail] = deque(maxlen=MAX_MAILS)
        self._count = 0

    def put(self, sender: str, to: Sequence[str], content: bytes) -> None:
        """Keep a mail, once for each recipient."""
        message = message_from_bytes(content, policy=policy.default)
        with self._lock:
            for one in to:
                self._count += 1
                self._mails.append(_read(message, self._count, sender, one))

    def mails(self) -> list[Mail]:
        """Return what is kept, in the order in which it came."""
        with self._lock:
            return list(self._mails)

    def find(self, number: int) -> Mail | None:
        """Return one mail."""
        return next((mail for mail in self.mails() if mail.number == number), None)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._mails.clear()


def _read(message: EmailMessage, number: int, sender: str, to: str) -> Mail:
    return Mail(
        number=number,
        sender=sender,
        to=to,
        message_id=str(message["Message-ID"] or ""),
        subject=str(message["Subject"] or ""),
        headers={name: str(value) for name, value in message.items()},
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return "" if part is None else str(part.get_content())
