"""The headers of an answer as aiohttp's parser has them, made text when somebody asks.

The parser has looked at each line already and keeps a mapping of its own; most headers of most answers are never asked
for. Where that mapping is right, which is wherever a value is ASCII, it is asked; for all else the bytes are read as
the web means them.

Which headers matter must not enter.
"""

from __future__ import annotations

from typing import Any

from multidict import CIMultiDictProxy

from scraper.response import Headers

__all__ = ["CameHeaders"]


class CameHeaders(Headers):
    """The headers of one answer; what they are is no different from `Headers`."""

    __slots__ = ("_bytes", "_parsed")

    def __init__(self, parsed: CIMultiDictProxy[str], raw: tuple[tuple[bytes, bytes], ...]) -> None:
        self._parsed = parsed
        self._bytes = raw

    def __getattr__(self, name: str) -> Any:
        """Fill the fields of `Headers` when the first of them is asked for."""
        if name not in Headers.__slots__:
            raise AttributeError(name)
        super().__init__(_decoded(self._bytes))
        return getattr(self, name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Be copied and kept as plain `Headers`; aiohttp's mapping can be neither."""
        return Headers, (self.raw,)

    def __getitem__(self, name: str) -> str:
        if name not in self._parsed:
            raise KeyError(name)
        return str(self.get(name))

    def __contains__(self, name: object) -> bool:
        return name in self._parsed

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a header, or `default`."""
        values = self._parsed.getall(name, ())
        if not values:
            return default
        text = values[0] if len(values) == 1 else ", ".join(values)
        return text if text.isascii() else super().__getitem__(name)

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return each value of a header that came more than once, such as Set-Cookie."""
        return super().get_all(name) if name in self._parsed else ()


def _decoded(raw: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    """Return headers as text: UTF-8 where it is valid, else latin-1, as HTTP once said (RFC 2616, 2.2)."""
    try:
        return tuple([(name.decode("ascii"), value.decode("ascii")) for name, value in raw])
    except UnicodeDecodeError:
        return tuple([(name.decode("latin-1"), _value(name, value)) for name, value in raw])


def _value(name: bytes, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        if name.lower() == b"location":
            # Browsers keep such bytes and write them in percent form (WHATWG URL, percent-encode after encoding).
            return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in value)
        return value.decode("latin-1")
