"""CSV as blocking steps: read a table strictly, write one from spooled records.

Dialect: RFC 4180 with the csv module's own defaults, CRLF between rows included: with a bare LF Python < 3.13 leaves a
lone carriage return unquoted, and its own reader then breaks the row there. An existing table keeps its bytes, its line
ends and its columns; new columns are added at the right. Memory is bounded by one row.

No file is renamed or removed here.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias, cast

import msgspec

from scraper.errors import SinkError
from scraper.sinks.formulas import Formulas, escaped, unescaped

__all__ = ["Row", "check_table", "read_rows", "write_table"]

CRLF = b"\r\n"
BOM = b"\xef\xbb\xbf"
MAX_ROW = 1 << 28  # bytes; a longer row is a quote that never ends
CURE = "Repair it or move it away, or choose another output"
# RFC 4180, section 2, as bytes: UTF-8 has no comma, quote or line end inside a character. Possessive: no backtracking.
QUOTED = rb'"(?:[^"]++|"")*+"'
CELL = rb"(?:" + QUOTED + rb'|[^",\r\n]*+)'
QUOTED_CELL = re.compile(QUOTED)
WHOLE_ROW = re.compile(CELL + rb"(?:," + CELL + rb")*+")
LOOKS_LIKE_DATA = re.compile(r"https?://.*|[+-]?\d*[.]\d+", re.IGNORECASE | re.DOTALL)

_SPELL: dict[Formulas, Callable[[str], str]] = {"keep": str, "escape": escaped}
_READ: dict[Formulas, Callable[[str], str]] = {"keep": str, "escape": unescaped}

Cells: TypeAlias = dict[str, msgspec.Raw]
_decode_record = msgspec.json.Decoder(Cells).decode
_decode_text = msgspec.json.Decoder(str).decode


class Row(NamedTuple):
    """One row of an existing table, as its bytes."""

    line: int  # 1-based, where it begins
    body: bytes
    end: bytes  # CRLF, LF, or nothing at the end of the file


class Header(msgspec.Struct, frozen=True):
    """The first row of an existing table."""

    names: tuple[str, ...]
    body: bytes  # with the byte order mark, if there is one
    end: bytes = CRLF


def read_rows(path: str, *, compress: bool) -> Iterator[Row]:
    """Yield the rows of the table at `path`; raise SinkError when it is not whole."""
    try:
        with cast("BinaryIO", gzip.open(path, "rb")) if compress else Path(path).open("rb") as file:
            yield from _split(file, path)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SinkError(f"cannot append to {path}: it is not a whole gzip file ({error}). {CURE}") from error


def check_table(path: str, *, compress: bool, fields: Sequence[str] | None, formulas: Formulas = "keep") -> None:
    """Read the table at `path`; raise SinkError, naming line and cure, when rows cannot be added to it."""
    rows = read_rows(path, compress=compress)
    header = _read_header(rows, path, _READ[formulas])
    if header is not None:
        _check_familiar(header, fields, path)
        for row in rows:
            _check_row(row, header, path)


def write_table(
    out: BinaryIO,
    spool: str,
    *,
    fields: Sequence[str] | None,
    existing: Iterator[Row],
    origin: str,
    formulas: Formulas = "keep",
) -> None:
    """Write the rows of `existing`, which come from the file `origin`, then the spooled records, as one table.

    The columns are the existing ones, then `fields`, or the records' own in order of first appearance. With `formulas`
    escaped, no new cell and no new column's name begins like a formula; existing rows keep their bytes.
    """
    spell = _SPELL[formulas]
    header = _read_header(existing, origin, _READ[formulas]) or Header((), b"")
    names = _columns(spool, header.names, fields)
    if not names:
        return
    added = names[len(header.names) :]
    separator = b"," if header.names and added else b""
    columns = _encode_row(map(spell, added)) if added else b""
    if not header.names and columns.startswith(BOM):  # of a name; bare, every reader would take it for the file's own
        columns = _in_quotes(columns, added[0])
    out.write(header.body + separator + columns + header.end)
    for row in existing:
        _check_row(row, header, origin)
        out.write(row.body + (b"," * len(added) if row.body else b"") + (row.end or header.end))
    writer = csv.writer(_Encoded(out, header.end))
    for record in _records(spool):
        writer.writerow([spell(_cell(record.get(name))) for name in names])


class _Encoded:
    """Where the csv module writes its rows: as UTF-8, with the table's own line end for the module's CRLF."""

    def __init__(self, out: BinaryIO, end: bytes) -> None:
        self._out = out
        self._end = end

    def write(self, row: str) -> None:
        self._out.write(row[: -len(CRLF)].encode() + self._end)


def _encode_row(cells: Iterable[str]) -> bytes:
    out = io.BytesIO()
    csv.writer(_Encoded(out, b"")).writerow(cells)
    return out.getvalue()


def _in_quotes(row: bytes, first: str) -> bytes:
    """Return a row whose first cell has no quotes with quotes around it."""
    cell = first.encode()
    return b'"' + cell + b'"' + row[len(cell) :]


def _columns(spool: str, known: Sequence[str], fields: Sequence[str] | None) -> list[str]:
    names = dict.fromkeys(known)
    if fields is not None:
        return list(names | dict.fromkeys(fields))
    for record in _records(spool):
        if not record.keys() <= names.keys():
            names.update(dict.fromkeys(record))
    return list(names)


def _records(spool: str) -> Iterator[Cells]:
    with Path(spool).open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield _decode_record(line)
            except msgspec.DecodeError as error:
                cause = f"{spool}:{number}: not a record ({error}): something else has changed it"
                raise SinkError(f"{cause}. Begin again with --fresh") from error


def _cell(value: msgspec.Raw | None) -> str:
    """Return text as it is, null as nothing, and every other value as its JSON, so that numbers stay exact."""
    if value is None:
        return ""
    data = bytes(value)
    if data.startswith(b'"'):
        return _decode_text(data)
    return "" if data == b"null" else data.decode()


def _split(lines: Iterable[bytes], path: str) -> Iterator[Row]:
    """Join the lines of a row: a line end inside quotes, so with an odd number of them before it, is data."""
    first, parts, size, quoted = 1, list[bytes](), 0, False
    for number, line in enumerate(lines, 1):
        parts.append(line)
        size += len(line)
        quoted ^= line.count(b'"') % 2 == 1
        if size > MAX_ROW:
            break
        if not quoted:
            row = b"".join(parts)
            body = row.removesuffix(b"\n").removesuffix(b"\r") if row.endswith(b"\n") else row
            yield Row(first, body, row[len(body) :])
            first, parts, size = number + 1, [], 0
    if parts:
        raise _broken(path, first, "a quoted cell does not end")


def _read_header(rows: Iterator[Row], path: str, read: Callable[[str], str]) -> Header | None:
    """Take the first row; return None when the file is empty. `read` undoes the spelling of names."""
    row = next(rows, None)
    if row is None:
        return None
    plain = row._replace(body=row.body.removeprefix(BOM))
    if not plain.body:
        raise _broken(path, row.line, "the first line is empty where the names of the columns should be")
    text = _check_syntax(plain, path)
    try:
        names = list(map(read, next(csv.reader([text], strict=True))))
    except csv.Error as error:
        raise _broken(path, row.line, str(error)) from error
    twice = next((name for n, name in enumerate(names) if name in names[:n]), None)
    if twice is not None:
        raise _broken(path, row.line, f"{twice!r} stands twice where the names of the columns should be")
    return Header(tuple(names), row.body, row.end or CRLF)


def _check_familiar(header: Header, fields: Sequence[str] | None, path: str) -> None:
    """Refuse a first row that is no header of ours; with `fields`, one column in common settles it."""
    if fields is not None:
        if set(fields).isdisjoint(header.names):
            raise _broken(path, 1, f"none of the columns in `fields` is among {', '.join(header.names)}")
        return
    remedy = "If it is the right header, list the columns under `fields`"
    for name in header.names:
        if LOOKS_LIKE_DATA.fullmatch(name):
            raise _broken(path, 1, f"{name!r} looks like data where a column's name should be", remedy)
    if len(header.names) == 1 and re.search("[;\t]", header.names[0]):
        raise _broken(path, 1, "the columns are not separated by commas", remedy)


def _check_row(row: Row, header: Header, path: str) -> None:
    if not row.body:  # readers skip an empty line
        return
    _check_syntax(row, path)
    cells = QUOTED_CELL.sub(b"", row.body).count(b",") + 1
    if cells != len(header.names):
        raise _broken(path, row.line, f"the row has {cells} cells, the header {len(header.names)}")


def _check_syntax(row: Row, path: str) -> str:
    try:
        text = row.body.decode()
    except UnicodeDecodeError:
        raise _broken(path, row.line, "the row is not UTF-8") from None
    if not WHOLE_ROW.fullmatch(row.body):
        raise _broken(path, row.line, "the row's quotes or line end are not CSV (RFC 4180)")
    return text


def _broken(path: str, line: int, cause: str, remedy: str = "") -> SinkError:
    cures = f"{remedy}. {CURE}" if remedy else CURE
    return SinkError(f"cannot append to {path}:{line}: {cause}. {cures}")
