"""How many secrets the masker knows, how seldom it takes an ordinary line for one, and that no text keeps it busy."""

from __future__ import annotations

import base64
import hashlib
import random
import string
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

import jupyter_mlops
from jupyter_mlops.masking import mask

ALNUM = string.ascii_letters + string.digits
URLSAFE = f"{ALNUM}_-"
HEX = "0123456789abcdef"


def _some(rng: random.Random, count: int, letters: str = ALNUM) -> str:
    return "".join(rng.choices(letters, k=count))


def _password(rng: random.Random) -> str:
    return _some(rng, 8) + rng.choice("!$%*+") + _some(rng, 5) + "7"


# What each issuer writes, put together here so that none stands in a file of ours. The second is how it is met.
KINDS: dict[str, tuple[Callable[[random.Random], str], str]] = {
    "aws key": (lambda r: "AKIA" + _some(r, 16, string.ascii_uppercase + string.digits), "key={}"),
    "aws secret": (lambda r: _some(r, 40, f"{ALNUM}/+"), "aws_secret_access_key = '{}'"),
    "github": (lambda r: "ghp_" + _some(r, 36), "git clone https://{}@github.com/x/y"),
    "github fine": (lambda r: f"github_pat_{_some(r, 22)}_{_some(r, 59)}", "use {}"),
    "gitlab": (lambda r: "glpat-" + _some(r, 20, URLSAFE[:-1]), "PRIVATE-TOKEN: {}"),
    "slack": (lambda r: f"xoxb-{_some(r, 12, string.digits)}-{_some(r, 24)}", "client({!r})"),
    "slack app": (lambda r: f"xapp-1-A{_some(r, 10)}-{_some(r, 12, string.digits)}-{_some(r, 40, HEX)}", "{}"),
    "slack hook": (
        lambda r: f"T{_some(r, 8).upper()}/B{_some(r, 8).upper()}/{_some(r, 24)}",
        "post('https://hooks.slack.com/services/{}')",
    ),
    "openai": (lambda r: "sk-proj-" + _some(r, 48, URLSAFE[:-1]), "OpenAI({!r})"),
    "anthropic": (lambda r: "sk-ant-api03-" + _some(r, 90, URLSAFE[:-1]), "x-api-key: {}"),
    "hugging face": (lambda r: "hf_" + _some(r, 34, string.ascii_letters), "login({!r})"),
    "databricks": (lambda r: "dapi" + _some(r, 32, HEX), "{}"),
    "google": (lambda r: "AIza" + _some(r, 35, URLSAFE[:-2]), "?key={}&q=1"),
    "google oauth": (lambda r: "ya29." + _some(r, 60, URLSAFE[:-1]), "{}"),
    "sendgrid": (lambda r: f"SG.{_some(r, 22, ALNUM)}.{_some(r, 43, ALNUM)}", "{}"),
    "stripe": (lambda r: "sk_live_" + _some(r, 24), "stripe.api_key = {!r}"),
    "npm": (lambda r: "npm_" + _some(r, 36), "//registry.npmjs.org/:_authToken={}"),
    "pypi": (lambda r: "pypi-AgEIcHlwaS5vcmc" + _some(r, 70, URLSAFE[:-1]), "twine upload -p {}"),
    "docker": (lambda r: "dckr_pat_" + _some(r, 27, URLSAFE[:-1]), "docker login -p {}"),
    "digital ocean": (lambda r: "dop_v1_" + _some(r, 64, HEX), "{}"),
    "telegram": (lambda r: f"{_some(r, 10, '123456789')}:AA{_some(r, 33, URLSAFE[:-1])}", "bot({!r})"),
    "azure storage": (
        lambda r: base64.b64encode(r.randbytes(64)).decode(),
        "AccountName=plant;AccountKey={};EndpointSuffix=core.windows.net",
    ),
    "azure sas": (
        lambda r: _some(r, 43) + "%3D",
        "https://a.blob.core.windows.net/c?sv=2024-11-04&sp=r&sig={}",
    ),
    "jwt": (lambda r: f"eyJhbGciOiJIUzI1NiJ9.eyJ{_some(r, 30, URLSAFE[:-1])}.{_some(r, 43, ALNUM)}", "{}"),
    "bearer": (lambda r: _some(r, 40), "Authorization: Bearer {}"),
    "basic": (lambda r: base64.b64encode(r.randbytes(24)).decode(), "{{'Authorization': 'Basic {}'}}"),
    "private key": (
        lambda r: "\n".join(_some(r, 64, f"{ALNUM}/+") for _ in range(6)),
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    ),
    "private key cut off": (
        lambda r: "\n".join(_some(r, 64, f"{ALNUM}/+") for _ in range(6)),
        "-----BEGIN PRIVATE KEY-----\n{}",
    ),
    "in a url": (lambda r: _some(r, 12) + "%21", "create_engine('postgresql://ann:{}@db.plant/x')"),
    "in a redis url": (lambda r: _some(r, 16), "redis://:{}@cache:6379/0"),
    "assigned": (_password, "password = {!r}"),
    "in json": (_password, '{{"user": "ann", "db_password": "{}"}}'),
    "in an item": (_password, "os.environ['MLFLOW_TRACKING_PASSWORD'] = {!r}"),
    "in .env": (_password, "USER=ann\nexport DB_PASSWORD={}\nMODE=1"),
    "in yaml": (_password, "db:\n  user: ann\n  password: {}\n"),
    "as a default": (_password, "os.getenv('API_KEY', default={!r})"),
    "as an attribute": (_password, "setattr(settings, 'password', {!r})"),
    "in brackets": (_password, "api_key = (\n    {!r}\n)"),
    "of a pair": (_password, "get(url, auth=HTTPBasicAuth('ann', {!r}))"),
    "in a line of words": (_password, "connect('host=db user=ann password={} dbname=x')"),
    "bare": (lambda r: f"aB{_some(r, 9)}7", "password = {}"),
    "as an option": (_password, "mysql --user ann --password={} plant"),
}


