"""``fedredis acl``: what it prints, and what becomes of passwords."""

import hashlib

import pytest

SLAVE = ("--dataset", "pets-3-0123abcd", "--slave", 1)


@pytest.mark.parametrize(
    ("args", "user"),
    [
        (("master",), "fedredis-master"),
        (("viewer",), "fedredis-viewer"),
        (("slave", *SLAVE), "fedredis-pets-3-0123abcd-slave-1"),
        (("slave", "--dataset", "wards", "--slave", "a.b_c"), "fedredis-wards-slave-a.b_c"),
    ],
)
def test_a_rule_without_a_password(call, args, user):
    """Nobody can log in, and how to change that is said beside it."""
    answer = call("acl", *args)
    assert answer.code == 0
    (line,) = answer.out.splitlines()
    assert line.startswith(f"user {user} reset on ")
    assert "nopass" not in line
    assert "#" not in line
    assert "ACL SETUSER NAME '>PASSWORD'" in answer.err


def test_passwords_are_made_and_kept(call, tmp_path):
    """The rules hold their digests; they stand in files that only this user can read."""
    folder = tmp_path / "passwords"
    args = ("acl", "all", *SLAVE, "--slave", 2, "--passwords", folder)
    answer = call(*args)
    assert answer.err == ""
    default, *lines = answer.out.splitlines()
    assert default == "user default reset off ~* &* +@all"
    assert len(lines) == len(list(folder.iterdir())) == 4
    assert folder.stat().st_mode & 0o777 == 0o700
    secrets = set()
    for line in lines:
        _, user, _, _, digest, *_ = line.split()
        file = folder / user
        secret = file.read_text().strip()
        secrets.add(secret)
        assert file.stat().st_mode & 0o777 == 0o600
        assert len(secret) >= 32
        assert secret not in answer.out
        assert digest == f"#{hashlib.sha256(secret.encode()).hexdigest()}"
    assert len(secrets) == 4
    assert call(*args).out == answer.out


def test_a_password_of_ones_own(call, tmp_path):
    folder = tmp_path / "passwords"
    folder.mkdir(mode=0o700)
    file = folder / "fedredis-viewer"
    file.write_text("hunter2\n")
    args = ("acl", "viewer", "--passwords", folder)
    file.chmod(0o640)
    assert "open to other users" in call(*args).err
    file.chmod(0o600)
    assert f"#{hashlib.sha256(b'hunter2').hexdigest()} " in call(*args).out
    file.write_text("\n")
    assert "holds no password" in call(*args).err


def test_the_slaves_of_a_folder(call):
    assert call("partition", "--slaves", 3, "--out", "parts").code == 0
    users = [line.split()[1] for line in call("acl", "slave", "--data", "parts").out.splitlines()]
    assert [user.rpartition("-slave-")[2] for user in users] == ["0", "1", "2"]
    (line,) = call("acl", "slave", "--data", "parts", "--slave", 2).out.splitlines()
    assert line.split()[1] == users[2]


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("slave",), "which slaves?"),
        (("all", "--dataset", "pets"), "which slaves?"),
        (("all", "--slave", 1), "which slaves?"),
        (("slave", "--dataset", "pets", "--slave", "1*"), "'1*' is not a name"),
        (("slave", "--dataset", "pets", "--slave", "ids"), "'ids': the name belongs to fedredis"),
        (("slave", "--dataset", "pets", "--slave", "a-slave-b"), "the word 'slave' parts"),
        (("slave", "--dataset", "*", "--slave", "1"), "'*' is not a name"),
        (("master", *SLAVE), "for slaves, not for the master"),
        (("slave", "--data", ".", *SLAVE), "either --data or --dataset"),
        (("everyone",), "'everyone' is not one of"),
        ((), "Missing argument"),
    ],
)
def test_wrong_calls(call, args, complaint):
    answer = call("acl", *args)
    assert (answer.code, answer.out) == (2, "")
    assert complaint in answer.err
    assert answer.err.count("\n") == 1


def test_a_slave_that_the_folder_does_not_know(call):
    assert call("partition", "--slaves", 3, "--out", "parts").code == 0
    answer = call("acl", "slave", "--data", "parts", "--slave", 3)
    assert answer.code == 2
    assert "has slaves 0 to 2" in answer.err


def test_a_running_server_takes_them_as_commands(call, client):
    """``ACL SETUSER`` in place of the first word; an earlier rule of the user's is forgotten."""
    client.execute_command("ACL SETUSER fedredis-viewer on nopass ~* &* +@all")
    try:
        for line in call("acl", "all", *SLAVE).out.splitlines()[1:]:
            assert client.execute_command("ACL SETUSER", *line.split()[1:]) in (b"OK", True)
        described = client.acl_getuser("fedredis-viewer")
        assert not {"nopass", "allkeys", "allchannels", "allcommands"} & set(described["flags"])
        assert not described["passwords"]
    finally:
        for user in client.acl_users():
            if user != "default":
                client.acl_deluser(user)
