"""The practice shop's pictures: one grey square each, as a valid baseline JPEG, written by hand.

The format's rules are those of ITU-T T.81, so any decoder shows them and no image library is needed. A picture depends
on its number alone. Nothing but bytes may enter here.
"""

from __future__ import annotations

__all__ = ["jpeg"]

SIDE = 8  # pixels: one block
GREYS = 64  # that the code below can tell apart

_START, _END = b"\xff\xd8", b"\xff\xd9"
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_QUANTISER = b"\xff\xdb\x00\x43\x00" + bytes([8] * 64)  # 8 makes a DC step one level of grey
_FRAME = b"\xff\xc0\x00\x0b\x08" + SIDE.to_bytes(2, "big") * 2 + b"\x01\x01\x11\x00"
# Two Huffman tables with a single code, "0": DC says "seven more bits follow", AC says "end of block".
_ONE_CODE = b"\x01" + bytes(15)
_DC = b"\xff\xc4\x00\x14\x00" + _ONE_CODE + b"\x07"
_AC = b"\xff\xc4\x00\x14\x10" + _ONE_CODE + b"\x00"
_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"


def jpeg(number: int) -> bytes:
    """Return a picture whose brightness depends on `number`."""
    brightness = GREYS + number % GREYS  # seven bits with the first one set: a positive DC difference
    bits = f"0{brightness:07b}0" + "1" * 7  # code, value, code, padding with ones
    return _START + _JFIF + _QUANTISER + _FRAME + _DC + _AC + _SCAN + int(bits, 2).to_bytes(2, "big") + _END
