import pytest

from fedredis import errors
from fedredis.errors import DataError, FedredisError, RuleError, UsageError

ALL = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, FedredisError)
]


@pytest.mark.parametrize("error", [e for e in ALL if e not in (DataError, RuleError)])
def test_the_docstring_is_the_message_unless_there_is_another(error):
    assert str(error()) == error.__doc__
    assert str(error("boom")) == "boom"


@pytest.mark.parametrize("error", ALL)
def test_the_exit_code_tells_a_wrong_call_from_a_failure(error):
    assert error.exit_code == (2 if issubclass(error, UsageError) else 1)


def test_a_data_error_says_where():
    error = DataError("no number", file="a.csv", row=3, column="age")
    assert str(error) == "a.csv, row 3, column 'age': no number"
    assert (error.file, error.row, error.column) == ("a.csv", 3, "age")
    assert str(DataError("no rows")) == "no rows"


def test_the_reason_of_a_traceback_is_its_last_line():
    assert errors.reason("Traceback …\n  File …\nfedredis.errors.DataError: no rows\n") == (
        "DataError: no rows"
    )
    assert errors.reason("") == "no reason given"
