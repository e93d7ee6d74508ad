import pytest

from fedredis.printable import printable


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Grün\t[b]\n", "Grün\t[b]\n"),
        ("\x1b[31m\x9b\r", "\ufffd[31m\ufffd\ufffd"),
        # As bytes, which a file's text may hold in this way, a terminal would obey them.
        ("\udc9b31m\ud800", "\\udc9b31m\\ud800"),
    ],
)
def test_what_a_terminal_would_obey(text, told):
    assert printable(text) == told
