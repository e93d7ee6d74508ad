import pytest

from fedredis.errors import UsageError
from fedredis.store.replies import fields, parsed, text, texts


def test_replies_become_text() -> None:
    assert text("é".encode()) == "é"
    assert texts([b"a", b""]) == ["a", ""]
    assert fields({b"a": b"1", b"b": b""}) == {"a": "1", "b": ""}


def test_what_a_terminal_would_obey_is_filtered() -> None:
    assert text("a\x1b[2J\x9b\u202eb\tc\n".encode()) == "a\ufffd[2J\ufffd\ufffdb\tc\n"
    assert parsed(r'{"\u001bk": ["\u001b", 1, null]}') == {"\ufffdk": ["\ufffd", 1, None]}
    with pytest.raises(ValueError, match="nested too deep"):
        parsed("[" * 100_000)
    assert str(UsageError("\x1b]0;x")) == "\ufffd]0;x"
