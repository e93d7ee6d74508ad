import pytest

from fedredis.errors import LeaseLostError
from fedredis.keys import RunKeys
from fedredis.store.results import Commit, Failure, Opening, RoundState, Submission, unless_fenced


def test_a_fenced_answer_is_an_error() -> None:
    with pytest.raises(LeaseLostError, match="another master has taken over run r1"):
        unless_fenced(-2, RunKeys("r1"))


@pytest.mark.parametrize("names", [Commit, Failure, Opening, RoundState, Submission])
def test_no_other_answer_is_taken_for_fenced(names: type[RoundState]) -> None:
    for answer in names:
        assert unless_fenced(answer, RunKeys("r1")) == answer
