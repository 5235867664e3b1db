"""Real picture files, good and bad, made on the spot."""

from __future__ import annotations

import base64
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


def repeated_gif(times: int, image: Image.Image | None = None) -> bytes:
    """Return a GIF whose frames all draw the same; Pillow itself would write but one of them."""
    single = file_of((image or colourful(60, 60)).quantize(16), "GIF")
    begin = 13 + 3 * 2 ** ((single[10] & 7) + 1)
    return single[:begin] + single[begin:-1] * times + b";"


def gif_with_empty_frames(count: int) -> bytes:
    """Return a GIF of further frames that change nothing: one pixel that shines through."""
    nothing = b"\x21\xf9\x04\x01\x0a\0\0\0\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0)
    return repeated_gif(1)[:-1] + (nothing + b"\x02\x02\x44\x01\0") * count + b";"


def png_of(depth: int, kind: int, width: int, line: bytes, hole: bytes = b"") -> bytes:
    """Return a PNG of two equal lines.

    :param kind: 0 grey, 2 colours, 4 grey and how solid, 6 colours and how solid.
    :param hole: the colour that shines through.
    """
    header = struct.pack(">IIBBBBB", width, 2, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress((b"\0" + line) * 2)), (b"IEND", b"")]
    if hole:
        chunks.insert(1, (b"tRNS", hole))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def jpeg_claiming(width: int, height: int, sampling: int = 0, **options: Any) -> bytes:
    """Return a JPEG of few pixels whose header claims more.

    :param sampling: 0 for 4:4:4, 2 for 4:2:0.
    """
    data = file_of(colourful(), subsampling=sampling, **options)
    mark = b"\xff\xc2" if options.get("progressive") else b"\xff\xc0"
    at = data.index(mark) + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def display_p3() -> bytes:
    """Return the colour profile that phones give their photos, as small as can be."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def place(*xyz: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(number(value) for value in xyz)

    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, 0x0233, 0)
    tags = {
        b"wtpt": place(0.9642, 1, 0.8249),
        b"rXYZ": place(0.51512, 0.2412, -0.00105),
        b"gXYZ": place(0.29198, 0.69225, 0.04189),
        b"bXYZ": place(0.1571, 0.06657, 0.78407),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    at, table, body = 132 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(value))
        body += value
    white = number(0.9642) + number(1) + number(0.8249)
    head = struct.pack(
        ">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ "
    )
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + white
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def heic() -> bytes:
    """Return a photo of 64 by 48 pixels as an iPhone makes it, turned by a quarter."""
    return base64.b64decode(HEIC)


HEIC = """
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAA
AAAAADRpbG9jAAAAAERAAAIAAQAAAAAB7AABAAAAAAAAAFwAAgAAAAACSAABAAAAAAAAAD4AAAA4aWluZgAAAAAAAgAAABVp
bmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABB2lwcnAAAADmaXBjbwAAAHZo
dmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAA
AwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAA
AAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90
AwAAABlpcG1hAAAAAAAAAAEAAQaBAgMFhIYAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAKJtZGF0AAAAWCgBr1jm/aXM
GsJ6inlErIybgaRnkijDxBVU2ho7qhk+kP2ReKN8B+o/pe3KePN4OCUIKovJmKUWe6FXTXFk/Ysehhn5ZH698tnxxKbxvVJx
meeGuPzmWcAAAAAGRXhpZgAATU0AKgAAAAgAAgEPAAIAAAAOAAAAJgESAAMAAAABAAYAAAAAAABTZWNyZXQgQ2FtZXJhAA==
"""
