"""The code page of a text that is not UTF-8: that of Western Europe, or it is asked for."""

# ruff: noqa: RUF001 - signs that look like others are what this is about.
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fedredis.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

#: The page that is taken without being named, and those that it is weighed against.
WESTERN = "cp1252"
PAGES = (
    *(WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "mac-roman", "cp437", "cp850"),
    *("cp852", "cp866", "koi8-r", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-13"),
)

#: What stands between semicolons, tabs and ends of lines, whatever separates cells here.
CELL = re.compile(rb"[^;\t\n]+")

LETTER = r"[^\W\d_]"
#: Signs of this page where such signs stand; what is left are words.
QUOTED = re.compile(r"(?<!\w)[„“”‚‘«»](?=\w)([^„“”«»\n]*)(?<=[\w.,!?)])[“”’‘«»](?!\w)")
SIGNS = re.compile(
    rf"(?<!{LETTER})[€£§°¹²³½¼¾«»±×·•–—…©®™´¿¡\xa0](?!{LETTER})"
    r"|(?<=\d)\xa0|(?<!\w)µ|(?<!\w)°(?=[CFK]\b)|(?<=\b[nN])°(?!\w)|(?<=m)[²³](?!\w)|(?<=[\dnN])[ºª](?!\w)"
    r"|[¿¡](?=[A-Z])"
    r"|(?<!\w)(?:[A-Za-z]|\w*[Qq]u)’(?=\w{2}|[A-Z\d])|(?<=\d)’(?=\d)"
    r"|(?<=\w)’(?=(?:s|t|d|m|ll|re|ve)\b)"
)
#: Letters that the tables find rare, where they stand mostly: fièvre, naïve, patiënt, sœur.
VOWELS = re.compile(
    r"(?<=[b-df-hj-np-tv-zi])è(?=(?:[bcdfglmnprstvz]{1,2}|ch|gn|gu|qu)e|s(?!\w))|œ(?=[diu])"
    r"|(?<=[aeouAO])ï(?=[bdlmnrstvw])|(?<=i)ë|(?<!\w)à(?!\w)|(?<=[ée]j)à"
    r"|(?<!\w)ê(?=tr)|ñ(?=[aeiouáéíóú])"
)
WORD = re.compile(r"[\w'-]*[^\x00-\x7f](?:[\w'-]|[^\x00-\x7f])*")
#: What gives another page away: signs in words, a capital behind a small letter, bytes that
#: stand for nothing; and, in a few of the words, Icelandic letters: elsewhere they are Turkish or
#: Baltic ones.
ODD = re.compile(r"[^\w'-]|[¹²³¼½¾ÿŸ]|[a-zß-öø-ÿšœž][À-ÖØ-ÞŠŽŒŸ]")
ICELANDIC = re.compile(r"[ðþÐÞ]")

#: Of fewer words all must fit, and no other page do better. Of more, one in 16 may be odd, or
#: look better by another page, as a name from elsewhere does, if the rest outweighs it nearly.
FEW, STRANGE, NEARLY = 8, 1 / 16, 0.7

#: The share of words with Icelandic letters that tells Icelandic.
NORTHERN = 1 / 8

#: Words that are weighed at most, and readings that are shown.
MOST_WORDS, SHOWN = 2_000, 4


def page_of(start: bytes, rest: bytes, path: Path) -> str:
    """Tell the code page of a text by its first lines, and, perhaps, some of the later ones.

    It is Western Europe's where the words with letters beyond ASCII are as likely, by what
    follows what in languages (chardet's tables), as they are by any other page.
    """
    lines = [(n, line) for n, line in enumerate(start.splitlines(), 1) if not line.isascii()]
    wrong = [n for n, line in lines if not _decodes(line)]
    if 2 * len(wrong) < len(lines):
        problem = "this line is not UTF-8, and most are: write the file anew, or correct it"
        raise DataError(problem, file=path, row=min(wrong, default=None))
    # Each cell once, so that many rows of few words take no longer than these.
    cells = dict.fromkeys(
        cell for cell in CELL.findall(start + b"\n" + rest) if not cell.isascii()
    )
    # What stands for no letter is kept as a surrogate.
    text = b"\n".join(cells).decode(WESTERN, "surrogateescape")
    text = VOWELS.sub("e", SIGNS.sub("", QUOTED.sub(r"\1", text)))
    words = [*dict.fromkeys(WORD.findall(text))][:MOST_WORDS]
    own = ";".join(words)
    likely = _readings(own.encode(WESTERN, "surrogateescape")) if words else {}
    if not words or _fits(words, likely.get(own, 0.0), likely):
        return WESTERN
    others = [reading.split(";") for reading in likely if reading != own][: SHOWN - 1]
    place = next((p for p, word in enumerate(words) if others and others[0][p] != word), 0)
    raw = words[place].encode(WESTERN, "surrogateescape")
    told = dict.fromkeys(
        [*(reading[place] for reading in others), *[words[place]][: own in likely]]
    )
    read_as = ", ".join(f"{word!r} in {_page(raw, word)}" for word in told)
    rows = (n for n, line in lines if raw in line)
    raise DataError(
        "the text is not UTF-8, and not clearly of another encoding: `encoding` says which"
        + f" ({read_as})" * bool(told),
        file=path,
        row=next(rows, None),
    )


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _fits(words: list[str], mine: float, likely: dict[str, float]) -> bool:
    """Say whether words are Western Europe's, given how likely that is, and how others are."""
    strange = int(STRANGE * len(words)) if len(words) >= FEW else 0
    odd = sum(ODD.search(word) is not None for word in words)
    northern = sum(ICELANDIC.search(word) is not None for word in words)
    best = next(iter(likely.items()), ("", 0.0))
    better = best[0].split(";") if best[1] > mine else words
    differ = sum(word != other for word, other in zip(words, better, strict=True))
    return (
        odd <= strange
        and (northern == 0 or northern > NORTHERN * max(len(words), FEW))
        and differ <= strange
        and mine > NEARLY * best[1]
    )


def _readings(words: bytes) -> dict[str, float]:
    """Read words by each page: how likely each reading is, the likeliest first."""
    # It imports much, and most files are UTF-8.
    import chardet

    found: dict[str, float] = {}
    for each in chardet.detect_all(words, ignore_threshold=True, include_encodings=PAGES):
        try:
            found.setdefault(words.decode(each["encoding"] or ""), each["confidence"])
        except (UnicodeError, LookupError):
            continue
    return found


def _page(raw: bytes, word: str) -> str:
    """Name the first page by which bytes are read as a word."""
    return next(page for page in PAGES if raw.decode(page, "replace") == word)
