"""Tokens of an identity provider: what each claim allows, and every way in which one must not be believed."""

import base64
import hashlib
import hmac
import json
import os
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from declared import MLOPS_YAML
from house import Registry, serving, slope

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import load
from jupyter_mlops.serving import new_key, tokens

NAME = "rul.plant-01"
SECRET = "a secret of sixty-four bytes or more, that is known to the two of us and to nobody else"
KEYS = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def _pem(key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _jwk(kind: str, key, kid: str) -> dict:
    made = jwt.get_algorithm_by_name(kind).to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": kid}


def _registry(root, more: dict, **auth) -> Registry:
    declared = {"audience": "endpoint", "issuer": "https://id.example", **more}
    (root / "mlops.yaml").write_text(MLOPS_YAML + f"auth: {json.dumps({'jwt': declared, **auth})}\n")
    registry = Registry(load(root))
    registry.put(NAME, 1, slope(2), "champion")
    registry.put("other", 1, slope(3), "champion")
    return registry


def _claims(**changed) -> dict:
    usual = {"sub": "erp", "aud": "endpoint", "iss": "https://id.example", "exp": time.time() + 600, "models": ["rul"]}
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def _ask(client, token: str, path: str = f"/models/{NAME}/invocations", method: str = "POST"):
    return client.ask(method, path, headers={"authorization": f"Bearer {token}"}, json={"instances": [[1]]})


def _part(content: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _hand_made(header: dict, claims: dict, secret: bytes) -> str:
    """As no library would sign it."""
    text = f"{_part(header)}.{_part(claims)}"
    mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


@pytest.fixture
def secret(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN_SECRET", SECRET)
    return _registry(tmp_path, {"algorithms": ["HS256"], "secret_env": "TOKEN_SECRET"})


def test_claims_say_what_a_token_is_for(secret):
    with serving(secret, NAME, "other") as client:

        def status(path: str = f"/models/{NAME}/invocations", method: str = "POST", **claims) -> int:
            return _ask(client, jwt.encode(_claims(**claims), SECRET, "HS256"), path, method).status_code

        assert status() == 200
        assert status(models=[NAME]) == 200
        assert status(models="other rul") == 200
        assert status(models=["*"]) == 200
        assert status(models=["other"]) == 403
        assert status(models=None) == 403
        assert status(models={"rul": True}) == 403
        assert status(models=[["rul"]]) == 403
        assert status("/models/other/invocations") == 403
        assert status("/metrics", "GET") == 403
        assert status("/metrics", "GET", may=["metrics"]) == 200
        assert status(may=["metrics"]) == 403
        assert status("/ground-truth") == 403
        assert status(aud=["somebody", "endpoint"]) == 200
        assert client.ask("POST", f"/models/{NAME}/invocations", json={"instances": [[1]]}).status_code == 401
        assert client.ask("GET", "/health/live").status_code == 200


def test_tokens_not_for_us_or_not_now_are_told_why(secret):
    wrong = [
        ({"exp": time.time() - 3600}, "has expired"),
        ({"exp": None}, "no claim 'exp'"),
        ({"nbf": time.time() + 3600}, "not valid yet"),
        ({"aud": "another"}, "another audience"),
        ({"aud": None}, "no claim 'aud'"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": None}, "no claim 'iss'"),
        ({"sub": None}, "no claim 'sub'"),
    ]
    with serving(secret, NAME) as client:
        for claims, said in wrong:
            answer = _ask(client, jwt.encode(_claims(**claims), SECRET, "HS256"))
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "bad-token"
            assert said in answer.json()["error"]["message"]
            assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_nobody_signed_is_not_believed(secret):
    good = jwt.encode(_claims(), SECRET, "HS256")
    head, body, signature = good.split(".")
    forged = [
        _hand_made({"alg": "HS256"}, _claims(), b"another secret of more than 32 bytes, guessed"),
        f"{_part({'alg': 'none'})}.{_part(_claims())}.",
        f"{_part({'alg': 'None'})}.{_part(_claims())}.{signature}",
        f"{head}.{_part(_claims(models=['*']))}.{signature}",
        f"{head}.{body}.",
        jwt.encode(_claims(), SECRET, "HS512"),
        _hand_made({"alg": "HS256", "crit": ["mine"], "mine": 1}, _claims(), SECRET.encode()),
        "a.b.c",
        "..",
    ]
    with serving(secret, NAME) as client:
        assert _ask(client, good).status_code == 200
        answers = [_ask(client, token) for token in forged]
        assert [answer.status_code for answer in answers] == [401] * len(forged)
        assert not any(SECRET in answer.text or "Traceback" in answer.text for answer in answers)


@pytest.mark.parametrize("kind", sorted(KEYS))
def test_a_public_key_verifies_and_is_never_a_secret(tmp_path, kind):
    (tmp_path / "id.pem").write_text(_pem(KEYS[kind]))
    registry = _registry(tmp_path, {"algorithms": [kind], "public_key": "id.pem"})
    stranger = {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }[kind]
    with serving(registry, NAME) as client:
        assert _ask(client, jwt.encode(_claims(), KEYS[kind], kind)).status_code == 200
        assert _ask(client, jwt.encode(_claims(), stranger, kind)).status_code == 401
        for text in (_pem(KEYS[kind]), _pem(KEYS[kind]).strip()):
            confused = _hand_made({"alg": "HS256", "typ": "JWT"}, _claims(), text.encode())
            assert _ask(client, confused).status_code == 401
        others = [other for other in KEYS if other != kind]
        assert all(_ask(client, jwt.encode(_claims(), KEYS[o], o)).status_code == 401 for o in others)


def test_a_set_of_keys_is_asked_by_name_and_read_again_when_it_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "LOOK_EVERY", 0.0)
    place, new = tmp_path / "jwks.json", ed25519.Ed25519PrivateKey.generate()
    shared = {"kty": "oct", "k": _part({"k": "x" * 40}), "kid": "shared"}
    for_encryption = {**_jwk("RS256", KEYS["RS256"], "enc"), "use": "enc"}
    old = [shared, for_encryption, _jwk("RS256", KEYS["RS256"], "a"), _jwk("EdDSA", KEYS["EdDSA"], "b")]
    place.write_text(json.dumps({"keys": old}))
    registry = _registry(tmp_path, {"algorithms": ["RS256", "EdDSA"], "jwks": "jwks.json"})
    with serving(registry, NAME) as client:

        def status(key, kind: str, kid: str | None) -> int:
            return _ask(client, jwt.encode(_claims(), key, kind, headers={"kid": kid} if kid else None)).status_code

        assert status(KEYS["RS256"], "RS256", "a") == 200
        assert status(KEYS["EdDSA"], "EdDSA", "b") == 200
        assert status(KEYS["EdDSA"], "EdDSA", "a") == 401
        assert status(KEYS["RS256"], "RS256", "enc") == 401
        assert status(KEYS["RS256"], "RS256", None) == 401
        assert status(KEYS["RS256"], "RS256", "../../etc/passwd") == 401
        key = base64.urlsafe_b64decode(shared["k"] + "=" * (-len(shared["k"]) % 4))
        assert _ask(client, _hand_made({"alg": "HS256", "kid": "shared"}, _claims(), key)).status_code == 401
        assert status(new, "EdDSA", "c") == 401
        _replace(place, json.dumps({"keys": [_jwk("EdDSA", new, "c")]}))
        assert status(new, "EdDSA", "c") == 200
        assert status(new, "EdDSA", None) == 200
        assert status(KEYS["RS256"], "RS256", "a") == 401
        _replace(place, "{")
        assert status(new, "EdDSA", "c") == 200


def _replace(place, text: str) -> None:
    made = place.with_name("new.json")
    made.write_text(text)
    os.utime(made, (time.time() + 10,) * 2)
    made.replace(place)


def test_keys_and_tokens_stand_beside_each_other(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN_SECRET", SECRET)
    key, digest = new_key()
    declared = {"algorithms": ["HS256"], "secret_env": "TOKEN_SECRET"}
    registry = _registry(tmp_path, declared, keys=[{"name": "erp", "sha256": digest}])
    with serving(registry, NAME) as client:
        assert _ask(client, key).status_code == 200
        assert _ask(client, jwt.encode(_claims(), SECRET, "HS256")).status_code == 200
        assert _ask(client, "mlops_guess").status_code == 401


def _private() -> str:
    return KEYS["EdDSA"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"algorithms": ["HS256"], "secret_env": "NOT_SET"}, "NOT_SET is not set"),
        ({"algorithms": ["HS256"], "secret_env": "SHORT"}, "fewer than 32 bytes"),
        ({"algorithms": ["HS256"], "public_key": "id.pem"}, "must never serve as a secret"),
        ({"algorithms": ["RS256", "HS256"], "secret_env": "SHORT"}, "must never serve as a secret"),
        ({"algorithms": ["RS256"]}, "names one of"),
        ({"algorithms": ["none"], "secret_env": "SHORT"}, "HS256"),
        ({"algorithms": ["RS256"], "public_key": "id.pem"}, "no public key for RS256"),
        ({"algorithms": ["EdDSA"], "public_key": "private.pem"}, "holds a private key"),
        ({"algorithms": ["EdDSA"], "public_key": "gone.pem"}, "cannot be read"),
        ({"algorithms": ["EdDSA"], "public_key": "../id.pem"}, "leaves the project folder"),
        ({"algorithms": ["EdDSA"], "jwks": "id.pem"}, "no set of JSON Web Keys"),
        ({"algorithms": ["EdDSA"], "jwks": "empty.json"}, "holds no key for EdDSA"),
        ({"algorithms": ["EdDSA"], "jwks": "list.json"}, "no set of JSON Web Keys"),
    ],
)
def test_what_is_declared_wrongly_is_named_before_anything_is_served(tmp_path, monkeypatch, declared, said):
    monkeypatch.setenv("SHORT", "short")
    for name, text in (
        ("id.pem", _pem(KEYS["EdDSA"])),
        ("private.pem", _private()),
        ("empty.json", '{"keys": []}'),
        ("list.json", '{"keys": [1]}'),
    ):
        (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=said):
        tokens.Tokens((project := _registry(tmp_path, declared).project), project.file.auth.jwt)
