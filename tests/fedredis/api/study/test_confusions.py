from fedredis.api.study.confusions import Mistake, most_frequent


def test_mistakes_by_their_number_of_rows():
    assert most_frequent([[5, 1, 3], [0, 0, 0], [3, 0, 7]]) == [
        Mistake(0, 2, 3, 3 / 9),
        Mistake(2, 0, 3, 0.3),
        Mistake(0, 1, 1, 1 / 9),
    ]
    assert most_frequent([[5]]) == []
