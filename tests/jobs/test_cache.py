from __future__ import annotations

import pytest

from fedredis.jobs.cache import ByteCache


@pytest.fixture
def made() -> list[str]:
    return []


def get(cache: ByteCache[str, str], made: list[str], *keys: str) -> None:
    for key in keys:

        def make(key: str = key) -> str:
            made.append(key)
            return key

        assert cache.get(key, make) == key


def test_what_is_held_is_made_once(made):
    cache = ByteCache(10, len)
    get(cache, made, "aaa", "bbb", "aaa", "bbb", "aaa")
    assert made == ["aaa", "bbb"]


def test_what_was_used_longest_ago_goes_first(made):
    cache = ByteCache(6, len)
    get(cache, made, "aa", "bb", "cc", "aa", "dd")  # bb had to go
    made.clear()
    get(cache, made, "aa", "cc", "dd", "bb")
    assert made == ["bb"]


def test_bytes_are_counted_not_values(made):
    cache = ByteCache(6, len)
    get(cache, made, "a", "b", "c", "d", "e", "f", "gggg")  # a, b, c and d had to go
    made.clear()
    get(cache, made, "e", "f", "gggg", "a")
    assert made == ["a"]


def test_the_newest_is_kept_however_large(made):
    cache = ByteCache(3, len)
    get(cache, made, "aa", "larger", "larger", "aa")
    assert made == ["aa", "larger", "aa"]


def test_what_cannot_be_made_is_not_held():
    cache = ByteCache(3, len)

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get("a", fail)
    assert cache.get("a", lambda: "yes") == "yes"
