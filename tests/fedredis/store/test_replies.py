from fedredis.store.replies import fields, text, texts


def test_replies_become_text() -> None:
    assert text("é".encode()) == "é"
    assert texts([b"a", b""]) == ["a", ""]
    assert fields({b"a": b"1", b"b": b""}) == {"a": "1", "b": ""}
