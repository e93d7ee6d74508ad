"""The examples of docs/data.md do what they show."""

import json
import re
from contextlib import closing

from fedredis.data.cuts.spec import FORMS, Cut


def test_own_data(data, make_console):
    console = make_console()
    console.play(data, "own")
    outcome = json.loads(console.run("fedredis runs --json"))
    assert (outcome[0]["slaves"], outcome[0]["status"]) == (4, "finished")


def test_slaves_that_bring_their_own_file(data, make_console, server):
    console = make_console()
    console.instead = {"redis://127.0.0.1:6379/0": server.tcp_url}
    console.play(data, "named")
    (row,) = json.loads(console.run("fedredis runs --json"))
    assert (row["slaves"], row["status"]) == (2, "finished")
    assert {path.name for path in console.folder.iterdir()} == {"north.csv", "south.csv"}


def test_a_partition_folder_of_ones_own(data, make_console):
    """One owner's file is the page's; another's is made like it."""
    (code,) = data.examples("python", "python")
    console = make_console()
    for slave, seed in ((0, 0), (1, 1)):
        text = code.replace('"clinic"', f'"clinic-{slave}"')
        text = text.replace("slave-0.npy", f"slave-{slave}.npy")
        text = text.replace("default_rng(0)", f"default_rng({seed})")
        (console.folder / "own.py").write_text(text)
        console.run("python own.py")
    with closing(console):
        for slave in (0, 1):
            said = console.background(f"fedredis slave --data clinic-{slave}")
            assert "for 1 of 2 slaves" in said
        run_ = "fedredis run --workers 0 --rounds 3 --json --data clinic-0 2>/dev/null"
        outcome = json.loads(console.run(run_))
    assert outcome["workers"] == 2
    assert outcome["accuracy"] > 0.8


def test_the_cuts_that_are_there(data):
    rows = data.table(data.section("## Uneven cuts"))
    cuts = [Cut.parse(text) for row in rows for text in re.findall(r"`([^`]+)`", row[0])]
    assert list(dict.fromkeys(cut.kind for cut in cuts)) == list(FORMS)
