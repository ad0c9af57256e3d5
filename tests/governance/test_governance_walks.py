"""Random people do random things through random doors, statements fail at random; what must always hold is checked each time.

The rules are written here a second time, as simply as they are meant, and never look at the ledger.
"""

import contextlib
import itertools
import json
import os
import tempfile
import unittest.mock
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from declared import MLOPS_YAML
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.exceptions import MlflowException
from mlflow.utils.workspace_context import WorkspaceContext
from people import NAME, POLICY, by, decide, put

from jupyter_mlops.governance import acting, adopt, governed_store, key_line, model_key, public_pem, sign_files
from jupyter_mlops.governance.registry_store import GovernedStore
from jupyter_mlops.ledger import allowed_files, signing_key, verify
from jupyter_mlops.project import load
from jupyter_mlops.store import database, digest_of, open_store

ROLES = {"validator": {"bob", "carol"}, "risk-officer": {"dora", "bob"}}
PEOPLE = st.sampled_from(["ann", "bob", "carol", "dora", "otto", "eve", "Robert", "retrain-bot"])
VERSIONS = st.sampled_from([1, 1, 1, 2, 3])
EVIDENCE = st.sampled_from(["a" * 64, "b" * 64])


# Files that run code when they are read, and two who sign them: policy trusts the first.
FILES = {"model.pkl": "ab" * 32}
_KEYS = [model_key(signing_key(Path(tempfile.mkdtemp()) / "k")) for _ in range(2)]
BUNDLES = [sign_files("m", FILES, key).decode() for key in _KEYS]
# Of this workspace alone, so that the business unit next door decides by nothing but its evidence.
HERE = POLICY.replace('["rul*"]', '["default:rul*"]')
RULES = f"{HERE}model_files: {{allow: [pickle], signers: ['{key_line(public_pem(_KEYS[0].public_key()))}']}}\n"

# Shrinking a walk of forty acts takes minutes; the seed that is printed is enough to walk it again.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
SEEN: Counter[str] = Counter()


