"""The SMTP server, by aiosmtpd, with faults of the operation ``mail``.

``slow``, ``refuse`` and ``drop`` come before it has the mail, ``accept_then_drop`` after.
"""

import asyncio
import threading
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.faults import Fault, FaultBoard
from sandbox.mail.mailbox import Mailbox

OPERATION = "mail"
REFUSED = 451
"""What ``refuse`` answers unless it says another status."""
ACCEPTED = "250 OK"


class MailServer:
    """The server's own thread, from ``start`` to ``stop``."""

    def __init__(self, host: str, port: int, mailbox: Mailbox, faults: FaultBoard) -> None:
        """Listen there, port 0 takes a free one; keep mails, and go wrong as these say.

        Raises OSError when the port is taken.
        """
        handler = _Handler(mailbox, faults)
        self._loop = asyncio.new_event_loop()
        listening = self._loop.create_server(
            lambda: SMTP(handler, loop=self._loop, hostname="sandbox"), host, port
        )
        self._server = self._loop.run_until_complete(listening)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End all conversations."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join()
        self._loop.close()

    def _end(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)


class _Handler:
    """What aiosmtpd asks at each step of a conversation."""

    def __init__(self, mailbox: Mailbox, faults: FaultBoard) -> None:
        self._mailbox = mailbox
        self._faults = faults

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or let it go wrong."""
        fault = self._faults.take(OPERATION, address, "before")
        if fault is not None:
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "drop":
                _break_line(server)
            else:
                return _refusal(fault)
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the mail, and say so unless a fault keeps it secret."""
        content = envelope.original_content or b""
        self._mailbox.put(envelope.mail_from or "", envelope.rcpt_tos, content)
        for address in envelope.rcpt_tos:
            if self._faults.take(OPERATION, address, "after") is not None:
                _break_line(server)
        return ACCEPTED


def _refusal(fault: Fault) -> str:
    return f"{fault.status or REFUSED} the sandbox was told to refuse this"


def _break_line(server: SMTP) -> None:
    """End the connection without another word."""
    transport: Any = server.transport
    transport.abort()
    raise ConnectionResetError
