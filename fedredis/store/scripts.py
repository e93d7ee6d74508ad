"""The atomic sections: every Lua script of the package, ready to be called.

redis-py's `Script` sends the hash only, and loads the text when Redis answers NOSCRIPT, so a
restart or a ``SCRIPT FLUSH`` needs no care here. Scripts rather than Redis Functions: a script
needs no deployment step and no right to write functions, and each version of fedredis brings
its own.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis
    from redis.commands.core import Script


@cache
def source(name: str) -> str:
    """Read the text of ``lua/<name>.lua``."""
    return files("fedredis").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def load(client: Redis, name: str) -> Script:
    """Bind a script to a client; nothing is sent yet."""
    return client.register_script(source(name))
