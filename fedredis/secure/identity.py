"""Who a slave is: a signing key on its own disk, and the roster of everybody's public keys."""

from __future__ import annotations

import base64
import hashlib
import os
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from fedredis.errors import UsageError
from fedredis.secure.masks import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: What the name of a key's file ends with.
SUFFIX = ".key"


@dataclass(frozen=True)
class Identity:
    """A slave's name and its Ed25519 key."""

    name: str
    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def make(cls, folder: Path, name: str) -> Self:
        """Draw a key, and write it to ``<name>.key``, which only its owner can read.

        Raises
        ------
        UsageError
            If there is one already.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, key = folder / f"{name}{SUFFIX}", Ed25519PrivateKey.generate()
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # Written whole under another name first: a key that is there is complete.
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            os.link(partial, path)
        except FileExistsError:
            raise UsageError(f"{path} is there already: a new key would be a new slave") from None
        finally:
            partial.unlink(missing_ok=True)
        return cls(name, key)

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        """Read a slave's key.

        Raises
        ------
        UsageError
            If it is not there, is none, or can be read by others.
        """
        path = folder / f"{name}{SUFFIX}"
        try:
            open_to_others = path.stat().st_mode & 0o077
            key = load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise UsageError(
                f"slave {name} has no key ({path}: {error.strerror}): "
                f"`fedredis identity make {name}` makes one"
            ) from None
        except (ValueError, TypeError):
            key, open_to_others = None, 0
        if open_to_others:
            raise UsageError(f"{path} is open to other users: chmod 600 {path}")
        if not isinstance(key, Ed25519PrivateKey):
            raise UsageError(f"{path} is not an Ed25519 key in PEM")
        return cls(name, key)

    @property
    def public(self) -> bytes:
        """The public key (32,)."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Sign a message (64,)."""
        return self._key.sign(message)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether the holder of a public key has signed a message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: bytes) -> str:
    """Return what two people compare by voice, in the form of SSH's fingerprints."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")


@dataclass(frozen=True)
class Roster:
    """The public keys (32,) of slaves, by name."""

    keys: Mapping[str, bytes]

    @classmethod
    def of(cls, identities: Iterable[Identity]) -> Self:
        """List identities."""
        return cls({identity.name: identity.public for identity in identities})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the table ``[roster]`` of a TOML file.

        Raises
        ------
        UsageError
            If there is none, or a key in it is none.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8")).get("roster")
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise UsageError(f"{path} is not TOML: {error}") from None
        return cls.from_table(table, str(path))

    @classmethod
    def from_table(cls, table: object, where: str) -> Self:
        """Read a table of names and keys in base64.

        Raises
        ------
        UsageError
            If it is none.
        """
        if not isinstance(table, dict) or not table:
            raise UsageError(f"{where} has no table [roster] of slaves and their public keys")
        keys = {}
        for name, text in table.items():
            try:
                keys[str(name)] = base64.b64decode(text, validate=True)
            except (ValueError, TypeError):
                keys[str(name)] = b""
            if len(keys[str(name)]) != 32:
                raise UsageError(f"{where}: the roster's key of slave {name!r} is none")
        holders: dict[bytes, str] = {}
        for name, key in keys.items():
            if holders.setdefault(key, name) != name:
                raise UsageError(
                    f"{where}: slaves {holders[key]!r} and {name!r} of the roster have the same "
                    "key; each needs one of its own"
                )
        return cls(keys)

    def to_toml(self) -> str:
        """Write the table."""
        lines = (f'"{name}" = "{base64.b64encode(k).decode()}"' for name, k in self.keys.items())
        return "\n".join(["[roster]", *lines, ""])

    def digest(self, names: Iterable[str]) -> bytes:
        """Digest the keys of some slaves (32,); who is not on the roster counts as such."""
        return digest(*(part for name in names for part in (name, self.keys.get(name, b""))))
