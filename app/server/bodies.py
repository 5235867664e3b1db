"""The body of a request, as far as it has come; large ones are kept in a file."""

from __future__ import annotations

import io
from tempfile import SpooledTemporaryFile
from typing import IO

from gunicorn.asgi.parser import ParseError, PythonProtocol

IN_MEMORY = 64 * 1024
"""Bytes of a body that are kept in memory; more go to a file."""
FRAME = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
"""Brings gunicorn's parser to where chunks begin."""
SLACK = 64 * 1024
"""Bytes that the frame of a chunked body may take beyond an eighth of its content.

Very small chunks cost much time.
"""


class TooLarge(Exception):
    """The body is larger than it may be; nothing more of it is kept."""


class Unreadable(Exception):
    """What came is no HTTP."""


class Body:
    """A body that comes in pieces, of a known length or in chunks."""

    def __init__(self, length: int | None, most: int) -> None:
        """Expect a body.

        :param length: bytes, None for a chunked one.
        :param most: the most bytes of content to take.
        :raises TooLarge: it says itself that it is too large.
        """
        if length is not None and length > most:
            raise TooLarge
        self._length = length
        self._most = most
        self._raw = 0
        self._chunks = None if length is not None else self._reader()
        self.received = 0
        """Bytes of content so far."""
        self.file: IO[bytes] = io.BytesIO() if length == 0 else _kept()

    @property
    def complete(self) -> bool:
        """True when all of it is here."""
        if self._chunks is not None:
            return bool(self._chunks.is_complete)
        return self.received == self._length

    def feed(self, data: bytes) -> bytes:
        """Take what belongs to the body; return what comes behind it.

        :raises TooLarge: more came than may come.
        :raises Unreadable: its chunks are broken.
        """
        if self._chunks is None:
            assert self._length is not None
            missing = self._length - self.received
            self._keep(data[:missing])
            return data[missing:]
        try:
            self._chunks.feed(data)
        except ParseError as error:
            raise Unreadable(type(error).__name__) from error
        self._raw += len(data)
        if not self.complete and self._raw - self.received > self.received // 8 + SLACK:
            raise TooLarge
        return bytes(self._chunks.remaining())

    def close(self) -> None:
        """Forget it."""
        self.file.close()

    def _reader(self) -> PythonProtocol:
        reader = PythonProtocol(on_body=self._keep)
        reader.feed(FRAME)
        return reader

    def _keep(self, data: bytes) -> None:
        self.received += len(data)
        if self.received > self._most:
            raise TooLarge
        self.file.write(data)


def _kept() -> IO[bytes]:
    return SpooledTemporaryFile(IN_MEMORY)
