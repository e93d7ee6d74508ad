import pytest

from fedredis.data.whole import written_whole
from fedredis.errors import DataError


def test_a_file_takes_the_place_of_another(tmp_path):
    path = tmp_path / "new" / "file"
    for text in ("one", "two"):
        with written_whole(path) as scratch:
            scratch.write_text(text)
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("folder", [True, False])
def test_nothing_stays_of_what_fails(tmp_path, folder):
    def write(scratch):
        if folder:
            scratch.mkdir()
            scratch /= "file"
        scratch.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "it") as scratch:
        write(scratch)
    assert list(tmp_path.iterdir()) == []


def test_what_the_system_refuses_is_a_data_error(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with (
        pytest.raises(DataError, match="full: can't be written: "),
        written_whole(tmp_path / "full") as scratch,
    ):
        scratch.mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_numpy_gives_no_reason_when_a_disk_is_full(tmp_path):
    with (
        pytest.raises(DataError, match="it: can't be written: No space left on device"),
        written_whole(tmp_path / "it"),
    ):
        raise OSError("1200 requested and 1008 written")
