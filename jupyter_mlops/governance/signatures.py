"""OpenSSF model signatures: which files a model has, signed, so that model-signing and any Sigstore tool can check them.

The form is its v1.0: an in-toto Statement with a digest for each file, in a DSSE envelope, in a Sigstore bundle. The key is
an elliptic one (P-256), since its verifiers know no Ed25519; it is derived from the ledger's key, so there is one to keep.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from jupyter_mlops.errors import BadInput
from jupyter_mlops.ledger import SigningKey

_TYPE = "application/vnd.in-toto+json"
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
# The order of P-256's group (SEC 2, 2.4.2): a private key is a number below it.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HASH = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


def model_key(key: SigningKey) -> ec.EllipticCurvePrivateKey:
    """The P-256 key that goes with a ledger's key; always the same one."""
    wide = HKDF(hashes.SHA256(), 48, salt=None, info=b"jupyter-mlops/model-signature/p256").derive(key.seed)
    return ec.derive_private_key(int.from_bytes(wide) % (_ORDER - 1) + 1, ec.SECP256R1())


def public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_line(pem: bytes) -> str:
    """A public key in one line, as a policy names it: the PEM without its first and last."""
    return "".join(line for line in pem.decode().splitlines() if not line.startswith("-----"))


def key_pem(line: str) -> bytes:
    return f"-----BEGIN PUBLIC KEY-----\n{line.strip()}\n-----END PUBLIC KEY-----\n".encode()


def is_model_key(line: str) -> bool:
    try:
        key = serialization.load_pem_public_key(key_pem(line))
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


def sign_files(name: str, files: Mapping[str, str], key: ec.EllipticCurvePrivateKey) -> bytes:
    """The Sigstore bundle over a model's files (name to SHA-256, as hex); the same files and key give the same bytes."""
    payload = json.dumps(_statement(name, files), sort_keys=True).encode()
    signature = key.sign(_enveloped(payload), _HASH)
    hint = hashlib.sha256(public_pem(key.public_key())).hexdigest()
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": _TYPE,
        "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
    }
    bundle = {
        "mediaType": _BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": envelope,
    }
    return json.dumps(bundle, indent=1, sort_keys=True).encode() + b"\n"


def signed_files(bundle: bytes, pem: bytes) -> dict[str, str]:
    """The files (name to SHA-256) that this key signed; BadInput says what is wrong with the bundle."""
    try:
        key = serialization.load_pem_public_key(pem)
        envelope = json.loads(bundle)["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signature = base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
        if not isinstance(key, ec.EllipticCurvePublicKey) or envelope["payloadType"] != _TYPE:
            raise ValueError("another kind of signature")
        key.verify(signature, _enveloped(payload), _HASH)
        return _resources(json.loads(payload))
    except InvalidSignature:
        raise BadInput("the model signature does not hold for this key", "get it from who signed the model") from None
    except (ValueError, KeyError, IndexError, TypeError, UnsupportedAlgorithm, binascii.Error) as error:
        raise BadInput(f"this is no model signature: {error}", "name an OpenSSF bundle (model.sig)") from error


def _statement(name: str, files: Mapping[str, str]) -> dict[str, Any]:
    listed = sorted(files.items())
    root = hashlib.sha256(b"".join(bytes.fromhex(digest) for _, digest in listed)).hexdigest()
    how = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []}
    resources = [{"name": file, "algorithm": "sha256", "digest": digest} for file, digest in listed]
    return {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": root}}],
        "predicateType": _PREDICATE,
        "predicate": {"serialization": how, "resources": resources},
    }


def _resources(statement: Any) -> dict[str, str]:
    if (statement["_type"], statement["predicateType"]) != (_STATEMENT, _PREDICATE):
        raise ValueError(f"it says it is {statement['predicateType']!r}")
    return {str(r["name"]): str(r["digest"]) for r in statement["predicate"]["resources"]}


def _enveloped(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding, which says where type and payload end."""
    return b"DSSEv1 %d %s %d %s" % (len(_TYPE), _TYPE.encode(), len(payload), payload)
