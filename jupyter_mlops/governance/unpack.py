"""Whether an evidence pack is what was made: from the file and a public key alone, with every fault named.

Nothing is extracted to disk, nothing in it is run, and what it may hold is limited before it is read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, NotFound
from jupyter_mlops.governance.pack import (
    COMMENT,
    FORMAT,
    MANIFEST,
    MODEL_FILES,
    SIGNATURE,
    SIGNATURE_KEY,
    sealed_text,
    zipped,
)
from jupyter_mlops.governance.signatures import signed_files
from jupyter_mlops.ledger import PublicKey, canonical, included, leaf_hash, public_key, read_checkpoint, standing
from jupyter_mlops.store import digest_of

_MOST_FILES = 1000
_MOST_BYTES = 512 * 2**20


def verify_pack(path: Path, key: PublicKey | None = None) -> dict[str, Any]:
    """`{ok, problems, model, version, signed_by, trusted, files, entries, checkpoint}`.

    `trusted` says whether the key was the reader's own; without it the key in the pack is used, which tells only that the
    parts belong together. Raises BadInput when the file is no pack at all.
    """
    if not path.is_file():
        raise NotFound(f"there is no file {path}", "name an evidence pack")
    if path.stat().st_size > _MOST_BYTES:
        raise BadInput(f"{path.name} is larger than any evidence pack", "name an evidence pack")
    data = path.read_bytes()
    problems: list[str] = []
    sealed_by = _seal(data, key, problems)
    files = _files(data, problems)
    manifest = _json(files, MANIFEST, problems) or {}
    _against_manifest(files, manifest, problems)
    used = key or sealed_by
    entries, checkpoint = _ledger(files, used, problems)
    _evidence(files, manifest, entries, problems)
    _model(files, problems)
    if problems:
        problems += _where(data[:-COMMENT], files)
    return {
        "ok": not problems,
        "problems": problems,
        "model": manifest.get("model"),
        "version": manifest.get("version"),
        "evidence": manifest.get("evidence"),
        "signed_by": str(used) if used else None,
        "trusted": key is not None,
        "files": len(files),
        "entries": len(entries),
        "checkpoint": checkpoint,
    }


def _seal(data: bytes, key: PublicKey | None, problems: list[str]) -> PublicKey | None:
    """The key that sealed the pack, if the seal holds."""
    unsigned, comment = data[:-COMMENT], data[-COMMENT:]
    try:
        form, named, encoded = comment.decode("ascii").rstrip(" ").split()
        found, signature = public_key(named), base64.b64decode(encoded, validate=True)
        exact = f"{FORMAT} {found} {base64.b64encode(signature).decode()}\n".encode().ljust(COMMENT, b" ")
    except (ValueError, binascii.Error, BadInput):
        problems.append("the seal at the end of the file is missing or was changed")
        return None
    if form != FORMAT or exact != comment:
        problems.append("the seal at the end of the file was changed")
    elif key is not None and key != found:
        problems.append(f"it was sealed by {found.name}, not by the key you gave ({key.name})")
    elif not found.signed(sealed_text(unsigned), signature):
        problems.append("the file was changed after it was sealed")
        return None
    return found


def _files(data: bytes, problems: list[str]) -> dict[str, bytes]:
    """Every readable file of the zip; what cannot be read, or has a name no pack writes, is a problem of its own."""
    try:
        packed = zipfile.ZipFile(io.BytesIO(data))
        infos = packed.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        problems.append(f"the zip's own structure was changed: {error}")
        return {}
    if len(infos) > _MOST_FILES or sum(i.file_size for i in infos) > _MOST_BYTES:
        problems.append("the zip says it holds more than any evidence pack, so nothing of it was unpacked")
        return {}
    found: dict[str, bytes] = {}
    for info in infos:
        name = info.filename
        if name in found or name.startswith(("/", "\\")) or ".." in name.split("/") or name.endswith("/"):
            problems.append(f"{name!r} is a name that no pack holds, or is there twice")
            continue
        try:
            found[name] = _read(packed, info)
        except (
            zipfile.BadZipFile,
            zlib.error,
            ValueError,
            NotImplementedError,
            OSError,
            EOFError,
            RuntimeError,
        ) as error:
            problems.append(f"{name} was changed: it cannot be read ({error})")
    return found


def _read(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with packed.open(info) as file:
        data = file.read(info.file_size + 1)  # never more than was announced, whatever it unpacks to
    if len(data) != info.file_size:
        raise ValueError("it is not as long as the zip says")
    return data


def _json(files: dict[str, bytes], name: str, problems: list[str]) -> Any:
    if name not in files:
        problems.append(f"{name} is missing")
        return None
    try:
        return json.loads(files[name])
    except (ValueError, RecursionError):
        problems.append(f"{name} was changed: it is not readable")
        return None


def _against_manifest(files: dict[str, bytes], manifest: Any, problems: list[str]) -> None:
    listed = manifest.get("files") if isinstance(manifest, dict) else None
    listed = listed if isinstance(listed, dict) else {}
    for name in sorted(listed.keys() | (files.keys() - {MANIFEST})):
        if name not in files:
            if not any(p.startswith(f"{name} ") for p in problems):
                problems.append(f"{name} is missing")
        elif name not in listed:
            problems.append(f"{name} was added: the manifest does not list it")
        elif hashlib.sha256(files[name]).hexdigest() != listed[name]:
            problems.append(f"{name} was changed: its SHA-256 is not the manifest's")


def _ledger(
    files: dict[str, bytes], key: PublicKey | None, problems: list[str]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The entries that are proved to be in the signed checkpoint, and that checkpoint."""
    proofs = _json(files, "ledger/proofs.json", problems)
    try:
        note = files["ledger/checkpoint.txt"].decode()
        made = read_checkpoint(note)
    except (KeyError, UnicodeDecodeError, BadInput):
        problems.append("ledger/checkpoint.txt is missing or was changed")
        return [], None
    if key is not None and standing(note, [key]) != "signed":
        problems.append("ledger/checkpoint.txt is not signed by the key of the pack")
    found = []
    for number, body in enumerate(files.get("ledger/entries.jsonl", b"").splitlines(), 1):
        try:
            entry = json.loads(body)
            steps = [base64.b64decode(step) for step in proofs["proofs"][str(entry["seq"])]]
            holds = included(leaf_hash(body), entry["seq"] - 1, made.size, steps, made.root)
        except (ValueError, TypeError, KeyError, AttributeError):
            holds, entry = False, {"seq": f"in line {number}"}
        if holds:
            found.append(entry)
        else:
            problems.append(f"ledger entry {entry['seq']} is not in the signed checkpoint")
    return found, {"origin": made.origin, "size": made.size, "root": made.root.hex()}


