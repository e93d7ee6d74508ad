"""Analyses beside the packages that do them on the rows in one place: the table of the docs.

    python -m benchmarks.inference [--write]

Each question is asked of 1, 3 and 10 slaves, cut in the order of the rows and sorted by the label
and by a category, so that some have one label, or a category that nobody else has. All answers
must be the same, bit by bit. The largest difference from the package is printed, relative to the
larger of value and 0.001. With ``--write`` the table takes the place of that of the docs.
"""

from __future__ import annotations

import argparse
import re
import warnings
from pathlib import Path

from benchmarks.inference.lines import lines

#: What is as good as equal.
CLOSE = 1e-8
DOCS = Path(__file__).resolve().parents[2] / "docs" / "inference.md"
HEAD = "| analysis | figure | fedredis | pooled | largest difference |\n|---|---|---|---|---|\n"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--write", action="store_true", help="put it into the docs, too")
    write = parser.parse_args().write
    warnings.simplefilter("ignore")
    print(HEAD, end="")
    table = HEAD
    for title, compare in lines():
        figure, ours, theirs, most = compare()
        line = f"| {title} | {figure} | {ours:.10g} | {theirs:.10g} | {most:.0e} |"
        print(line, flush=True)
        if not most <= CLOSE:
            raise SystemExit(f"{title}: more than {CLOSE:g}")
        table += line + "\n"
    if write:
        found = re.compile(re.escape(HEAD) + r"(\|.*\n)*")
        DOCS.write_text(found.sub(lambda _: table, DOCS.read_text()))


if __name__ == "__main__":
    main()
