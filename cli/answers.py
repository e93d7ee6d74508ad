"""Answers as tables, as people know them from statistics packages."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from fedredis.cli import output
from fedredis.cli.tables import Fitting, width_of
from fedredis.printable import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fedredis.api.answer import Answer

#: Times of a curve that are listed at most.
TIMES = 20


def show(answer: Answer) -> None:
    """Print an answer as tables, and what is to be said of it."""
    output.write(written(answer, output.room(), output.encoding()))
    for line in answer.result.get("warnings", ()):
        output.warn(line)
    for line in answer.result.get("withheld", ()):
        output.say(f"withheld: {line}")


def written(answer: Answer, room: int, encoding: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of an answer's tables with their styles, what counts most last."""
    for table in DRAWN[answer.analysis](answer.result):
        yield from table.written(room, encoding)
    facts = _about(answer)
    width = max(map(width_of, facts))
    for name, value in facts.items():
        blanks = " " * (width - width_of(name) + 2)
        yield fit(f"{name}{blanks}{value}", encoding), ""


def figure(value: Any, digits: int = 5) -> str:
    """Write a number with so many digits, '-' for none."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.{digits}g}"


def probability(p: float | None) -> str:
    """Write a probability."""
    if p is None:
        return "-"
    return "<0.0001" if p < 1e-4 else f"{p:.4f}"


def share(value: float | None) -> str:
    """Write a share of a whole."""
    return "-" if value is None else f"{100 * value:.1f} %"


def _about(answer: Answer) -> dict[str, str]:
    result, facts = answer.result, {"run": answer.run}
    for name in ("rows", "total", "missing", "events"):
        if isinstance(result.get(name), int):
            facts[name] = figure(result[name])
    for name in ("family", "link", "covariance", "ties", "strata", "by"):
        if result.get(name):
            facts[name] = str(result[name])
    for name in ("dispersion", "deviance", "log_likelihood", "aic", "inertia"):
        if result.get(name) is not None:
            facts[name.replace("_", " ")] = figure(result[name], 8)
    if test := result.get("against_null"):
        facts["against a constant"] = _test(test)
    for name in ("log_rank", "chi_squared", "chi_squared_corrected", "t", "welch", "anova"):
        if test := result.get(name):
            facts[name.replace("_", " ")] = _test(test)
    if fisher := result.get("fisher"):
        facts["fisher"] = f"p {probability(fisher['p'])}"
    if result.get("odds_ratio") is not None:
        facts["odds ratio"] = figure(result["odds_ratio"])
    for column, base in result.get("bases", {}).items():
        facts[f"{column} against"] = base
    return facts


def _test(test: Mapping[str, Any]) -> str:
    df = test["df"]
    left = ", ".join(figure(one) for one in df) if isinstance(df, list) else figure(df)
    return f"{figure(test['statistic'])} of {left} df, p {probability(test['p'])}"


def _coefficients(result: Mapping[str, Any]) -> list[Fitting]:
    ratio, interval = result["ratio"], f"{100 * result['level']:g} %"
    rows = []
    for line in result["coefficients"]:
        row = {
            "": line["name"],
            "estimate": figure(line["estimate"]),
            "se": figure(line["se"], 4),
            _statistic(result): figure(line["statistic"], 4),
            "p": probability(line["p"]),
        }
        # Of what has a ratio, the interval is that of the ratio.
        if ratio:
            row[ratio] = figure(line["ratio"])
        prefix = "ratio_" if ratio else ""
        row |= {f"{interval} {end}": figure(line[prefix + end]) for end in ("low", "high")}
        rows.append(row)
    gives_way = ("se", (f"{interval} low", f"{interval} high"))
    tables: list[Fitting] = [
        Fitting(
            rows,
            "coefficients",
            words=("",),
            shrinks=("",),
            gives_way=gives_way,
            lines=False,
            least=16,
        )
    ]
    if result.get("proportionality"):
        lines = [
            {"": one["name"], "chi-squared": figure(one["statistic"]), "p": probability(one["p"])}
            for one in result["proportionality"]
        ]
        title = f"test of proportional hazards, time as {result['proportionality'][0]['time']}"
        tables.append(Fitting(lines, title, words=("",), shrinks=("",), lines=False))
    return tables


def _statistic(result: Mapping[str, Any]) -> str:
    dispersed = result.get("family") in ("gaussian", "gamma")
    return "t" if dispersed and result["covariance"] == "model" else "z"


def _curves(result: Mapping[str, Any]) -> list[Fitting]:
    tables: list[Fitting] = []
    for curve in result["curves"]:
        lists = (curve[n] for n in ("time", "at_risk", "died", "survival", "low", "high"))
        lines = list(zip(*lists, strict=True))
        step = max(1, -(-len(lines) // TIMES))
        rows = [
            {
                "time": figure(t),
                "at risk": figure(n),
                "died": figure(d),
                "survival": f"{s:.4f}",
                "low": f"{low:.4f}",
                "high": f"{high:.4f}",
            }
            for t, n, d, s, low, high in islice(lines, None, None, step)
        ]
        name = f"{result['by']} = {curve['group']}: " if curve["group"] is not None else ""
        title = f"{name}{curve['rows']:,} rows, {curve['events']:,} events, median "
        rest = len(lines) - len(rows)
        tables.append(Fitting(rows, title + figure(curve["median"]), rest=rest, lines=False))
    return tables


def _survival(result: Mapping[str, Any]) -> list[Fitting]:
    return _coefficients(result) if result["kind"] == "cox" else _curves(result)


def _described(result: Mapping[str, Any]) -> list[Fitting]:
    tables: list[Fitting] = []
    for group in result["groups"]:
        name = f"{result['by']} = {group['group']}, " if group["group"] is not None else ""
        title = f"{name}{group['rows']:,} rows"
        numbers = [
            {
                "column": one["name"],
                "n": figure(one["n"]),
                "missing": figure(one["missing"]),
                "mean": figure(one["mean"]),
                "sd": figure(one["sd"]),
                **{f"{100 * float(q):g} %": figure(v) for q, v in one["quantiles"].items()},
            }
            for one in group["columns"]
            if one["kind"] == "number"
        ]
        categories = [
            {
                "column": one["name"],
                "category": level["name"],
                "rows": figure(level["rows"]),
                "share": share(level["share"]),
                "missing": figure(one["missing"]),
            }
            for one in group["columns"]
            if one["kind"] == "category"
            for level in one["categories"]
        ]
        shown = [rows for rows in (numbers, categories) if rows]
        words = ("column", "category")
        outer = [name for name in (numbers or [{}])[0] if name.endswith(" %")]
        pairs = zip(outer, reversed(outer), strict=True)
        gives_way = [*islice(pairs, len(outer) // 2), ("missing",)]
        tables += [
            Fitting(rows, title, words=words, shrinks=words, gives_way=gives_way, lines=False)
            for rows in shown
        ]
    if "correlations" in result:
        tables.append(_matrix("correlations", result["correlations"]))
    return tables


def _matrix(title: str, matrix: Mapping[str, Any]) -> Fitting:
    names: Sequence[str] = matrix["columns"]
    rows = [
        {
            "": name,
            **{n: "-" if v is None else f"{v:.3f}" for n, v in zip(names, line, strict=True)},
        }
        for name, line in zip(names, matrix["values"], strict=True)
    ]
    return Fitting(rows, title, words=("",), gives_way=tuple(reversed(names)), lines=False)


def _table(result: Mapping[str, Any]) -> list[Fitting]:
    columns = result["columns"]
    if result["kind"] == "means":
        groups = [
            {
                result["column"]: g["group"],
                "n": figure(g["n"]),
                "mean": figure(g["mean"]),
                "sd": figure(g["sd"]),
            }
            for g in result["groups"] or ()
        ]
        title = f"{result['row']} by {result['column']}"
        return [Fitting(groups, title, words=(result["column"],), lines=False)]
    counts = result["counts"] or [["-"] * len(columns) for _ in result["rows"]]
    shares = result.get("row_shares") or [[None] * len(columns) for _ in result["rows"]]
    rows = [
        {
            result["row"]: name,
            **{
                column: f"{count} ({share(part)})" if part is not None else str(count)
                for column, count, part in zip(columns, line, parts, strict=True)
            },
            "all": figure(total),
        }
        for name, line, parts, total in zip(
            result["rows"], counts, shares, result["row_totals"], strict=True
        )
    ]
    totals = dict(zip(columns, map(figure, result["column_totals"]), strict=True))
    rows.append({result["row"]: "all", **totals, "all": figure(result["total"])})
    title = f"{result['row']} by {result['column']}, shares of rows"
    return [Fitting(rows, title, words=(result["row"],), lines=False)]


def _components(result: Mapping[str, Any]) -> list[Fitting]:
    found = result["components"]
    heads = [f"PC{i}" for i in range(1, len(found) + 1)]
    shares = [
        {
            "": head,
            "variance": figure(one["variance"]),
            "share": share(one["share"]),
            "together": share(one["cumulative"]),
        }
        for head, one in zip(heads, found, strict=True)
    ]
    loadings = [
        {"": c, **{h: f"{o['loadings'][c]:.4f}" for h, o in zip(heads, found, strict=True)}}
        for c in result["columns"]
    ]
    gives_way = tuple(reversed(heads))
    return [
        Fitting(loadings, "loadings", words=("",), gives_way=gives_way, lines=False),
        Fitting(shares, "components", words=("",), lines=False),
    ]


def _clusters(result: Mapping[str, Any]) -> list[Fitting]:
    rows = [
        {
            "cluster": str(i),
            "rows": figure(one["rows"]),
            **{c: figure((one["centre"] or {}).get(c)) for c in result["columns"]},
        }
        for i, one in enumerate(result["clusters"], 1)
    ]
    return [Fitting(rows, "centres", gives_way=tuple(reversed(result["columns"])), lines=False)]


DRAWN: Mapping[str, Callable[[Mapping[str, Any]], list[Fitting]]] = {
    "describe": _described,
    "glm": _coefficients,
    "table": _table,
    "survival": _survival,
    "pca": _components,
    "kmeans": _clusters,
}
