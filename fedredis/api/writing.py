"""Files that a caller asks for: none is replaced, and no folder made, without being asked to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.errors import DataError

if TYPE_CHECKING:
    from fedredis.api.session import PathLike


def new_file(out: PathLike, *, force: bool) -> Path:
    """Return the path of a file that is to be written; looked at before any work is done for it.

    Raises
    ------
    DataError
        If something is there already, unless that is to be replaced by `force`; if it is a
        folder, or the folder that it is to lie in is not there.
    """
    path = Path(out)
    if path.is_dir():
        raise DataError("it is a directory", file=path)
    in_directory(path)
    if path.exists() and not force:
        raise DataError("it exists already; `force` replaces it", file=path)
    return path


def in_directory(out: PathLike) -> Path:
    """Return the path of a file or folder that is to be written; its parent has to be there.

    Raises
    ------
    DataError
        If it is not.
    """
    path = Path(out)
    if not path.parent.is_dir():
        raise DataError(f"there is no directory {path.parent}; make it first", file=path)
    return path
