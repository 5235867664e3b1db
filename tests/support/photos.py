"""Real picture files, good and bad, made on the spot."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image

GPS = 0x8825
ORIENTATION = 0x0112
UPSIDE_DOWN, QUARTER_TURN = 3, 6


def colourful(width: int = 256, height: int = 192) -> Image.Image:
    """Return a picture whose four sides can be told apart."""
    grey = Image.linear_gradient("L").resize((width, height))
    turned = Image.linear_gradient("L").rotate(90).resize((width, height))
    return Image.merge("RGB", (grey, turned, Image.new("L", (width, height), 40)))


def noisy(width: int, height: int) -> Image.Image:
    """Return a picture that hardly compresses."""
    return Image.effect_noise((width, height), 90).convert("RGB")


def file_of(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return the bytes of a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def photo_with_place(turned: int = QUARTER_TURN) -> bytes:
    """Return a JPEG as a phone makes it: turned, with place, camera, comment and hidden words."""
    exif = Image.Exif()
    exif[ORIENTATION] = turned
    exif[0x010F] = "Secret Camera"
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)})
    return file_of(colourful(), exif=exif, comment=b"Secret comment", dpi=(300, 300))


def moving(frames: int = 6, side: int = 60, kind: str = "GIF", **options: Any) -> bytes:
    """Return a picture of several frames, 70 ms, 80 ms … each."""
    seen = [colourful(side, side).rotate(30 * number) for number in range(frames)]
    times = [70 + 10 * number for number in range(frames)]
    return file_of(
        seen[0], kind, save_all=True, append_images=seen[1:], duration=times, loop=0, **options
    )


def archive() -> bytes:
    """Return a ZIP file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("evil.txt", "hidden")
    return out.getvalue()


def png_claiming(width: int, height: int, pixels: bytes = b"") -> bytes:
    """Return a PNG whose header claims a size, with whatever as its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def bomb(width: int, height: int) -> bytes:
    """Return a PNG that really has so many pixels, all black, in few bytes."""
    packer = zlib.compressobj(1)
    line = b"\0" * (1 + 3 * width)
    return png_claiming(
        width, height, b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def opened(data: bytes) -> Image.Image:
    """Decode a file in full."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def assert_near(seen: object, wanted: object, by: int = 12) -> None:
    """Hold two colours against each other; JPEG keeps them only nearly."""
    assert isinstance(seen, tuple)
    assert isinstance(wanted, tuple)
    assert all(abs(one - other) <= by for one, other in zip(seen, wanted, strict=True))
