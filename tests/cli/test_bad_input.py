"""What the caller got wrong: exit code 2, one line that says what and where, nothing written."""

import pytest

GOOD = "track_name,decade,danceability,energy\na,X,0.1,0.2\nb,Y,0.3,0.4\nc,X,0.5,0.6\n"


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("--rounds", 0), "'--rounds': 0 is not in the range"),
        (("--rounds", -3), "'--rounds'"),
        (("--slaves", 0), "'--slaves'"),
        (("--slaves", "ten"), "'--slaves'"),
        (("--local-epochs", 0), "'--local-epochs'"),
        (("--batch-size", 0), "'--batch-size'"),
        (("--learning-rate", 0), "'--learning-rate'"),
        (("--learning-rate", "nan"), "--learning-rate"),
        (("--l2", -1), "'--l2'"),
        (("--test-fraction", 1), "'--test-fraction'"),
        (("--seed", -1), "'--seed'"),
        (("--features", "cubic"), "--features must be one of plain, quadratic"),
        (("--workers", -1), "'--workers'"),
        (("--data", "no-such-file.csv"), "no-such-file.csv"),
        (("--redis-url", "ftp://somewhere"), "Redis URL 'ftp://somewhere'"),
        (("--redis-url", "redis://host:port"), "Redis URL"),
        (("--label", "decade"), "how to read a file, a database or a frame"),
        (
            ("--quorum", 11),
            "--quorum must be a number from 1 to 10, or a share such as 0.8, not 11",
        ),
        (("--quorum", "1.5"), "--quorum must be a number"),
        (("--quorum", "most"), "--quorum must be a number"),
        (("--round-timeout", 0), "'--round-timeout'"),
        *(
            ((option, value), option)
            for option in ("--round-timeout", "--wait-timeout", "--lease")
            for value in ("inf", "nan", "1e10", "-1")
        ),
        (("--slaves", 50_000), "50000 slaves can't share"),
    ],
)
def test_run(refused, args, complaint):
    assert complaint in refused("run", *args)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD.replace("0.4", ""), "row 3, column 'energy'"),
        (GOOD.replace("0.4", "loud"), "row 3, column 'energy'"),
        (GOOD.replace("b,Y", "b,"), "row 3, column 'decade'"),
        (GOOD.replace("decade", "era"), "--label"),
        (GOOD.replace("energy", "danceability"), "danceability"),
        (GOOD.splitlines()[0] + "\n", "row"),
        ("", "empty"),
    ],
)
@pytest.mark.parametrize("command", ["run", "partition"])
def test_data(refused, tmp_path, text, complaint, command):
    (tmp_path / "songs.csv").write_text(text)
    args = ("--data", "songs.csv") if command == "run" else ("songs.csv", "--out", "parts")
    line = refused(command, *args, "--slaves", 2)
    assert "songs.csv" in line
    assert complaint in line


def test_bytes_that_are_not_text(refused, tmp_path):
    (tmp_path / "songs.csv").write_bytes(GOOD.encode().replace(b"b,Y", b"\xff,Y"))
    assert "row 3" in refused("run", "--data", "songs.csv", "--slaves", 2)


def test_more_slaves_than_rows(refused, tmp_path):
    (tmp_path / "songs.csv").write_text(GOOD)
    assert "4 slaves can't share 3 rows" in refused("run", "--data", "songs.csv", "--slaves", 4)


def test_more_slaves_than_partitions(refused, call):
    assert call("partition", "--slaves", 3, "--out", "parts").code == 0
    assert "--slaves is 4, and parts was cut for 3" in refused(
        "run", "--data", "parts", "--slaves", 4
    )
    assert "holds the data set" in refused("partition", "--slaves", 4, "--out", "parts")


@pytest.mark.parametrize("command", ["resume", "show"])
@pytest.mark.parametrize("name", ["../etc", "a b", "", "x" * 65, "{x}"])
def test_a_malformed_run(refused, command, name):
    assert "is not a name" in refused(command, name)


@pytest.mark.parametrize(
    "args",
    [
        ("resume", "nosuch"),
        ("show", "nosuch"),
        ("predict", "--run", "nosuch", "--song", "x"),
        ("export", "nosuch", "--out", "m.npz"),
        ("plot", "nosuch", "--out", "x.png"),
    ],
)
def test_an_unknown_run(refused, server, args):
    assert "there is no run nosuch" in refused(*args, "--redis-url", server.url)


def test_redis_that_is_not_there(call, tmp_path):
    answer = call("runs", "--redis-url", "redis://:secret@127.0.0.1:1")
    assert answer.code == 1
    assert "Redis unreachable at redis://:***@127.0.0.1:1" in answer.err
    assert "secret" not in answer.err
    assert answer.err.count("\n") == 1


def test_slave_without_partitions(refused, tmp_path):
    (tmp_path / "nothing").mkdir()
    assert "manifest" in refused("slave", "--data", "nothing", "--redis-url", "redis://localhost")


def test_data_synth(refused):
    assert "'--songs'" in refused("data", "synth", "--songs", 0, "--out", "x.csv")
