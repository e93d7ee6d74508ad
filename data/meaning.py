"""What a cell means: one rule for files, frames, JSON and values that are given by hand.

The same thing is written in several ways: a whole number as 1 or, by pandas, in a column with a
gap, as 1.0; a code as 01234 or, once it was a number, as 1234; truth as True, TRUE or 1; nothing
as NA or nan. As labels and as categories these are one thing each.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING
from unicodedata import category, normalize

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Texts of a cell that is missing, beside blank ones: those of pandas, and of databases' dumps.
MISSING = frozenset(
    [
        *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
        *("<NA>", "N/A", "NA", "NULL", "NaN", "NaT", "None", "n/a", "nan", "null"),
        "\\N",  # in what MySQL and PostgreSQL write
    ]
)

#: A number without an exponent, which rather is a letter of a code.
NUMBER = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]*)\.?([0-9]*)")

#: A number with an exponent; what stands between words; quotes, as programs of texts set them.
EXPONENT = re.compile(r"[+-]?(?=\.?[0-9])[0-9]*\.?[0-9]*[eE][+-]?[0-9]{1,3}")
BETWEEN = re.compile(r"(?<=[^\W\d_])[\s_-]+(?=[^\W\d_])")
QUOTES = str.maketrans(dict.fromkeys("‘’‚‛´", "'") | dict.fromkeys("“”„«»", '"'))  # noqa: RUF001

#: Letters of a cell that a message shows.
SHOWN = 60

#: Keeps digests apart from other uses of the hash.
PERSON = b"fedredis"

#: Bits of a digest: as many as a float64 holds exactly. Among 1,000 categories two have the
#: same one with a probability of 1 in 18 billion.
BITS = 53


def text(cell: object) -> str:
    """Return a cell's text without spaces around it, '' if it is missing."""
    if isinstance(cell, float | np.floating):  # no exponent, and no .0
        found = np.format_float_positional(cell, trim="-")
    else:
        found = composed(str(cell)).strip()
    return "" if found in MISSING else found


def composed(found: str) -> str:
    """Return a text with its accents within its letters, as a Mac's file names have them not.

    A mark of byte order that stands within a text, where files were put together, is left out.
    """
    return found if found.isascii() else normalize("NFC", found).replace("\ufeff", "")


def shown(found: str) -> str:
    """Return a text as messages quote it, a long one by its start."""
    return repr(found if len(found) <= SHOWN else f"{found[:SHOWN]}…")


def spelling(cell: object) -> str:
    """Return how a cell is written in names of classes, '' if it is missing."""
    found = text(cell)
    if number := NUMBER.fullmatch(found):
        sign, whole, part = number.groups()
        part = part.rstrip("0")
        digits = (whole.lstrip("0") or "0") + (f".{part}" if part else "")
        return f"-{digits}" if sign == "-" and digits != "0" else digits
    return found.capitalize() if found.lower() in ("true", "false") else found


def identity(spelt: str) -> str:
    """Return a text that is the same for all spellings of one thing."""
    return {"True": "1", "False": "0"}.get(spelt, spelt)


def once_each(spellings: Iterable[str]) -> list[str]:
    """Return, sorted, one spelling of each thing: of 1 and True the latter."""
    return sorted({identity(spelt): spelt for spelt in sorted(spellings)}.values())


def number(cell: object) -> float:
    """Return a cell as a number, NaN if it is missing.

    Raises
    ------
    ValueError
        If it is something else.
    """
    found = text(cell)
    if "_" in found:  # which Python takes for a digit
        raise ValueError(found)
    return float(found) if found else float("nan")


def digest(cell: object) -> float:
    """Return the digest of a category, from 1 to 2^53 - 1, or NaN if it is missing.

    All owners of data make the same digest of the same thing, and so need not tell its text. It
    is no secret: who guesses a text can make its digest, too.
    """
    spelt = identity(spelling(cell))
    if not spelt:
        return float("nan")
    spelt_bytes = spelt.encode(errors="surrogatepass")
    hashed = int.from_bytes(blake2b(spelt_bytes, digest_size=8, person=PERSON).digest(), "big")
    return float(hashed % (2**BITS - 1) + 1)


def namesakes(names: Iterable[str]) -> list[list[str]]:
    """List names that are likely to be meant as one, together those that are.

    They differ by nothing but case, spaces, quotes, an exponent, letters of no width or forms of
    the same sign.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        groups.setdefault(_read_aloud(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _read_aloud(name: str) -> str:
    """Return what is left of a name where nobody sees or hears a difference."""
    if EXPONENT.fullmatch(name) and np.isfinite(float(name)):
        return spelling(float(name))
    if not name.isascii():
        letters = normalize("NFKC", name).translate(QUOTES)
        name = "".join(letter for letter in letters if category(letter) != "Cf")
    return " ".join(BETWEEN.sub(" ", name.casefold().strip("'\"` ")).split())
