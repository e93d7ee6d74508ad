"""The cut that is asked for: its text is read here, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from fedredis.errors import UsageError

#: The cuts by name, each with how it is written.
FORMS = {
    "iid": "iid",
    "dirichlet": "dirichlet:ALPHA",
    "shards": "shards[:COUNT]",
    "quantity": "quantity:ALPHA",
    "column": "column:NAME",
}

#: Concentrations of a Dirichlet distribution that are taken. Beyond them the cut does not change
#: any more (one slave has all of a label; all have the same), and floats give out in the end.
ALPHAS = (1e-6, 1e6)


@dataclass(frozen=True)
class Cut:
    """How rows are dealt among slaves.

    Parameters
    ----------
    kind
        A name in `FORMS`.
    parameter
        The concentration of ``dirichlet`` and ``quantity`` (a float in `ALPHAS`), the shards of
        a slave of ``shards`` (an integer), the name of the column of ``column``.
    """

    kind: str = "iid"
    parameter: float | int | str | None = None

    @classmethod
    def parse(cls, text: str) -> Cut:
        """Read a cut as a person writes it, such as ``shards`` or ``dirichlet:0.1``."""
        kind, colon, given = text.partition(":")
        if kind == "iid" and not colon:
            return cls()
        if kind == "shards":
            return cls(kind, _count(text, given) if colon else 1)
        if kind in ("dirichlet", "quantity"):
            return cls(kind, _alpha(text, given))
        if kind == "column" and given:
            return cls(kind, given)
        if kind in FORMS:
            raise UsageError(f"the cut '{text}' must be written {FORMS[kind]}")
        raise UsageError(f"there is no cut '{text}'; there are: {', '.join(FORMS.values())}")

    def __str__(self) -> str:
        """Write the cut so that equal cuts have the same text, and `parse` gives this one."""
        if self.parameter is None:
            return self.kind
        if isinstance(self.parameter, float):
            return f"{self.kind}:{str(self.parameter).removesuffix('.0')}"
        return f"{self.kind}:{self.parameter}"

    @property
    def column(self) -> str | None:
        """The column whose values must be known, if there is one."""
        return self.parameter if isinstance(self.parameter, str) else None


def _alpha(text: str, given: str) -> float:
    low, high = ALPHAS
    try:
        alpha = float(given)
    except ValueError:
        alpha = 0.0
    if not low <= alpha <= high:
        form = FORMS[text.partition(":")[0]]
        raise UsageError(
            f"the cut '{text}' must be written {form}, with a number from {low:f} to {high:.0f}"
        )
    return alpha


def _count(text: str, given: str) -> int:
    try:
        count = int(given)
    except ValueError:
        count = 0
    if count < 1:
        raise UsageError(
            f"the cut '{text}' must be written {FORMS['shards']}, with a whole number from 1"
        )
    return count
