"""The primitives are those of the RFCs, as they are used here."""

from __future__ import annotations

import math
from hashlib import blake2b
from itertools import combinations
from random import Random

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES, ChaCha20
from cryptography.hazmat.primitives.ciphers.modes import ECB
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


def test_x25519_is_that_of_rfc_7748_6_1():
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
def test_a_key_of_low_order_is_refused(point):
    own = channel_key(bytes(32)).public_key().public_bytes_raw()
    party = Party(Pairs(Circle(b"", ("a", "b"), (own, point), 1.0, 2)), "a", bytes(32))
    with pytest.raises(RuleError, match="'signatures': the channel key of slave b is none"):
        party.deal(1, 1)


def test_keys_of_pairs_are_derived_as_in_rfc_5869_a_1():
    salt, info = unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9")
    assert HKDF(SHA256(), 42, salt, info).derive(b"\x0b" * 22).hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


def test_what_is_said_of_a_key_can_t_be_cut_elsewhere():
    assert masks.derive(bytes(32), "ab", "c") != masks.derive(bytes(32), "a", "bc")
    assert masks.digest("ab", "c") != masks.digest("a", "bc") != masks.digest("a", "b", "c")


def aes(key: bytes, block: bytes) -> bytes:
    return Cipher(AES(key), ECB()).encryptor().update(block)


def test_streams_are_those_of_rfc_8439():
    # Section 2.4.2, and appendix A.1, number 2.
    key, nonce = bytes(range(32)), unhex("01000000" + "000000000000004a00000000")
    text = b"Ladies and Gentlemen of the class of '99"
    sealed = Cipher(ChaCha20(key, nonce), None).encryptor().update(text)
    assert sealed.hex().startswith("6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9f")
    stream = "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
    assert masks.stream(bytes(32), 32).hex() == stream


def test_words_are_those_of_a_one_way_function_of_aes():
    # FIPS 197, appendix C.3.
    known = unhex("00112233445566778899aabbccddeeff")
    assert aes(bytes(range(32)), known).hex() == "8ea2b7ca516745bfeafc49904b496089"
    seeds = np.frombuffer(Random(3).randbytes(5 * masks.SEED), np.uint8).reshape(5, masks.SEED)
    key = blake2b(b"sum", digest_size=32).digest()
    for seed, row in zip(seeds, masks.drawn(seeds, b"sum", 7), strict=True):
        for block in range(3):
            given = int.from_bytes(seed.tobytes(), "little") ^ block
            sealed = aes(key, given.to_bytes(16, "little"))
            word = (int.from_bytes(sealed, "little") ^ given).to_bytes(16, "little")
            assert word.startswith(row[2 * block : 2 * block + 2].tobytes())


@pytest.mark.parametrize("count", [1, 5, 30_000])
def test_words_are_added_up_however_many_are_drawn_at_once(count):
    seeds = np.frombuffer(Random(4).randbytes(50 * masks.SEED), np.uint8).reshape(50, masks.SEED)
    each = [masks.drawn(seeds[i : i + 1], b"sum", count)[0] for i in range(50)]
    for plus in (50, 17, 0):
        total = sum(each[:plus]) - sum(each[plus:], np.zeros(count, np.uint64))
        found = masks.words(seeds[:plus], seeds[plus:], b"sum", count)
        assert (found.view(np.uint64) == total).all()
    assert not masks.words(seeds[:0], seeds[:0], b"sum", count).any()


def test_signatures_are_those_of_rfc_8032_7_1():
    seed = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()
    assert public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    signature = key.sign(b"")
    assert signature.hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065")
    assert verify(public, signature, b"")
    assert not verify(public, signature, b"r")
    assert not verify(b"short", signature, b"")


def test_shares_are_values_of_a_polynomial_and_any_of_them_make_the_secret():
    random, places, prime = np.random.default_rng(5), range(1, 8), shamir.PRIME
    assert all(prime % small for small in range(2, math.isqrt(prime) + 1))
    secrets = random.integers(0, 256, (4, masks.SEED), np.uint8)
    secrets[0], secrets[1] = 0, 255
    numbers = shamir.cut(secrets)
    first = random.integers(0, 2**64, (2, 4, shamir.PARTS), np.uint64)
    shares = np.concatenate([first % prime, shamir.deal(secrets, first, 7)]).astype(np.int64)
    # A parabola through the secret and two values at random.
    curve = shares[1] - 2 * shares[0] + numbers
    for x, share in zip(places, shares, strict=True):
        value = numbers + x * (shares[0] - numbers) + x * (x - 1) // 2 * curve
        assert (share == value % prime).all()
    for some in combinations(places, 3):
        those = shares[[p - 1 for p in some]].astype(np.uint32)
        assert (shamir.combined(some, those) == secrets).all()
        # As well where a number is not below the prime.
        assert (shamir.combined(some, those + prime) == secrets).all()
    for few in combinations(places, 2):
        # Whatever the secret is held to be, a share more fits it: few shares say nothing.
        for other in (np.zeros_like(secrets), secrets[::-1]):
            a, b = few
            at = [pow((0 - a) * (0 - b), -1, prime) * (9 - a) * (9 - b)]
            at += [(9 - 0) * (9 - q) * pow((p - 0) * (p - q), -1, prime) for p, q in (few, (b, a))]
            values = (shamir.cut(other), shares[a - 1], shares[b - 1])
            ninth = sum(w % prime * value for w, value in zip(at, values, strict=True)) % prime
            those = np.stack([shares[a - 1], shares[b - 1], ninth]).astype(np.uint32)
            assert (shamir.combined((a, b, 9), those) == other).all()


def test_sums_of_products_are_exact_for_as_many_shares_as_there_can_be():
    assert max(graph.COMPLETE, graph.DEGREE + 1) <= shamir.MOST
    secrets = np.full((2, masks.SEED), 255, np.uint8)
    first = np.full((shamir.MOST - 1, 2, shamir.PARTS), shamir.PRIME - 1, np.uint64)
    shares = shamir.deal(secrets, first, shamir.MOST + 3)
    some = np.concatenate([first.astype(np.uint32), shares])[-shamir.MOST :]
    points = range(4, shamir.MOST + 4)
    assert (shamir.combined(points, some) == secrets).all()
    with pytest.raises(ValueError, match="129 shares are too many"):
        shamir.combined(range(1, 130), np.zeros((129, 1, shamir.PARTS), np.uint32))


@pytest.mark.parametrize(
    ("count", "share", "needed"),
    [(3, 0.67, 2), (5, 0.67, 3), (10, 0.67, 7), (30, 0.67, 20), (10, 0.51, 6), (2, 1.0, 2)],
)
def test_more_than_half_must_help(count, share, needed):
    assert graph.threshold(share, count) == needed


def test_the_graph_of_many_is_drawn_anew_for_every_circle():
    first, other = graph.neighbours(200, b"a"), graph.neighbours(200, b"b")
    assert any((x != y).any() for x, y in zip(first, other, strict=True))
    assert all(len(np.unique(near)) == graph.DEGREE + 1 for near in first)
    assert graph.neighbours(100, b"a")[99].tolist() == list(range(100))
