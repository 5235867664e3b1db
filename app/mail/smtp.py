"""One conversation with the mail server, by Flask-Mailman's SMTP backend.

It tells exactly how far it came: what the server has not got can be tried again without harm, what
it may have got cannot be told from what it has.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.generator import BytesGenerator
from email.utils import parseaddr
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import current_app
from flask_mailman import EmailMultiAlternatives
from flask_mailman.backends.smtp import EmailBackend

MAX_LINE = 998
"""Characters of a line, by RFC 5322."""
OK, READY_FOR_DATA, SERVICE_CLOSES = 250, 354, 421
DEFAULT_PORTS = {"smtp": smtplib.SMTP_PORT, "smtps": smtplib.SMTP_SSL_PORT}


class NotSent(Exception):
    """The server does not have the mail. ``code`` says why, without a word of the server's."""

    def __init__(self, code: str, *, permanent: bool = False, connected: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.permanent = permanent
        """Another try would be refused, too."""
        self.connected = connected
        """The server was there."""


class NoAnswer(Exception):
    """The server was given the whole mail and has not said whether it took it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Conversation(EmailBackend):  # type: ignore[misc]
    """A connection to the server of ``MAIL_URL``; several mails follow each other on it."""

    def __init__(self) -> None:
        """Read where the server is; nothing is called yet."""
        parts = urlsplit(current_app.config["MAIL_URL"])
        super().__init__(
            host=parts.hostname,
            port=parts.port or DEFAULT_PORTS[parts.scheme],
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            use_ssl=parts.scheme == "smtps",
            use_tls="tls=starttls" in parts.query,
            timeout=current_app.config["MAIL_TIMEOUT"],
            mailman=current_app.extensions["mailman"],
        )
        self.connection: Any = None
        self._ends_at = 0.0
        self._is_late = False

    def send(self, message: EmailMultiAlternatives, before_data: Callable[[], None]) -> None:
        """Give one mail to the server, within ``MAIL_TIMEOUT`` seconds.

        :param before_data: called when everything but the text is settled. What it raises ends the
            conversation, and the server has no mail.
        :raises NotSent: the server does not have the mail.
        :raises NoAnswer: it may have it.
        """
        data = self._data_of(message)
        self._ends_at = time.monotonic() + self.timeout
        try:
            with self._told():
                self.open()
            with self._in_time():
                with self._told():
                    self._introduce(message)
                before_data()
                self._give(data)
        except NotSent as problem:
            if not problem.connected:
                self.hang_up()
            raise
        except BaseException:
            self.hang_up()
            raise

    def open(self) -> None:
        """Connect, with a certificate that is trusted, and log in, unless that is done."""
        if self.connection is not None and self._is_still_open():
            return
        self._is_late = False
        known: dict[str, Any] = {"timeout": self.timeout, "local_hostname": socket.gethostname()}
        if self.use_ssl:
            known["context"] = ssl.create_default_context()
        self.connection = self.connection_class(self.host, self.port, **known)
        with self._in_time():
            if self.use_tls:
                self.connection.starttls(context=ssl.create_default_context())
            if self.username:
                self.connection.login(self.username, self.password)

    def _is_still_open(self) -> bool:
        """Return whether another mail may follow: servers end connections when they like."""
        try:
            with self._in_time():
                is_open = self.connection.rset()[0] == OK
        except (OSError, smtplib.SMTPException):
            is_open = False
        if not is_open:  # also when it takes no more mails on one connection: 421
            self.hang_up()
        return is_open

    def hang_up(self) -> None:
        """End the connection at once."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _introduce(self, message: EmailMultiAlternatives) -> None:
        """Say from whom and to whom it is, and ask whether the text may follow."""
        (to,) = message.recipients()
        self.connection.ehlo_or_helo_if_needed()
        _expect(self.connection.mail(_bare(message.from_email)), may_be_final=False)
        _expect(self.connection.rcpt(_bare(to)), may_be_final=True)
        _expect(self.connection.docmd("DATA"), may_be_final=True, wanted=READY_FOR_DATA)

    def _give(self, data: bytes) -> None:
        """Send the text and its final dot, and read what became of it."""
        try:
            self.connection.send(data)
            code, _words = self.connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise NoAnswer("timeout" if self._is_late else "connection_lost") from error
        _expect((code, b""), may_be_final=True)

    @staticmethod
    def _data_of(message: EmailMultiAlternatives) -> bytes:
        """Return the mail as it is sent: lines that begin with a dot get a second one."""
        content = BytesIO()
        # Headers in one line each: not every reader of List-Unsubscribe knows folded ones.
        whole = BytesGenerator(content, mangle_from_=False, maxheaderlen=MAX_LINE)
        whole.flatten(message.message(), linesep="\r\n")
        dotted = re.sub(rb"(?m)^\.", b"..", content.getvalue())
        return dotted + (b"" if dotted.endswith(b"\r\n") else b"\r\n") + b".\r\n"

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """End the connection in time: a server that says a word now and then never times out."""
        watch = threading.Timer(max(0.0, self._ends_at - time.monotonic()), self._cut)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _cut(self) -> None:
        self._is_late = True
        connection = self.connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raise NotSent for every way in which a server cannot be talked to."""
        try:
            yield
        except NotSent:
            raise
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(_code_of(error, self._is_late), connected=False) from error


def _expect(reply: tuple[int, bytes], *, may_be_final: bool, wanted: int = OK) -> None:
    """Raise NotSent unless the server agrees.

    :param may_be_final: whether a 5xx means this mail, and not that the site is set up wrongly.
    """
    code = reply[0]
    if code == wanted or (wanted == OK and code == 251):
        return
    closes = code == SERVICE_CLOSES
    raise NotSent(f"smtp_{code}", permanent=may_be_final and code >= 500, connected=not closes)


def _code_of(error: Exception, is_late: bool) -> str:
    """Return why a server cannot be talked to, without a word of its own."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "login_refused"
    if isinstance(error, ssl.SSLError | smtplib.SMTPNotSupportedError):
        return "tls"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"smtp_{error.smtp_code}"
    if is_late or isinstance(error, TimeoutError):
        return "timeout"
    return "connection_lost" if isinstance(error, smtplib.SMTPException) else "unreachable"


def _bare(address: str) -> str:
    """Return an address without the name before it."""
    return parseaddr(address)[1]
