"""The page on trees, beside their code."""

from fedredis.trees.boosting import Boosting


def test_every_option_stands_there_with_its_default_and_what_it_is(pages):
    page = pages["docs/trees.md"]
    rows = page.table(page.section("# Trees"))
    assert [(name, default, what.replace("`", "")) for name, default, what in rows] == [
        (f"`{name}`", str(default).removesuffix(".0"), what)
        for name, (default, what) in Boosting.told().items()
    ]
