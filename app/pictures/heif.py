"""Reads HEIF in a separate process, because malicious bytes can crash its decoder.

Run as a program, it reads the file from standard input and writes one line of JSON, then the
profile and the pixels.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys

from PIL import Image

SECONDS = 20.0
"""Seconds for one picture; a picture of 50 megapixels takes two."""


def read_heif(data: bytes) -> Image.Image:
    """Return the picture of a HEIF file, upright, with its colour profile.

    :raises OSError: it cannot be read, or it crashed the decoder.
    """
    command = [sys.executable, "-I", __file__]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, check=True)
    except subprocess.SubprocessError as error:
        raise OSError("the HEIF cannot be read") from error
    end = done.stdout.index(b"\n") + 1
    about = json.loads(done.stdout[:end])
    pixels = memoryview(done.stdout)[end + about["profile"] :]
    image = Image.frombytes(about["mode"], tuple(about["size"]), pixels)
    if about["profile"]:
        image.info["icc_profile"] = done.stdout[end : end + about["profile"]]
    return image


def _main() -> None:
    import pi_heif

    pi_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    Image.MAX_IMAGE_PIXELS = 50_000_000
    with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=["HEIF"]) as image:
        profile = image.info.get("icc_profile") or b""
        about = {"mode": image.mode, "size": image.size, "profile": len(profile)}
        sys.stdout.buffer.write(json.dumps(about).encode() + b"\n" + profile + image.tobytes())


if __name__ == "__main__":
    _main()
