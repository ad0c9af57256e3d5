"""The evidence pack: one zip that stands without us, and is found out if a byte of it is changed.

Every file is in the manifest with its SHA-256; the zip's own comment holds a signature over every byte before it. Ledger
entries come as the bytes that were hashed, each with its proof that it is in the signed checkpoint.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.governance.boms import cyclonedx, openlineage
from jupyter_mlops.governance.card import as_html, as_markdown, card_of, sections
from jupyter_mlops.governance.dossier import Dossier
from jupyter_mlops.governance.rules import NOTE, held_against_rules, rules_sections
from jupyter_mlops.governance.signatures import model_key, public_pem, sign_files
from jupyter_mlops.ledger import Checkpoint, SigningKey

FORMAT = "jupyter-mlops/evidence-pack/v1"
MANIFEST = "manifest.json"
SIGNATURE, SIGNATURE_KEY, MODEL_FILES = "model/model.sig", "model/key.pem", "model/files/"
# The comment has this many bytes in every pack, so that its length can be signed before it is known.
COMMENT = 512

_README = """This is the evidence of one version of one model, as it was recorded when it was made.

Verify it with `jupyter mlops verify FILE.zip --key KEY`. KEY is the line in ledger/key.vkey: get it from the people who
made this, by another way than this file. Without it, only that the parts belong together can be told, not by whom.

card.md, card.html, card.json   the model card
rules.html, rules.json          what rules ask for: met, missing, not applicable
evidence.json                   metrics with intervals, gates and their answers
approvals.json                  who approved what, when, and whether it counts
code/                           the code that trained it: slice, notebook, modules of its project
environment/                    the packages it was trained with
data.json                       the data, by digest
model.json                      the model's files, by digest
model/                          an OpenSSF signature over them, and the key that checks it:
                                model_signing verify key --public_key key.pem --signature model.sig FOLDER
ledger/                         entries about the model, their proofs, the signed checkpoint
bom.cdx.json, lineage.jsonl     CycloneDX 1.6, OpenLineage 2-0-2
"""


Proved = tuple[int, bytes, list[bytes]]


def contents(
    d: Dossier,
    entries: list[Proved],
    checkpoint: Checkpoint,
    key: SigningKey,
    model: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """Every file of the pack by name; `entries` are (seq, body, inclusion proof in the checkpoint).

    `model` holds the model's own files, for a pack that carries them.
    """
    made, lines = card_of(d), held_against_rules(d)
    proofs = {str(seq): [base64.b64encode(step).decode() for step in proof] for seq, _, proof in entries}
    evidence = d.evidence.model_dump(mode="json") if d.evidence else None
    files: dict[str, Any] = {
        "README.txt": _README,
        "card.json": made,
        "card.md": as_markdown(made),
        "card.html": as_html(f"{d.version.model} version {d.version.version}", sections(made)),
        "rules.json": lines,
        "rules.html": as_html(f"{d.name}: evidence for rules", rules_sections(lines), NOTE),
        "evidence.json": evidence,
        "approvals.json": d.standing,
        "code/slice.py": d.code,
        "environment/requirements.txt": "\n".join(d.requirements) + "\n",
        "environment/environment.json": d.environment,
        "data.json": [x.model_dump() for x in d.data],
        "model.json": {"digest": d.version.digest, "files": d.files, "run": d.version.run_id},
        "run.json": d.run.model_dump(mode="json") if d.run else None,
        "bom.cdx.json": cyclonedx(d),
        "lineage.jsonl": "".join(json.dumps(event, sort_keys=True) + "\n" for event in openlineage(d)),
        "ledger/entries.jsonl": b"".join(body + b"\n" for _, body, _ in entries),
        "ledger/proofs.json": {"size": checkpoint.size, "proofs": proofs},
        "ledger/checkpoint.txt": checkpoint.note,
        "ledger/key.vkey": f"{key.public}\n",
    }
    files |= {f"code/modules/{name}": text for name, text in d.modules.items()}
    files |= {"code/notebook.ipynb": d.notebook} if d.notebook else {}
    files |= _signature(d, key) | {f"{MODEL_FILES}{name}": data for name, data in (model or {}).items()}
    return {name: _bytes(value) for name, value in files.items()}


def _signature(d: Dossier, key: SigningKey) -> dict[str, bytes]:
    if not d.files:
        return {}
    signer = model_key(key)
    return {SIGNATURE: sign_files(d.name, d.files, signer), SIGNATURE_KEY: public_pem(signer.public_key())}


def write(d: Dossier, files: dict[str, bytes], key: SigningKey) -> bytes:
    """The signed zip. The same files and key give the same bytes."""
    manifest = {
        "format": FORMAT,
        "model": d.version.model,
        "version": d.version.version,
        "evidence": d.evidence.digest if d.evidence else "",
        "key": str(key.public),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    unsigned = zipped({**files, MANIFEST: _bytes(manifest)})
    return unsigned + seal(unsigned, key)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The zip up to its comment. Nothing in it is compressed, so that the same files give the same bytes everywhere, and
    whoever holds the files can tell which byte of the zip is not what was written.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr, info.create_system = 0o644 << 16, 3
            packed.writestr(info, files[name])
        packed.comment = b" " * COMMENT
    return buffer.getvalue()[:-COMMENT]


def sealed_text(unsigned: bytes) -> bytes:
    """What the seal signs: the pack's format and the digest of every byte before the comment."""
    return f"{FORMAT}\n{hashlib.sha256(unsigned).hexdigest()}\n".encode()


def seal(unsigned: bytes, key: SigningKey) -> bytes:
    signature = base64.b64encode(key.sign(sealed_text(unsigned))).decode()
    return f"{FORMAT} {key.public} {signature}\n".encode().ljust(COMMENT, b" ")


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
