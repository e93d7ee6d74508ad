import base64
import hashlib

import pytest

from fedredis.errors import UsageError
from fedredis.secure.identity import Identity, Roster, fingerprint, verify

#: 32 of them in base64.
ZEROS = base64.b64encode(bytes(32)).decode()


def test_a_key_is_its_owner_s_alone_and_reads_back(tmp_path):
    made = Identity.make(tmp_path / "keys", "a")
    path = tmp_path / "keys" / "a.key"
    assert [p.name for p in path.parent.iterdir()] == ["a.key"]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    read = Identity.load(path.parent, "a")
    assert read.public == made.public
    assert verify(made.public, read.sign(b"text"), b"text")
    assert "key" not in repr(read).replace("_key", "")


def test_a_fingerprint_is_as_ssh_s(tmp_path):
    key = Identity.make(tmp_path, "a").public
    text = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    assert fingerprint(key) == f"SHA256:{text}"


def test_a_key_is_never_written_over(tmp_path):
    Identity.make(tmp_path, "a")
    before = (tmp_path / "a.key").read_bytes()
    with pytest.raises(UsageError, match=r"a\.key is there already"):
        Identity.make(tmp_path, "a")
    assert (tmp_path / "a.key").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        (None, 0, r"has no key .*`fedredis identity make a`"),
        (b"no key", 0o600, "is not an Ed25519 key"),
        (b"", 0o644, "is not an Ed25519 key"),
    ],
)
def test_what_is_no_key_is_refused(tmp_path, text, mode, why):
    if text is not None:
        (tmp_path / "a.key").write_bytes(text)
        (tmp_path / "a.key").chmod(mode)
    with pytest.raises(UsageError, match=why):
        Identity.load(tmp_path, "a")


def test_a_key_that_is_open_to_others_is_refused(tmp_path):
    Identity.make(tmp_path, "a")
    (tmp_path / "a.key").chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        Identity.load(tmp_path, "a")


def test_a_roster_reads_back(tmp_path):
    roster = Roster.of(Identity.make(tmp_path, name) for name in ("a.b", "c"))
    path = tmp_path / "policy.toml"
    path.write_text(roster.to_toml())
    assert Roster.load(path) == roster
    assert roster.digest(["c", "x"]) != roster.digest(["c"]) != roster.digest(["a.b"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", r"no table \[roster\]"),
        ("roster = 3", r"no table \[roster\]"),
        ("[roster", "is not TOML"),
        ("[roster]\na = 'AAAA'", "key of slave 'a' is none"),
        ("[roster]\na = 3", "key of slave 'a' is none"),
        (f"[roster]\na = '{ZEROS}'\nb = '{ZEROS}'", "'a' and 'b' of the roster have the same key"),
        (None, "No such file"),
    ],
)
def test_what_is_no_roster_is_refused(tmp_path, text, why):
    if text is not None:
        (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(UsageError, match=why):
        Roster.load(tmp_path / "policy.toml")