@contextlib.contextmanager
def _failing(engine: sa.Engine, after: int) -> Iterator[None]:
    """The database answers this many statements, and then no more."""
    left = itertools.count(after, -1)

    def fail(*_: object) -> None:
        if next(left) <= 0:
            raise sa.exc.OperationalError("injected", None, Exception("disk I/O error"))

    sa.event.listen(engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", fail)


def _one(name: str) -> str:
    return "bob" if name == "Robert" else name


class Walk(RuleBasedStateMachine):
    @initialize(approved=st.sampled_from([True, True, True, False]))
    def begin(self, approved: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name) / "p"
        root.mkdir()
        (root / "mlops.yaml").write_text(MLOPS_YAML)
        self.project = load(root)
        self.base = database(self.project)
        self.signed: dict[int, int] = {}  # the policy under which a version's files were signed
        self.policy_is(14)
        self.plain = open_store(self.project).client
        with by("ann"):
            self.plain.create_registered_model(NAME, tags={"mlops.risk": "high"})
        self.champion: int | None = None
        self.authors: dict[int, set[str]] = {}
        self.verdicts: dict[int, tuple[str, str]] = {}
        self.words: dict[tuple[int, str], tuple[bool, str, int]] = {}
        self.units = self.judged_next_door = self.next_champion = False
        self.legal: dict[int, bool] = {}  # was champion by a decision that was allowed, and unchanged since
        self.register("ann")
        self.register("carol")
        self.judge("ann", 1, "a" * 64, "pass")
        self.judge("ann", 2, "a" * 64, "pass")
        if approved:
            self.campaign(("carol", "dora"), 1, "nothing")

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.base.close()
            self.folder.cleanup()

    def _try(self, act) -> bool:
        """Whether it was done. A refusal must be a refusal, never a fault."""
        try:
            act()
        except MlflowException as error:
            if error.error_code not in ("PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST"):
                raise
            return False
        return True

    @rule(who=PEOPLE)
    def register(self, who: str) -> None:
        if len(self.authors) < 3:
            with by(who):
                made = self.plain.create_model_version(
                    NAME, source="/x", tags={"mlops.digest": digest_of(FILES)}, await_creation_for=0
                )
            self.authors[int(made.version)] = {_one(who)}

    @rule(who=st.sampled_from(["ann", "ann", "eve", "dora"]), version=VERSIONS)
    def change(self, who: str, version: int) -> None:
        with by(who):
            done = self._try(lambda: self.plain.update_model_version(NAME, str(version), f"by {who} {len(self.words)}"))
        if done:
            self.authors[version].add(_one(who))
            self.legal.pop(version, None)

    @rule(who=PEOPLE, version=VERSIONS, evidence=EVIDENCE, verdict=st.sampled_from(["pass", "pass", "fail"]))
    def judge(self, who: str, version: int, evidence: str, verdict: str) -> None:
        gates = [{"gate": "mae at most 25", "verdict": verdict}]
        facts = {
            "verdict": verdict,
            "evidence": evidence[:-1] + verdict[0].replace("p", "0").replace("f", "1"),
            "gates": gates,
        }
        if self._try(lambda: decide(self.plain, who, "validated", "v", version=version, **facts)):
            new = (verdict, facts["evidence"])
            if self.verdicts.get(version) != new:
                self.legal.pop(version, None)
            self.verdicts[version] = new
            self.legal.pop(version, None)

    @rule(
        who=st.sampled_from(["bob", "carol", "carol", "dora", "dora", "Robert", "ann"]),
        version=VERSIONS,
        kind=st.sampled_from(["approve"] * 7 + ["reject"]),
        vouched=st.sampled_from([True] * 5 + [False]),
    )
    def say(self, who: str, version: int, kind: str, vouched: bool) -> None:
        SEEN[f"asked to {kind}"] += 1
        source = "mlflow" if vouched else "declared"
        done = self._try(lambda: decide(self.plain, who, kind, f"{kind} it", source=source, version=version))
        if done:
            person = _one(who)
            assert vouched
            assert person in ROLES["validator"] | ROLES["risk-officer"]
            assert person not in self.authors[version], "an author judged their own"
            evidence = self.verdicts.get(version, ("", ""))[1]
            self.words[version, person] = (kind == "approve", evidence, self.policy)
            if kind == "reject":
                self.legal.pop(version, None)

    @rule(who=PEOPLE, version=VERSIONS)
    def take_back(self, who: str, version: int) -> None:
        if self._try(lambda: decide(self.plain, who, "withdraw", "no more", version=version)):
            self.words.pop((version, _one(who)), None)

    @rule(days=st.integers(10, 20))
    def policy_is(self, days: int) -> None:
        digest = put(self.project, RULES.replace("14d", f"{days}d"), reason="changed")
        self.policy = int(digest[:12], 16)

    @rule(who=PEOPLE, version=VERSIONS, key=st.sampled_from([0, 0, 1]))
    def sign(self, who: str, version: int, key: int) -> None:
        if self._try(lambda: decide(self.plain, who, "sign", "read it", version=version, bundle=BUNDLES[key])):
            assert key == 0, "files were signed by somebody whom no policy trusts"
            self.signed[version] = self.policy
            SEEN["signed"] += 1

    @rule(who=PEOPLE, out=st.booleans())
    def rename(self, who: str, out: bool) -> None:
        """To another name and back, so that all else goes on; out of the policy never, in service never."""
        with by(who):
            if self._try(lambda: self.plain.rename_registered_model(NAME, "other" if out else "rul.other")):
                assert not out, "a name took a model out of its policy"
                assert self.champion is None, "a model in service was renamed"
                self.plain.rename_registered_model("rul.other", NAME)
                SEEN["renamed"] += 1

    @rule(value=st.sampled_from(["a", "b"]))
    def smuggle(self, value: str) -> None:
        """A row is written behind the registry; it is named, and explained once somebody takes it in."""
        row = {"workspace": "default", "name": NAME, "key": "smuggled", "value": value}
        with self.base.begin() as connection:
            connection.execute(sa.text("DELETE FROM registered_model_tags WHERE key = 'smuggled'"))
            tags = sa.Table("registered_model_tags", sa.MetaData(), autoload_with=connection)
            connection.execute(tags.insert().values(**row))
        if getattr(self, "smuggled", "") != value:
            with self.base.read() as connection:
                assert "smuggled" in verify(connection).problem
        self.smuggled = value
        with acting(reason="seen", actor="root", source="mlflow") as act, self.base.begin() as connection:
            adopt(connection, act, changed=True)

    def _approved(self, version: int) -> bool:
        evidence = self.verdicts.get(version, ("", ""))[1]
        now = {
            person: yes
            for (about, person), (yes, seen, policy) in self.words.items()
            if about == version and (seen, policy) == (evidence, self.policy) and person not in self.authors[version]
        }
        if not all(now.values()):
            return False
        return any(
            a != b and a in ROLES["validator"] and b in ROLES["risk-officer"] for a, b in itertools.permutations(now, 2)
        )

    def _moved(self, who: str, version: int, *, glass: bool, reason: bool) -> None:
        """What must have been true for the champion to have moved just now; set to what it is, it has not moved."""
        if version == self.champion:
            assert not glass
            return
        back = reason and bool(self.legal.get(version))
        SEEN["glass" if glass else "back" if back else "automatic" if who == "retrain-bot" else "approved"] += 1
        if glass:
            assert _one(who) == "otto"
            self.legal.pop(version, None)
            self.broken = True
        elif not back:
            assert self.verdicts[version][0] == "pass"
            assert who == "retrain-bot" or self._approved(version), "a protected alias moved without its approvals"
        if not glass and not getattr(self, "broken", False):
            self.legal[version] = True
        self.champion = version

    @rule(who=PEOPLE, version=VERSIONS, evidence=st.booleans(), glass=st.booleans())
    def promote(self, who: str, version: int, evidence: bool, glass: bool) -> None:
        seen = self.verdicts.get(version, ("", "c" * 64))[1] if evidence else "c" * 64
        facts = {"evidence": seen, **({"break_glass": "fire"} if glass else {})}
        if self._try(lambda: decide(self.plain, who, "promote", "ship", version=version, **facts)):
            self._moved(who, version, glass=glass, reason=True)

    @rule(
        voters=st.sampled_from(
            [("carol", "dora"), ("Robert", "dora"), ("carol", "bob"), ("bob", "Robert"), ("ann", "dora")]
        ),
        version=st.sampled_from([1, 2]),
        between=st.sampled_from(["nothing", "nothing", "nothing", "change", "judge", "policy"]),
    )
    def campaign(self, voters: tuple[str, ...], version: int, between: str) -> None:
        """Votes and the move they are for, one after the other: single steps seldom fall that way by chance."""
        self.judge("ann", version, "a" * 64, "pass")
        for who in voters:
            self.say(who, version, "approve", vouched=True)
        if between == "change":
            self.change(voters[0], version)
        elif between == "judge":
            self.judge("eve", version, "b" * 64, "pass")
        elif between == "policy":
            self.policy_is(21)
        self.promote("ann", version, evidence=True, glass=False)

    @rule(who=PEOPLE, version=VERSIONS)
    def click(self, who: str, version: int) -> None:
        with by(who):
            if self._try(lambda: self.plain.set_registered_model_alias(NAME, "champion", str(version))):
                self._moved(who, version, glass=False, reason=False)

    @rule(who=PEOPLE, key=st.sampled_from(["mlops.verdict", "mlops.evidence", "mlops.digest"]), version=VERSIONS)
    def forge(self, who: str, key: str, version: int) -> None:
        with by(who):
            assert not self._try(lambda: self.plain.set_model_version_tag(NAME, str(version), key, "forged"))
            assert (
                not self._try(lambda: self.plain.delete_registered_model_alias(NAME, "champion")) or not self.champion
            )

    @rule(who=PEOPLE, version=VERSIONS, after=st.integers(0, 40), what=st.sampled_from(["alias", "promote", "promote"]))
    def crash(self, who: str, version: int, after: int, what: str) -> None:
        """The database fails at the n-th statement; whatever it was, it was then done whole or not at all."""
        seen = self.verdicts.get(version, ("", "c" * 64))[1]
        engine = GovernedStore._get_or_create_engine(self.project.tracking)
        with contextlib.suppress(MlflowException, sa.exc.OperationalError), _failing(engine, after):
            if what == "promote":
                decide(self.plain, who, "promote", "ship", version=version, evidence=seen)
            else:
                with by(who):
                    self.plain.set_registered_model_alias(NAME, "challenger", str(version))
        found = self.plain.get_registered_model(NAME).aliases.get("champion")
        if found and int(found) != self.champion:
            SEEN["moved in a crash"] += 1
            self._moved(who, int(found), glass=False, reason=True)

    @rule(who=PEOPLE, kind=st.sampled_from(["register", "judge", "approve", "click", "promote"]))
    def next_door(self, who: str, kind: str) -> None:
        """Another business unit has a model of the same name. What is said there counts there, and nothing of it here."""
        with unittest.mock.patch.dict(os.environ, MLFLOW_ENABLE_WORKSPACES="true"), WorkspaceContext("retail"):
            store = governed_store(f"mlops+sqlite:///{self.base.path}")
            if not self.units:
                with by(who):
                    store.create_registered_model(NAME)
                    store.create_model_version(NAME, "/x", None, [])
                self.units = True
            told = {"judge": {"verdict": "pass", "evidence": "e" * 64}, "promote": {"evidence": "e" * 64}}
            with by(who):
                if kind == "register":
                    store.create_model_version(NAME, "/x", None, [])
                elif kind == "click":
                    done = self._try(lambda: store.set_registered_model_alias(NAME, "champion", "1"))
                    assert not done or self.next_champion, "no reason was given"
                else:
                    name = "validated" if kind == "judge" else kind
                    tag = ModelVersionTag(f"mlops.decision.{name}", json.dumps({"reason": "r", **told.get(kind, {})}))
                    done = self._try(lambda: store.set_model_version_tag(NAME, "1", tag))
                    assert done == (kind == "judge" or (kind == "promote" and self.judged_next_door))
                    self.judged_next_door |= kind == "judge"
                    self.next_champion |= kind == "promote" and done
            aliases = store.get_registered_model(NAME).aliases
        assert ("champion" in aliases) == self.next_champion
        SEEN["next door"] += 1

    @invariant()
    def every_state_is_explained(self) -> None:
        if not hasattr(self, "plain"):
            return
        with self.base.read() as connection:
            answer = verify(connection)
        assert answer.ok, answer.problem
        found = self.plain.get_registered_model(NAME).aliases.get("champion")
        assert (int(found) if found else None) == self.champion
        with self.base.read() as connection:
            for version in self.authors:
                may = allowed_files(connection, NAME, version, digest_of(FILES))
                assert may == (["pickle"] if self.signed.get(version) == self.policy else [])


def test_no_walk_breaks_the_rules():
    """Also that walks went somewhere: a walk on which nothing was ever allowed would prove nothing."""
    SEEN.clear()
    run_state_machine_as_test(
        Walk, settings=settings(max_examples=8, stateful_step_count=30, deadline=None, phases=PHASES)
    )
    print(dict(SEEN))
    assert SEEN["approved"]
