"""Code that holds a secret, however it is put, and code that only looks so: the first is masked, the second is as it was."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

import jupyter_mlops
from jupyter_mlops.jobs.masking import Masked
from jupyter_mlops.masking import held, mask_code, mask_told
from jupyter_mlops.project import Project
from jupyter_mlops.tracking import journal

SECRET = "hunter2x"
# A line each, with § where the secret stands; ⏎ begins a new line of the cell.
HOLDING = r"""
user, password = "me", "§"
(user, password) = ("me", "§")
user, (password, x) = "me", ("§", 1)
[user, password] = ["me", "§"]
user, *password = "me", "§"
user, password = "me:§".split(":")
key = "sk-" + "abcd1234efgh5678§ijkl"
key = ("gh" "p_abcdefghijABCDEFGHIJ0123§4567890")
key = "gh" + "p_abcdefghijABCDEFGHIJ" + "0123§4567890"
key = "".join(["ghp_", "abcdefghijABCDEFGHIJ0123§4567890"])
key = "%s%s" % ("ghp_", "abcdefghijABCDEFGHIJ0123§4567890")
key = "ghp_{}".format("abcdefghijABCDEFGHIJ0123§4567890")
password = "a" + "§"
password = prefix + "§"
password = f"§"
password = f"a{b}§"
password += "§"
password: str = "a" "§"
passwd = b"§"
db["password"] = "a" + "§"
self.password = "§".strip()
if password == '§': pass
if '§' == password: pass
ok = pw != "§"
assert settings["password"] == "§"
while password not in ("a1", "§"): pass
login('me','§')
login("§")
server.login("me@x.org", "§")
client.authenticate("me", "§")
pymysql.connect("host", "me", "§", "db")
requests.get(u, auth=("me", "§"))
requests.get(u, auth=HTTPBasicAuth("me", "§"))
keyring.set_password("svc", "me", "§")
check_password("§")
SecretStr("§")
AzureKeyCredential("§")
d = {"password": "§"}
d = {"password": "a" + "§"}
d = {"user": "me", "db": {"pwd": f"§"}}
credentials = {"user": "me", "x": "§"}
credentials = ("me", "§")
credentials = ["me", "§"]
auth = ("me", "§")
dict(password="§", user="x")
connect(password="a" "§")
connect(password=os.environ.get("DB") or "§")
connect(password=os.environ.get("DB", "§"))
x = os.getenv("DB_PASSWORD", "§")
x = os.environ.get("DB_PASSWORD", default="§")
x = os.environ.setdefault("DB_PASSWORD", "a" + "§")
password = os.getenv("P", "§")
password = "§" if local else ask()
def f(user, password="a" + "§"): pass
def f(user, *, password="§"): pass
f = lambda password="§": 1
if (password := "§"): pass
for password in ["a", "§"]: pass
[x for password in ("a", "§")]
session.headers.append(("X-Api-Key", "§"))
data = [("user", "me"), ("password", "§")]
url = "postgres://me:" + "§" + "@host/db"
url = "postgresql://%s:%s@host/db" % ("me", "§")
url = "postgresql://{}:{}@host/db".format("me", "§")
url = f"postgresql://me:§@{host}/db"
url = 'https://me:§@example.org/x'
os.environ["DB_PASSWORD"] = "§"
os.environ["DB_" + "PASSWORD"] = "§"
os.environ.update(DB_PASSWORD="§")
os.environ.update({"DB_PASSWORD": "§"})
%env TOKEN=§
%env TOKEN §
%env DB_PASSWORD "§"
%set_env DB_PASSWORD=§
!curl -H 'Authorization: §' https://x
!curl -H 'Authorization: Bearer §' https://x
!curl -H "X-Api-Key: §" https://x
!curl -H "PRIVATE-TOKEN: §" https://x
!curl --header "Authorization: token §" https://x
!curl --user me:§ https://x
!curl -u 'me:§' https://x
!curl -u "me:§" https://x
!curl -d '{"password": "§"}' https://x
!curl https://me:§@x/y
!curl "https://x/y?token=§&a=1"
!wget --password=§ https://x
!wget --http-password § https://x
!mysql -u root -p§ db
!PGPASSWORD=§ psql -h x
!PGPASSWORD='§' psql -h x
!export A=1; export DB_PASSWORD="§"
!sshpass -p § ssh me@x
!sshpass -p '§' ssh me@x
!docker login -u me -p §
!huggingface-cli login --token §
!wandb login §
!aws configure set aws_secret_access_key §
!redis-cli -a § ping
!echo § | sudo -S ls
!echo "§" | docker login --password-stdin
!unzip -P § x.zip
out = !mysql -p§ -e 'select 1'
!python x.py --api-key § --n 3
!python x.py --password '§'
%%bash⏎export DB_PASSWORD=§⏎echo hi
%%bash⏎curl -u me:§ https://x
%%track x⏎%%bash⏎curl -u me:§ https://x
%time login("me", "§")
%sql postgresql://me:§@host/db
os.system("mysql -u root -p§ db")
subprocess.run(["curl", "-u", "me:§", "https://x"])
subprocess.run(["mysql", "-u", "me", "-p§"])
subprocess.run(["sshpass", "-p", "§", "ssh"])
subprocess.check_output("curl -H 'Authorization: Bearer §' x", shell=True)
x = (⏎user, password = "me", "§"
user, password = "me", "§"⏎!ls⏎for
+user, password = "me", "§"
+    if password == "§":
elif password == "§": pass
ftp.login(user="me", passwd="§")
é = "ü"; user, password = "mé", "§"; z = "ü"
class A:⏎    password = "a" + "§"
connect(**{"password": "a" + "§"})
con = psycopg2.connect("dbname=x user=me password=§")
con = psycopg2.connect("dbname=x user=me password='§'")
passwords = ["§", "b"]
passwords = {"ann": "§"}
API_KEYS = {"openai": "§"}
x = {"password": ["§"]}
jdbc = "jdbc:sqlserver://h:1433;user=me;password=§"
password = getpass() or "§"
match password:⏎    case "§": pass
""".strip().split("\n")
ORDINARY = r"""
for token in tokens: print(token == "the")
if token == "hello": pass
if tok.text == "hello" and token.pos_ == "NOUN": pass
if token in ("the", "a"): pass
tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
login = "me"
df["token"].str.lower()
tokens = ["a", "b"]
tokens = text.split(" ")
vocab = {"token": 1, "b": 2}
password = getpass("password: ")
password = getpass.getpass("Password for me: ")
password = os.environ["DB_PASSWORD"]
password = os.environ.get("DB_PASSWORD")
password = dbutils.secrets.get("scope", "key")
token = userdata.get("HF_TOKEN")
secret = client.get_secret("db/prod")
credentials = Credentials("path/to/file.json")
creds = service_account.Credentials.from_service_account_file("key.json")
df = df.join(other, on="key")
sns.heatmap(x, annot=True, fmt=".2f")
"a" + "b"
x = "a" + str(3) + "b"
path = "data/" + "train.csv"
print("%s: %d" % (name, 3))
print("accuracy: {}".format(acc))
author = "Ann" + " B"
keys = ["a", "b"]
key = "a" + "b"
df.sort_values("key")
connect("host", 5432)
sqlite3.connect("x.db")
auth_mode = "x"
columns = ["password", "secret", "token"]
df.columns = ["password_length", "n_tokens"]
df[df.password_strength == 2]
!pip install torch --index-url https://download.pytorch.org/whl/cpu
!ls -p data
!wget https://x.org/data.zip -O data.zip
!curl -H "Accept: application/json" https://x
!unzip -p x.zip a.csv > a.csv
!mkdir -p data
!python train.py --epochs 3 --tokens 100
!head -n 3 tokens.txt
%env OMP_NUM_THREADS=1
%timeit -n 100 f(x)
%matplotlib inline
!tar -xzf x.tgz
!git clone https://github.com/a/b
subprocess.run(["ls", "-l"])
subprocess.run(["python", "-u", "x.py"])
subprocess.run(["mkdir", "-p", "x"])
subprocess.run("mkdir -p a/b", shell=True)
model.fit(X, y)
def auth(x="basic"): pass
pw = PairwiseDistances("euclidean")
gs = GridSearchCV(est, {"C": [1, 2]}, cv=3)
pass_rate = "high"
passenger = "first" + "class"
x = compass == "north"
df["auth"] == "x"
df["signature"] = "a" + "b"
model.set_params(key="a")
with_tokens = f("a")
spacy_doc[0].token == "x"
set_token_pattern = r"\w+"
vec = CountVectorizer(token_pattern=r"(?u)\b\w\w+\b")
CountVectorizer(token_pattern=r"\b[a-zA-Z]{3,}\b", stop_words="english")
nlp.add_special_token("<pad>")
tokenizer.add_special_tokens({"pad_token": "[PAD]"})
tokenizer.pad_token = "[PAD]"
tokenizer.pad_token = tokenizer.eos_token
sep_token = "[SEP]"
eos_token = "</s>"
oov_token = "<OOV>"
Tokenizer(num_words=100, oov_token="<OOV>")
fields = [("token", "text"), ("label", "int")]
use_auth = True
check_auth("basic")
""".strip().split("\n")


@pytest.mark.parametrize("line", HOLDING)
def test_a_secret_in_code_is_masked_however_it_is_put(line: str):
    code = line.replace("⏎", "\n").replace("§", SECRET)
    masked = mask_code(code)
    assert SECRET not in masked
    assert mask_code(masked) == masked
    assert _parses(masked) == _parses(code)


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("line", ORDINARY)
def test_code_that_holds_none_runs_as_it_was(line: str):
    assert mask_code(line) == line


def test_what_is_a_module_is_one_still():
    files = sorted(Path(jupyter_mlops.__file__).parent.rglob("*.py"))[::20]
    assert all(_parses(mask_code(file.read_text())) for file in files)


def test_the_rest_of_a_cell_stays_as_it_was_to_the_letter():
    cell = "é = 'ü'\npassword, user = 'hunter2x', 'mé'  # ü\n!ls data\nprint(f'ü {user!r}')\n"
    assert mask_code(cell) == cell.replace("'hunter2x'", "'***'")


def test_a_tracked_cell_and_those_before_it_keep_none(project: Project, interactive):
    interactive.run_cell(f"user, password = 'me', '{SECRET}'\nlogin = print", store_history=True)
    interactive.run_cell("from IPython.display import HTML, display", store_history=True)
    interactive.run_cell(
        f"%%track\nok = password == '{SECRET}'\nlogin('me', '{SECRET}')\n!true --token {SECRET}", store_history=True
    )
    interactive.run_cell(
        "%%track\ndisplay(HTML(f'<b>as {user}, {password}</b>'))\nraise ValueError(f'{password} is refused')",
        store_history=True,
    )
    folders = list(journal.waiting(project.home))
    assert len(journal.read(folders[0]).start["slice"]) == 1
    assert journal.read(folders[1]).end["error"] == "ValueError: *** is refused"
    kept = [path.read_text() for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert not any(SECRET in text for text in kept)


def test_a_jobs_notebook_keeps_none():
    cells = [
        nbformat.v4.new_code_cell(f"user, password = 'me', '{SECRET}'"),
        nbformat.v4.new_markdown_cell("password == 'x'"),
    ]
    kept = Masked({})(nbformat.v4.new_notebook(cells=cells))
    assert [cell.source for cell in kept.cells] == [
        "user, password = \"***\", '***'".replace('"', "'"),
        "password == 'x'",
    ]


def test_what_a_secrets_variable_holds_is_one_wherever_it_is_shown():
    secrets = held({"password": SECRET, "token": "word", "api_key": 7, "other": "other-text-1", "pwd": "overpopulated"})
    assert secrets == [SECRET]
    assert mask_told(f"<b>{SECRET}</b> other-text-1", secrets) == "<b>***</b> other-text-1"
