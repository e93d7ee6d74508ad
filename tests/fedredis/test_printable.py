import os
import shutil
import subprocess

import pytest

from fedredis.cli.options import split
from fedredis.printable import item, printable, shell_word


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


@pytest.mark.skipif(not shutil.which("bash"), reason="the words are for bash, which is not there")
@pytest.mark.parametrize(
    "text",
    [
        *("plain", "", "a b", "it's", "$(x) `y` \\", "é€", "-x", "~"),
        *("a\nb's\t\\x", "\x1b[31m", "\u202ex", "e'é\u200b", os.fsdecode(b"\xff'")),
    ],
)
def test_a_word_of_a_command_can_be_shown_and_pasted(text):
    word = shell_word(text)
    assert word.isprintable()
    read = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert read.stdout == os.fsencode(text)


def test_a_name_in_a_list_is_written_as_options_take_it():
    names = ["a b", "Paris, France", 'q"r', ""]
    assert [item(name) for name in names] == ["a b", '"Paris, France"', '"q""r"', '""']
    assert split(",".join(map(item, names))) == names
