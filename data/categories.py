"""Categories as numbers: a digest stands for the text of a cell, which then need not be told.

All owners of data make the same digest of the same text. It is no secret: who guesses a text can
make its digest, too.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Keeps these digests apart from other uses of the hash.
PERSON = b"fedredis"

#: Bits of a digest: as many as a float64 holds exactly. Among 1,000 categories two have the
#: same one with a probability of 1 in 18 billion.
BITS = 53

#: Truth is spelt in several ways; pandas and Parquet have one.
TRUTH = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"}


def digest(text: str) -> float:
    """Return the digest of a category, from 1 to 2^53 - 1, or NaN for a text that is blank.

    Spaces around the text don't count.
    """
    text = text.strip()
    if not text:
        return float("nan")
    spelt = TRUTH.get(text, text).encode(errors="surrogatepass")
    hashed = int.from_bytes(blake2b(spelt, digest_size=8, person=PERSON).digest(), "big")
    return float(hashed % (2**BITS - 1) + 1)


def digests(texts: pd.Series) -> NDArray[np.float64]:
    """Return the digests (n,) of n texts, NaN for one that is missing or blank."""
    codes, different = pd.factorize(texts)  # -1 is a missing one
    of_each = np.array([*(digest(str(text)) for text in different), np.nan])
    return of_each[codes]
