"""docs/python.md names every call, and its example does what it shows."""

import re

import fedredis


def test_a_program(python, make_console):
    (code,) = python.examples("program", "python")
    console = make_console()
    (console.folder / "program.py").write_text(code)
    told = console.run("python program.py").splitlines()
    labels, shares = zip(*(line.split() for line in told), strict=True)
    assert labels == tuple(f"evaluate:{number}" for number in range(1, len(told) + 1))
    assert all(re.fullmatch(r"\d\d\.\d%", share) for share in shares)
    # The strategy ends by itself.
    assert len(told) <= 10
    assert (console.folder / "model.npz").is_file()


def test_every_call_is_told_of(python):
    rows = python.table(python.section("## Every call"))
    told = {name for row in rows for name in re.findall(r"fedredis\.(\w+)", row[0])}
    assert told == {name for name in fedredis.__all__ if name.islower() and name[0] != "_"}
    types = {name for name in fedredis.__all__ if not name.islower()}
    assert all(f"{name}`" in python.section("## Every call") for name in types)
