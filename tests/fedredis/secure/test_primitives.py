"""The primitives are those of the RFCs, as they are used here."""

from __future__ import annotations

from itertools import combinations
from random import Random

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fedredis.errors import RuleError
from fedredis.secure import graph, masks, shamir
from fedredis.secure.circle import Circle
from fedredis.secure.identity import verify
from fedredis.secure.party import Pairs, Party, channel_key

unhex = bytes.fromhex
#: Points of low order: RFC 7748, section 6.1, asks to look for the zeros that they lead to.
LOW_ORDER = [
    bytes(32),
    unhex("01" + "00" * 31),
    unhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    unhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    unhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


def test_x25519_is_that_of_rfc_7748_6_1() -> None:
    a = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
    b = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
    alice, bob = (X25519PrivateKey.from_private_bytes(unhex(key)) for key in (a, b))
    assert alice.public_key().public_bytes_raw().hex() == (
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    )
    assert alice.exchange(bob.public_key()) == bob.exchange(alice.public_key())
    assert bob.exchange(alice.public_key()).hex() == (
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    )


@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda point: point.hex()[:8])
def test_a_key_of_low_order_is_refused(point: bytes) -> None:
    own = channel_key(bytes(32)).public_key().public_bytes_raw()
    party = Party(Pairs(Circle(b"", ("a", "b"), (own, point), 1.0)), "a", bytes(32))
    with pytest.raises(RuleError, match="'signatures': the channel key of slave b is none"):
        party.deal(1, 1)


def test_keys_of_pairs_are_derived_as_in_rfc_5869_a_1() -> None:
    salt, info = unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9")
    assert HKDF(SHA256(), 42, salt, info).derive(b"\x0b" * 22).hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


def test_what_is_said_of_a_key_can_t_be_cut_elsewhere() -> None:
    assert masks.derive(bytes(32), "ab", "c") != masks.derive(bytes(32), "a", "bc")
    assert masks.digest("ab", "c") != masks.digest("a", "bc") != masks.digest("a", "b", "c")


def test_words_are_those_of_rfc_8439() -> None:
    # Section 2.4.2, and appendix A.1, number 2.
    key, nonce = bytes(range(32)), unhex("01000000" + "000000000000004a00000000")
    text = b"Ladies and Gentlemen of the class of '99"
    sealed = Cipher(ChaCha20(key, nonce), None).encryptor().update(text)
    assert sealed.hex().startswith("6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9f")
    stream = "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
    assert masks.stream(bytes(32), 32).hex() == stream
    # Of several seeds they are added up, however many are drawn at once.
    seeds = [bytes([i]) * 32 for i in range(5)]
    each = [masks.stream(masks.keyed(seed, b"sum"), 8 * 30_000) for seed in seeds]
    total = sum(np.frombuffer(text, "<i8").view(np.uint64) for text in each)
    assert (masks.words(seeds, b"sum", 30_000).view(np.uint64) == total).all()
    assert masks.stream(bytes(32), 32).hex() == stream


def test_signatures_are_those_of_rfc_8032_7_1() -> None:
    seed = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()
    assert public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    signature = key.sign(b"")
    assert signature.hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065")
    assert verify(public, signature, b"")
    assert not verify(public, signature, b"r")
    assert not verify(b"short", signature, b"")


def test_shares_are_values_of_a_polynomial_and_any_of_them_make_the_secret() -> None:
    random, places = Random(5), range(1, 8)
    secrets = [0, 1, shamir.PRIME - 1, random.randrange(shamir.PRIME)]
    drawn = random.randbytes(shamir.random_needed(4, 3))
    dealt = dict(zip(places, shamir.deal(secrets, 3, 7, drawn), strict=True))
    for n, secret in enumerate(secrets):
        shares = {p: int.from_bytes(dealt[p][32 * n : 32 * n + 32], "little") for p in places}
        first, second = (int.from_bytes(drawn[k + 32 * n :][:32], "little") for k in (0, 128))
        # A parabola through the secret and two values at random.
        curve = second - 2 * first + secret
        for x, share in shares.items():
            value = secret + x * (first - secret) + x * (x - 1) // 2 * curve
            assert share % shamir.PRIME == value % shamir.PRIME
        for some in combinations(places, 3):
            assert shamir.combine({place: shares[place] for place in some}) == secret
        for few in combinations(places, 2):
            # Whatever the secret is held to be, a share more fits it: few shares say nothing.
            for other in (0, 42, shamir.PRIME - 1):
                weights = shamir.weights((*few, 9))
                left = other - sum(w * shares[p] for w, p in zip(weights, few, strict=False))
                ninth = left * pow(weights[2], -1, shamir.PRIME) % shamir.PRIME
                assert shamir.combine({**{p: shares[p] for p in few}, 9: ninth}) == other


@pytest.mark.parametrize(
    ("count", "share", "needed"),
    [(3, 0.67, 2), (5, 0.67, 3), (10, 0.67, 7), (30, 0.67, 20), (10, 0.51, 6), (2, 1.0, 2)],
)
def test_more_than_half_must_help(count: int, share: float, needed: int) -> None:
    assert graph.threshold(share, count) == needed


def test_the_graph_of_many_is_drawn_anew_for_every_circle() -> None:
    first, other = graph.neighbours(200, b"a"), graph.neighbours(200, b"b")
    assert any((x != y).any() for x, y in zip(first, other, strict=True))
    assert all(len(np.unique(near)) == graph.DEGREE + 1 for near in first)
    assert graph.neighbours(100, b"a")[99].tolist() == list(range(100))
