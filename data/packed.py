"""The bytes of a file, unpacked: gzip, bzip2, xz, Zstandard, or the one file of a zip archive."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Bytes above which a file is refused: unread, if it is not packed.
SIZE_CAP = 2**30

#: How a packed file begins, whatever it is called.
PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # one without a file
}

#: How files begin that are no text, and what to do about them.
NO_TEXT = {
    b"PAR1": "Parquet: let its name end in .parquet",
    b"\xd0\xcf\x11\xe0": "an Excel workbook: let its name end in .xls",
    b"%PDF": "a PDF: export the table as CSV",
    b"SQLite format 3": "an SQLite database: `sql` and `query` read it",
    b"$FL": "an SPSS file: export it as CSV",
    b"<stata": "a Stata file: export it as CSV",
    b"RDX": "an R data file: write it with write.csv",
    b"ARROW1": "a Feather file: write it as Parquet",
    b"\x00" * 12: "a SAS file, or empty space: export it as CSV",
}

#: How files begin that are called workbooks and are none.
NO_WORKBOOK = {
    b"<": "a web page, or XML: save it as .xlsx, or as CSV",
    b"ID;": "a SYLK file: save it as .xlsx, or as CSV",
}

#: What archives hold beside what was put into them.
HIDDEN = re.compile(r"(^|/)(__MACOSX/|\.[^/]*$|Thumbs\.db$|desktop\.ini$)")

#: What unpacking makes of damaged files, and of those that are locked with a password.
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile)


class _Capped(io.RawIOBase):
    """Bytes of which there may only be so many: a small packed file can hold any number."""

    def __init__(self, file: IO[bytes], path: Path, cap: int) -> None:
        self._file, self._path, self._cap, self._left = file, path, cap, cap

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            found = self._file.read(len(buffer))
        except DAMAGED as error:
            raise DataError(f"the packed file is damaged: {error}", file=self._path) from None
        self._left -= len(found)
        if self._left < 0:
            raise DataError(
                f"unpacked, the file has more bytes than the limit of {self._cap:,}",
                file=self._path,
            )
        buffer[: len(found)] = found
        return len(found)


def check_file(path: Path, cap: int = SIZE_CAP) -> None:
    """Refuse a path that is no file, or too large a file to be read into memory."""
    try:
        if not path.is_file():
            raise DataError("there is no such file", file=path)
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from None
    if size > cap:
        raise DataError(f"the file has {size:,} bytes, the limit is {cap:,}", file=path)


def unreadable(path: Path, error: OSError) -> DataError:
    """Say that the operating system does not let a file be read."""
    return DataError(f"the file can't be read: {error.strerror or error}", file=path)


@contextmanager
def unpacked(path: Path, cap: int = SIZE_CAP) -> Iterator[io.BufferedReader]:
    """Lend the bytes of a file."""
    check_file(path, cap)
    with ExitStack() as stack:
        try:
            file: Any = stack.enter_context(path.open("rb"))
            for packed in (False, True):
                start = file.peek(16)[:16]
                for magic, what in NO_TEXT.items():
                    if start.startswith(magic):
                        raise DataError(f"this is no CSV file but {what}", file=path)
                kind = next((PACKED[magic] for magic in PACKED if start.startswith(magic)), None)
                if kind is None:
                    break
                if packed:
                    raise DataError(
                        f"what is packed in it is packed again ({kind}): unpack it once", file=path
                    )
                opened = stack.enter_context(_unpack(file, kind, path))
                capped = cast(Any, _Capped(opened, path, cap))
                file = stack.enter_context(io.BufferedReader(capped, 2**20))
            yield file
        except (*DAMAGED, RuntimeError) as error:  # the latter by a zip that has a password
            raise DataError(f"the packed file can't be read: {error}", file=path) from None
        except OSError as error:
            raise unreadable(path, error) from None


def check_workbook(path: Path) -> None:
    """Refuse a file that is called a workbook and is text."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise unreadable(path, error) from None
    for begin, what in NO_WORKBOOK.items():
        if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(begin):
            raise DataError(f"this is no workbook but {what}", file=path)
    if start and b"\0" not in start and not start.startswith((b"PK", b"\xd0\xcf")):
        raise DataError("this is no workbook but text: let its name end in .csv", file=path)


def _unpack(file: IO[bytes], kind: str, path: Path) -> Any:
    if kind == "zip":
        archive = zipfile.ZipFile(file)
        names = [n for n in archive.namelist() if not (n.endswith("/") or HIDDEN.search(n))]
        if {"[Content_Types].xml", "mimetype"} & {*names}:
            raise DataError(
                "this is a workbook: let its name end in .xlsx, or .ods if it is one", file=path
            )
        if len(names) != 1:
            raise DataError(
                f"the archive has {len(names)} files, not one: unpack it ({', '.join(names[:5])})",
                file=path,
            )
        return archive.open(names[0])
    if kind == "zstd":
        try:
            import zstandard
        except ImportError:
            raise DataError(
                "to read .zst, install zstandard: pip install 'fedredis[zst]'", file=path
            ) from None
        return zstandard.open(cast(Any, file), "rb")
    opened = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}[kind]
    return cast(Any, opened)(file, "rb")
