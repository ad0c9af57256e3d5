"""Real-looking secrets through every door that writes; then every byte below the project is searched for them."""

from __future__ import annotations

import nbformat
import pytest

from jupyter_mlops.flows import run_jobs
from jupyter_mlops.governance import acting
from jupyter_mlops.jobs import Task
from jupyter_mlops.ledger import verify
from jupyter_mlops.masking import mask, mask_told
from jupyter_mlops.project import Project
from jupyter_mlops.store import database, open_store
from jupyter_mlops.tracking import ship

# Put together here, so that none stands in a file of ours.
SECRETS = [
    "AKIA" + "IOSFODNN7EXAMPLQ",
    "ghp_" + "a1B2c3D4e5F6" * 3,
    "glpat-" + "x9Y8z7W6v5U4t3S2r1Q0",
    "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "sk-proj-" + "abcd1234efgh5678ijkl9012mnop",
    "xoxb-" + "123456789012-abcdefGHIJKL",
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
]
PASSWORD = "correct-horse-battery-staple"


def _everything(project: Project) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in project.root.rglob("*") if p.is_file() and p.name != "given.ipynb"}


def _left(project: Project) -> list[tuple[str, str]]:
    return [
        (secret[:8], path)
        for path, content in _everything(project).items()
        for secret in [*SECRETS, PASSWORD]
        if secret.encode() in content
    ]


@pytest.mark.parametrize("secret", SECRETS)
def test_each_is_known_by_its_shape(secret: str):
    assert secret not in mask(f"x = {secret!r}  # and {secret}")


def test_a_tracked_cell_keeps_none(project: Project, interactive):
    interactive.run_cell("from IPython.display import HTML, display", store_history=True)
    for number, secret in enumerate(SECRETS):
        interactive.run_cell(f"held_{number} = {secret!r}; password = {PASSWORD!r}", store_history=True)
        tag = f"--tag note={secret} --note {secret}" if " " not in secret else ""
        cell = (
            f"url = f'postgresql://ann:{PASSWORD}@db/x'\nprint(held_{number}, password)\ndisplay(HTML(held_{number}))"
        )
        interactive.run_cell(f"%%track {tag} --param held_{number} --param password\n{cell}", store_history=True)
        interactive.run_cell(f"%%track\nraise ValueError('denied with ' + held_{number})", store_history=True)
    ship(project)
    assert len(open_store(project).runs()) == 2 * len(SECRETS)
    assert _left(project) == []


def test_a_job_keeps_none(project: Project):
    cells = [
        nbformat.v4.new_code_cell("token = 'none'\nnote = ''", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("print(token, note)\ntoken"),
    ]
    path = project.root / "given.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    task = Task("secretive", path, {"token": PASSWORD, "note": " ".join(SECRETS)})
    run_jobs(open_store(project), [task])
    assert len(open_store(project).runs()) == 1
    assert _left(project) == []


def test_the_registry_and_the_ledger_keep_none(project: Project):
    plain = open_store(project).client
    plain.create_registered_model("rul.plant-01", description=f"reached with {SECRETS[0]}")
    plain.create_model_version("rul.plant-01", source="/nowhere", await_creation_for=0, description=SECRETS[1])
    for number, secret in enumerate(SECRETS):
        with acting(reason=f"because of {secret}"):
            plain.set_model_version_tag("rul.plant-01", "1", f"t{number}", secret)
        plain.set_registered_model_tag("rul.plant-01", f"t{number}", f"see {secret}")
        plain.set_model_version_tag("rul.plant-01", "1", "mlops.decision.comment", f"I used {secret}")
    plain.set_model_version_tag("rul.plant-01", "1", "api_token", PASSWORD)
    assert plain.get_model_version("rul.plant-01", "1").tags["api_token"] == "***"
    with database(project).read() as connection:
        assert verify(connection).ok
    assert _left(project) == []


UNSHAPED = [
    'password = "{}"',
    "conn = connect(host='h', pwd='{}')",
    "api_key: str = '{}'",
    "(token := '{}')",
    'password = """{}"""',
    "os.environ.setdefault('DB_PASSWORD', '{}')",
    "config.set('aws_secret_access_key', '{}')",
    "headers = {{'X-Api-Key': '{}', 'a': 'b'}}",
    "headers = {{'Authorization': 'token {}'}}",
    "requests.get(url, auth=('ann', '{}'))",
    "requests.get('https://x/y?a=1&token={}&b=2')",
    "c = 'Driver=x;Server=y;UID=ann;PWD={};'",
    "c = 'AccountName=a;AccountKey={};EndpointSuffix=core'",
    "%env SECRET_TOKEN={}",
    "!export AWS_SECRET_ACCESS_KEY={}",
    "!curl -u ann:{} https://x",
    "create_engine('postgresql://ann:{}@db/x')",
]
CODE = [
    "tokenizer = 'word'",
    "max_tokens = '12'",
    "secretary = 'Ann'",
    "compass = 'north'",
    "rows['key'] = 'value'",
    "frame.sort_values(key=len)",
    "password = getpass('password: ')",
    "api_key = os.environ['API_KEY']",
    "frame[['token', 'label']]",
    "columns = ['password', 'secret']",
    "connect(password=password, token=settings.token)",
    "url = 'https://x/y?sig=1'",
]


@pytest.mark.parametrize("line", UNSHAPED)
def test_what_has_no_shape_is_known_by_where_it_stands(line: str):
    masked = mask(line.format("pa55-w0rd-of-Ann"))
    assert "pa55" not in masked
    assert "***" in masked


@pytest.mark.parametrize("line", CODE)
def test_code_that_holds_none_is_left_alone(line: str):
    assert mask(line) == line


def test_what_is_printed_names_it_without_quotes():
    assert mask_told("password: hunter2hunter2, user: ann") == "password: ***, user: ann"
    assert mask_told("login failed, token=ab12cd34ef56") == "login failed, token=***"
    assert mask_told("tokens: 1234567890123 seen") == "tokens: 1234567890123 seen"
