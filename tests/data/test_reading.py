import pytest

from fedredis.data.reading import Reading
from fedredis.errors import UsageError


def test_it_is_taken_out_of_a_calls_arguments() -> None:
    reading, others = Reading.taken_from({"label": "y", "columns": ["a", 1], "rounds": 3})
    assert (reading, others) == (Reading(label="y", columns=("a", "1")), {"rounds": 3})
    assert [reading.said, Reading().said, Reading(categories=None).said] == [True, False, False]


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ({"missing": "fill"}, "`missing` must be one of error, drop, mean, not 'fill'"),
        ({"task": "sort"}, "`task` must be one of auto, classify, regress, not 'sort'"),
        ({"columns": "size"}, "`columns` must be a list of names, not 'size'"),
    ],
)
def test_a_choice_that_there_is_not(choice: dict[str, str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        Reading(**choice)  # type: ignore[arg-type]
