"""Text that somebody else has written, made fit for a terminal: the one place that does so."""

from __future__ import annotations

import os
import re
import shlex

#: What a terminal would obey: C0 but for tab and newline, DEL, C1, and what turns the direction
#: of writing.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
#: Letters of a line that there are at least, since nothing can be read in fewer.
NARROWEST = 20


def printable(text: str) -> str:
    r"""Return the text with a replacement character for each control character.

    A surrogate, which stands for a byte of any kind, is written as ``\udcff``.
    """
    if text.isprintable():
        return text
    return CONTROL.sub("\ufffd", text).encode("utf-8", "backslashreplace").decode("utf-8")


def fit(text: str, encoding: str) -> str:
    """Write what a terminal would obey, or the encoding lacks, in another way."""
    text = printable(text)
    if text.isascii():
        return text
    if not encoding.startswith("utf"):
        text = text.replace("…", ".")
    return text.encode(encoding, "backslashreplace").decode(encoding)


def item(name: str) -> str:
    """Put a name with a comma or a quote in quotes, as options want it, and one of nothing."""
    return '"' + name.replace('"', '""') + '"' if not name or {*name} & {*',"'} else name


def shell_word(text: str) -> str:
    r"""Write a text as a word of a shell's command line that can be shown and pasted.

    One with letters that can't be shown as they are is written as ``$'\x1b'``, as bash and zsh
    read it.
    """
    if text.isprintable():
        return shlex.quote(text)
    plain = "".join(
        "".join(f"\\x{byte:02x}" for byte in os.fsencode(letter))
        if not letter.isprintable() or letter in "'\\"
        else letter
        for letter in text
    )
    return f"$'{plain}'"