def _case(kind: str, rng: random.Random) -> tuple[str, str]:
    make, met = KINDS[kind]
    secret = make(rng)
    return secret, met.format(secret)


def test_of_every_kind_practically_all_are_known():
    rng, missed = random.Random(7), []
    for kind in KINDS:
        for _ in range(60):
            secret, text = _case(kind, rng)
            if secret in mask(text) or (len(secret) > 200 and secret[10:30] in mask(text)):
                missed.append((kind, text))
    assert len(missed) <= 0.01 * 60 * len(KINDS), (len(missed), dict(missed))


def _ordinary(count: int) -> list[str]:
    """Lines of programs (our own and the standard library's), and the identifiers that runs, files and models go by."""
    rng = random.Random(11)
    files = [*Path(jupyter_mlops.__file__).parent.rglob("*.py"), *Path(random.__file__).parent.glob("*.py")]
    lines = [line for file in sorted(files) for line in file.read_text("utf-8", "replace").splitlines() if line.strip()]
    ids = [
        f"run {uuid.UUID(int=rng.getrandbits(128)).hex} sha256:{hashlib.sha256(rng.randbytes(8)).hexdigest()} "
        f"{uuid.UUID(int=rng.getrandbits(128))} s3://plant-{i}/models/m-{i:032x}/artifacts mae={rng.random()!r}"
        for i in range(count // 4)
    ]
    return rng.sample(lines, count - len(ids)) + ids


def test_an_ordinary_line_is_hardly_ever_taken_for_one():
    wrong = [line for line in _ordinary(10_000) if mask(line) != line]
    assert len(wrong) <= 10, wrong


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "password",
        "token = '",
        "-----BEGIN A PRIVATE KEY-----",
        "ab://",
        "x_",
        "basic ",
        "A_TOKEN=",
        "\\",
        " ",
        "--api-",
    ],
)
def test_no_text_keeps_it_busy(piece: str):
    """What it costs grows as the text does: four times as long takes less than ten times as long."""

    def cost(size: int) -> float:
        text = piece * (size // len(piece))
        begun = time.process_time()
        mask(text)
        return time.process_time() - begun

    short = min(cost(2**16) for _ in range(2))
    assert cost(2**18) < 10 * max(short, 0.01)


def test_what_is_known_not_to_be_caught():
    """Written down in the masker's own words: what was split, encoded or drawn is not seen as one."""
    rng = random.Random(3)
    secret = "ghp_" + _some(rng, 36)
    encoded = base64.b64encode(secret.encode()).decode()
    for text in (f"{secret[:20]}' + '{secret[20:]}", encoded, "  ".join(secret)):
        assert mask(text) == text