def _evidence(files: dict[str, bytes], manifest: Any, entries: list[dict[str, Any]], problems: list[str]) -> None:
    """The evidence has the digest it names, and the ledger says that this evidence was found for this version."""
    evidence = _json(files, "evidence.json", problems) if "evidence.json" in files else None
    if not isinstance(evidence, dict) or not isinstance(manifest, dict):
        return
    digest = evidence.get("digest")
    try:
        found = hashlib.sha256(canonical({k: v for k, v in evidence.items() if k != "digest"})).hexdigest()
    except BadInput:
        found = ""
    if digest != found or digest != manifest.get("evidence"):
        problems.append("evidence.json was changed: it does not have the digest it names")
    about = f"{manifest.get('model')}/{manifest.get('version')}"
    said = [e for e in entries if e["subject"] == about and (e["after"] or {}).get("value") == digest]
    if not said:
        problems.append(f"no ledger entry says that this evidence was found for {about}")


def _model(files: dict[str, bytes], problems: list[str]) -> None:
    """The signature is over the files that model.json lists, they make the digest it names, and those that came are they."""
    told = _json(files, "model.json", problems)
    listed = told.get("files") if isinstance(told, dict) else None
    if not isinstance(listed, dict):
        return
    if listed and told.get("digest") and digest_of(listed) != told["digest"]:
        problems.append("model.json was changed: its files do not make the digest it names")
    if listed or SIGNATURE in files:
        try:
            signed = signed_files(files.get(SIGNATURE, b""), files.get(SIGNATURE_KEY, b""))
        except BadInput as error:
            problems.append(f"{SIGNATURE} is missing or was changed: {error.message}")
        else:
            if signed != listed:
                problems.append(f"{SIGNATURE} is over other files than model.json lists")
    brought = {name: data for name, data in files.items() if name.startswith(MODEL_FILES)}
    problems += [
        f"{name} is not the file that was registered"
        for name, data in brought.items()
        if hashlib.sha256(data).hexdigest() != listed.get(name.removeprefix(MODEL_FILES))
    ]


def _where(unsigned: bytes, files: dict[str, bytes]) -> list[str]:
    """The first byte of the zip's own structure that is not what a pack of these files has, and whose it is.

    Files are never compressed in a pack, so what was written around them can be written again and compared.
    """
    written = zipped(files)
    if len(written) != len(unsigned) or written == unsigned:
        return []
    at = next(i for i, (one, other) in enumerate(zip(written, unsigned, strict=True)) if one != other)
    with zipfile.ZipFile(io.BytesIO(written + b" " * COMMENT)) as packed:
        begin = packed.start_dir
        for info in packed.infolist():
            if info.header_offset <= at < info.header_offset + 30 + len(info.filename.encode()) + info.file_size:
                return [f"{info.filename} was changed, or what the zip says about it (byte {at})"]
            begin += 46 + len(info.filename.encode())
            if packed.start_dir <= at < begin:
                return [f"what the zip's directory says about {info.filename} was changed (byte {at})"]
    return [f"the zip's own directory was changed (byte {at})"]
