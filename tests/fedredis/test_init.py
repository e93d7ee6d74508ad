import pytest

import fedredis


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'fedredis' has no attribute 'train'"):
        fedredis.train  # noqa: B018


def test_the_names_are_listed():
    assert set(fedredis.__all__) <= set(dir(fedredis))
    assert "__version__" in dir(fedredis)


def test_all_names_are_described():
    for name in set(fedredis.__all__) - {"__version__"}:
        assert getattr(fedredis, name).__doc__, name


def test_modules_are_found_beside_the_names():
    from fedredis import acl, errors

    assert fedredis.acl is acl
    assert fedredis.FedredisError is errors.FedredisError
