"""JSON Web Tokens (RFC 7519), verified as RFC 8725 asks: the algorithm is ours to choose, never the token's."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.errors import BadInput, MlopsError, Unavailable
from jupyter_mlops.project import Jwt, Project
from jupyter_mlops.serving.callers import ACTS, Caller, NoKey

LOOK_EVERY = 5.0
_KTY = {"RS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
_FIX = "ask for a new one where this one was issued"
_log = logging.getLogger("jupyter_mlops.serving")


class BadToken(NoKey):
    code = "bad-token"


class Tokens:
    """Keys are read at the start, and again when their file changes. BadInput when there is none to be used."""

    def __init__(self, project: Project, spec: Jwt) -> None:
        self._spec, self._jwt = spec, _library()
        self._file = _file(project, spec)
        self._stamp = self._stamped()
        self._keys = self._read()
        self._looked = time.monotonic()

    def caller(self, token: str) -> Caller:
        """Who this token speaks of and what it allows. BadToken unless it is whole, known, in time and for us."""
        spec = self._spec
        self._look_again()
        try:
            claims = self._jwt.decode(
                token,
                self._key(token),
                algorithms=list(spec.algorithms),
                audience=spec.audience,
                issuer=spec.issuer,
                leeway=spec.leeway,
                options={"require": ["exp", "aud", "sub"], "enforce_minimum_key_length": True},
            )
        except (self._jwt.PyJWTError, ValueError, TypeError) as error:
            raise BadToken(f"this token is not taken: {_why(error)}", _FIX) from error
        return self._allowed(claims)

    def _allowed(self, claims: dict[str, Any]) -> Caller:
        """A token that names no models may use none; one that says nothing of what it is for may predict."""
        name, spec = str(claims["sub"])[:128], self._spec
        models = _words(claims, spec.models_claim, ())
        may = _words(claims, spec.may_claim, ("predict",))
        return Caller(name, models, tuple(act for act in may if act in ACTS), "token")

    def _key(self, token: str) -> Any:
        """The key that the token names by `kid`; the only one there is, where it names none."""
        if isinstance(self._keys, str):
            return self._keys
        kid = self._jwt.get_unverified_header(token).get("kid")
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        if not isinstance(kid, str) or kid not in self._keys:
            raise ValueError("it names no key that is known here")
        return self._keys[kid]

    def _look_again(self) -> None:
        """A file that was replaced is read; while the new one is of no use, the keys read before are kept."""
        now = time.monotonic()
        if self._file is None or now - self._looked < LOOK_EVERY:
            return
        self._looked, stamp = now, self._stamped()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._keys = self._read()
            except MlopsError as error:
                _log.warning("%s; the keys read before stay", error.message)

    def _stamped(self) -> tuple[int, int] | None:
        try:
            found = self._file.stat() if self._file else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size) if found else None

    def _read(self) -> str | dict[str, Any]:
        if self._file is None:
            return _secret(self._spec.secret_env or "")
        try:
            text = self._file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(
                f"auth.jwt: {self._file} cannot be read: {error}", "correct its name in mlops.yaml"
            ) from error
        return self._public(text) if self._spec.public_key else self._set(text)

    def _public(self, text: str) -> str:
        for algorithm in self._spec.algorithms:
            maker = self._jwt.get_algorithm_by_name(algorithm)
            try:
                weak = maker.check_key_length(maker.prepare_key(text))
            except (self._jwt.PyJWTError, ValueError, TypeError) as error:
                raise BadInput(
                    f"auth.jwt.public_key: {self._file} holds no public key for {algorithm}", "name the PEM file of one"
                ) from error
            if "PRIVATE KEY" in text or weak:
                raise BadInput(
                    f"auth.jwt.public_key: {weak or f'{self._file} holds a private key'}", "name a public key"
                )
        return text

    def _set(self, text: str) -> dict[str, Any]:
        """Keys for signing, of the kinds that the algorithms declared here need, by their `kid`."""
        wanted = {_KTY[algorithm] for algorithm in self._spec.algorithms}
        try:
            listed = [
                key for key in json.loads(text)["keys"] if key.get("kty") in wanted and key.get("use", "sig") == "sig"
            ]
            found = {str(key.get("kid", number)): self._jwt.PyJWK(key) for number, key in enumerate(listed)}
        except (self._jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(
                f"auth.jwt.jwks: {self._file} is no set of JSON Web Keys: {str(error)[:100]}", 'write {"keys": […]}'
            ) from error
        if not found:
            raise BadInput(
                f"auth.jwt.jwks: {self._file} holds no key for {', '.join(self._spec.algorithms)}",
                "add the key that signs the tokens",
            )
        return found


def _library() -> Any:
    try:
        import jwt
    except ImportError as error:
        raise Unavailable(
            "auth.jwt is declared, and PyJWT is not installed", "pip install 'jupyter_mlops[jwt]'"
        ) from error
    return jwt


def _file(project: Project, spec: Jwt) -> Path | None:
    name = spec.public_key or spec.jwks
    if name is None:
        return None
    path = (project.root / name).resolve()
    if not path.is_relative_to(project.root):
        raise BadInput(f"auth.jwt: {name!r} leaves the project folder", "name a file inside the project", path=name)
    return path


def _secret(name: str) -> str:
    secret = config.secret(name)
    if secret is None or len(secret.encode()) < 32:
        state = "is not set" if secret is None else "holds fewer than 32 bytes"
        raise BadInput(
            f"auth.jwt.secret_env: the environment variable {name} {state}",
            f"set it where the server starts: export {name}=$(openssl rand -hex 32)",
            field="auth.jwt.secret_env",
        )
    return secret


def _words(claims: dict[str, Any], name: str, absent: tuple[str, ...]) -> tuple[str, ...]:
    """A claim's words: a list of them, or a text with spaces between as `scope` has. Anything else allows nothing."""
    value = claims.get(name)
    if value is None:
        return absent
    found = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(word for word in found if isinstance(word, str))


_WHY = {
    "ExpiredSignatureError": "it has expired",
    "ImmatureSignatureError": "it is not valid yet",
    "InvalidAudienceError": "it is for another audience",
    "InvalidIssuerError": "it is of another issuer",
    "InvalidAlgorithmError": "it is signed by an algorithm that is not taken here",
    "InvalidSignatureError": "its signature is not of the key that is known here",
    "InvalidKeyError": "its signature is not of the kind of key that is known here",
}


def _why(error: Exception) -> str:
    """What is wrong, without what it holds."""
    lacks = getattr(error, "claim", None)
    if lacks:
        return f"it has no claim {lacks!r}"
    return _WHY.get(type(error).__name__, str(error) if type(error) is ValueError else "it is malformed")
