"""Writing a file or a folder so that it is there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Lend a free path beside `path`; what was written there then takes the place of `path`.

    If that fails, or the block does, nothing stays. A folder can only replace an empty one.
    """
    path = path.resolve()  # '.' has no name, and a link should stay one
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield scratch
        scratch.replace(path)
    except OSError as error:
        # NumPy gives no reason when a part was written, and there is only one.
        why = error.strerror or os.strerror(errno.ENOSPC)
        raise DataError(f"can't be written: {why}", file=path) from error
    finally:
        if scratch.is_dir():
            shutil.rmtree(scratch, ignore_errors=True)
        elif scratch.exists():
            scratch.unlink()
