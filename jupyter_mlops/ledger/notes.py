"""Checkpoints as C2SP signed notes (tlog-checkpoint, signed-note), so that any transparency-log tool can read them.

The text is the ledger's origin, its size and its root; below a blank line stands who signed it, with Ed25519.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from jupyter_mlops.errors import BadInput

ED25519 = b"\x01"
_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True)
class PublicKey:
    """A verifier key: `name+hash+base64(0x01 || key)`."""

    name: str
    raw: bytes

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.raw).decode()}"

    def signed(self, text: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    public: PublicKey
    seed: bytes

    def sign(self, text: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text)


@dataclass(frozen=True)
class Checkpoint:
    """What was said of a ledger at one moment; `note` is the text as it was signed, to the byte."""

    origin: str
    size: int
    root: bytes
    note: str

    @property
    def short(self) -> str:
        """Size and eight characters of the root, for a printed report."""
        return f"{self.size}:{self.root.hex()[:8]}"


def write(origin: str, size: int, root: bytes, key: SigningKey) -> Checkpoint:
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    signature = base64.b64encode(key.public.key_id + key.sign(text.encode())).decode()
    return Checkpoint(origin, size, root, f"{text}\n\u2014 {key.public.name} {signature}\n")


def read(note: str) -> Checkpoint:
    """The checkpoint in a signed note; BadInput when it is none. Signatures are not looked at."""
    lines = note.partition("\n\n")[0].split("\n")
    try:
        root = base64.b64decode(lines[2], validate=True)
        size = int(lines[1])
        if str(size) != lines[1] or size < 0 or len(root) != 32 or not lines[0]:
            raise ValueError(lines[1])
    except (IndexError, ValueError, binascii.Error) as error:
        raise BadInput("this is not a ledger checkpoint", "name a file that `ledger checkpoint` wrote") from error
    return Checkpoint(lines[0], size, root, note)


def signatures(note: str) -> list[tuple[str, bytes, bytes]]:
    """(name, key id, signature) of each signature line."""
    found = []
    for line in note.partition("\n\n")[2].splitlines():
        words = line.split(" ")
        if len(words) == 3 and words[0] == "\u2014":
            try:
                raw = base64.b64decode(words[2], validate=True)
            except (ValueError, binascii.Error):
                continue
            found.append((words[1], raw[:4], raw[4:]))
    return found


def standing(note: str, keys: list[PublicKey]) -> str:
    """`signed` by one of these keys, `unknown key`, or `bad signature` when a known key's signature does not hold."""
    text = (note.partition("\n\n")[0] + "\n").encode()
    answer = "unknown key"
    for name, key_id, signature in signatures(note):
        for key in keys:
            if (key.name, key.key_id) == (name, key_id):
                if not key.signed(text, signature):
                    return "bad signature"
                answer = "signed"
    return answer


def public_key(text: str) -> PublicKey:
    """A verifier key from its text; BadInput when it is none or its parts do not belong together."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    key = PublicKey(name, raw[1:])
    if not name or raw[:1] != ED25519 or len(raw) != 33 or key.key_id.hex() != key_id:
        raise BadInput("this is not a verifier key", "a key looks like NAME+a1b2c3d4+AVk…; see `ledger key`")
    return key


def signing_key(path: Path) -> SigningKey:
    """The key at this path, made when there is none (0600, its folder 0700)."""
    if not path.exists():
        _make(path)
    words = path.read_text(encoding="ascii").strip().removeprefix(_PRIVATE).split("+", 2)
    try:
        seed = base64.b64decode(words[2], validate=True)[1:]
        raw = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    except (IndexError, ValueError, binascii.Error) as error:
        raise BadInput(
            f"{path} is not a signing key", "move it away; a new one is made at the next checkpoint"
        ) from error
    return SigningKey(PublicKey(words[0], raw), seed)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    seed = os.urandom(32)
    raw = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    key = PublicKey(f"jupyter-mlops-{hashlib.sha256(raw).hexdigest()[:8]}", raw)
    text = f"{_PRIVATE}{key.name}+{key.key_id.hex()}+{base64.b64encode(ED25519 + seed).decode()}\n"
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    try:
        os.link(unfinished, path)  # of several that make one at once, the first stays
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
