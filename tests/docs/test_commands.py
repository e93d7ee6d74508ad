"""The examples of docs/commands.md do what they show."""

import re


def test_a_run_is_put_to_use(commands, alone):
    alone.play(commands, "use")
    (code,) = commands.examples("use", "python")
    (alone.folder / "use.py").write_text(code)
    assert re.match(r"Synthetic Song 000000 [XYZ]-Generation \[", alone.run("python use.py"))
    assert (alone.folder / "curve.png").stat().st_size > 10_000


def test_access_rules(commands, make_console):
    console = make_console()
    console.play(commands, "acl")
    assert len((console.folder / "users.acl").read_text().splitlines()) == 5
    assert len(list((console.folder / "passwords").iterdir())) == 4
