"""Ways to spoil a file: in its bytes, in its JSON, in its arrays, in its lines."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from bench.records.record import sealed

#: What somebody, or something, may put where another value belongs.
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 0.5, -0.0, 1e-300, 1e299, -1e308, 10**400, 2**63),
    *(float("nan"), float("inf"), "", " ", "nan", "1e5", "ok", "failed", "..", "../../x", "a/b"),
    *("\0", "\x1b[31m", "\ud800", "::error::x", "<script>", "=1+1", "|", "`", "é" * 300),
    *("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+23:59", "2026-02-30", "x" * 5000),
    *([], {}, [[]], [None], {"": None}, [0] * 2000, {"a": {"a": {"a": 1}}}),
)
_DEEP = 900


def spoilt_bytes(content: bytes, random: Random) -> bytes:
    """Return a file cut short, with other bytes, without some, or with some twice."""
    spoilt = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 5, 20))):
        start = random.randrange(len(spoilt) + 1)
        end = min(len(spoilt), start + random.choice((1, 2, 8, 100)))
        way = random.randrange(6)
        if way == 0:
            del spoilt[start:]
        elif way == 1:
            del spoilt[start:end]
        elif way == 2:
            spoilt[start:start] = spoilt[start:end] * random.choice((1, 3, 50))
        elif way == 3:
            spoilt[start:end] = random.randbytes(end - start)
        elif way == 4 and start < len(spoilt):
            spoilt[start] ^= 1 << random.randrange(8)
        else:
            spoilt[start:start] = random.choice((b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"{"))
    return bytes(spoilt)


def spoilt_document(content: bytes, random: Random) -> bytes:
    """Return a JSON document with parts that are others, gone, new, or in each other's place."""
    document = json.loads(content)
    try:
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            _spoil_part(document, random)
        return json.dumps(document, indent=1).encode()
    except (IndexError, RecursionError):  # Nothing is left of it, or it is too deep to be written.
        return spoilt_bytes(content, random)


def spoilt_record(content: bytes, random: Random) -> bytes:
    """Return a record spoilt in its bytes or its parts, half the time with digests that fit."""
    if random.random() < 0.3:
        return spoilt_bytes(content, random)
    spoilt = spoilt_document(content, random)
    try:
        document = json.loads(spoilt)
        if not isinstance(document, dict) or random.random() < 0.4:
            return spoilt
        if isinstance(document.get("trial"), dict):
            document["identity"] = _identity(document["trial"])
        if "digest" in document:
            del document["digest"]
            return sealed(document).encode()
    except (ValueError, RecursionError):
        return spoilt  # What no suite could have written needs no digest.
    return json.dumps(document, indent=1).encode()


def spoilt_arrays(content: bytes, random: Random) -> bytes:
    """Return a file of predictions spoilt in its bytes, or with other arrays in it."""
    if random.random() < 0.5:
        return spoilt_bytes(content, random)
    with np.load(io.BytesIO(content)) as file:
        arrays = dict(file)
    name = random.choice([*arrays, "predictions", "targets", "groups", "../out", ""])
    members = {f"{key}.npy": _npy(array) for key, array in arrays.items()}
    members[f"{name}.npy"] = random.choice(_MEMBERS)(random)
    if random.random() < 0.3:
        members.pop(random.choice([*members]))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", random.choice((0, 8))) as archive:
        for key, member in members.items():
            archive.writestr(key, member)
    return made.getvalue()


def spoilt_lines(content: bytes, random: Random) -> bytes:
    """Return a CSV file spoilt in its bytes, its cells, its lines or its encoding."""
    if random.random() < 0.3:
        return spoilt_bytes(content, random)
    lines = content.decode().splitlines()
    for _ in range(random.choice((1, 1, 2, 30))):
        lines = lines or [""]
        place = min(random.choice((0, 1, random.randrange(len(lines)))), len(lines) - 1)
        way = random.randrange(5)
        cells = lines[place].split(",")
        if way == 0:
            lines[place] = ",".join(random.sample(cells, random.randrange(len(cells) + 1)))
        elif way == 1:
            cells[random.randrange(len(cells))] = random.choice(_CELLS)
            lines[place] = ",".join(cells)
        elif way == 2:
            lines[place:place] = [random.choice(lines)] * random.choice((1, 2, 200))
        elif way == 3:
            del lines[place : place + random.choice((1, 10, 400))]
        else:
            lines = [line.replace(*random.choice(_DIALECTS)) for line in lines]
        ends, encoding = random.choice(("\n", "\n", "\r\n", "\r")), random.choice(_ENCODINGS)
    return ends.join(lines).encode(encoding, errors="replace")


_CELLS = (
    *("", " ", "nan", "-999", "-9999.0", "1e299", "281.5", "inf", "text", '"', '"a,b"', "1,5"),
    *("24:00:00", "31.02.2020 00:00:00", "2020-01-01T00:00:00Z", "01/02/2020 03:04", "9" * 400),
    *("\0", "=1+1", "°", "01.01.9999 00:00:00", "01.01.0001 00:00:00", "T (degC)", "Date Time"),
)
_DIALECTS = ((",", ";"), (",", "\t"), (".", ","), (" ", "T"), ("(degC)", "(°C)"), (":00,", ","))
_ENCODINGS = (*["utf-8"] * 12, "utf-8-sig", "utf-16", "latin-1", "utf-32")


def _spoil_part(document: Any, random: Random) -> None:
    """Change one part of a document in place."""
    owner = random.choice([part for part in _parts(document) if part])
    key = random.choice([*owner] if isinstance(owner, dict) else range(len(owner)))
    way = random.randrange(8)
    if way == 0:
        del owner[key]
    elif way == 1 and isinstance(owner, dict):
        owner[random.choice(("", "new", "\ud800", "x" * 300, "schema_version", "mae"))] = owner[key]
    elif way == 2:
        owner[key] = _nested(random)
    elif way == 3:
        # A copy: a part within itself is no JSON.
        owner[key] = json.loads(json.dumps(random.choice(_parts(document))))
    else:
        owner[key] = random.choice(_VALUES)


def _nested(random: Random) -> Any:
    made: Any = 0
    for _ in range(random.choice((3, 60, _DEEP))):
        made = [made] if random.random() < 0.5 else {"a": made}
    return made


def _parts(document: Any) -> list[Any]:
    """Return the dictionaries and lists of a document, itself first."""
    found, waiting = [], [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict | list):
            found.append(part)
            waiting += part.values() if isinstance(part, dict) else part
    return found


def _identity(trial: dict[str, Any]) -> str:
    content = {name: value for name, value in trial.items() if name != "overrides"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _npy(array: Any) -> bytes:
    made = io.BytesIO()
    np.save(made, array, allow_pickle=True)
    return made.getvalue()


def _claims(random: Random) -> bytes:
    """Return an array whose header claims more numbers than follow."""
    shape = random.choice(("(9999999999999,)", "(-1,)", "(2, 2)", "()", "(0,)", "(1" + "0" * 99))
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head = head.ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(64)


_MEMBERS: tuple[Callable[[Random], bytes], ...] = (
    _claims,
    lambda _: _npy(np.array([{"a": 1}], dtype=object)),
    lambda _: _npy(np.array(["text"])),
    lambda _: _npy(np.zeros(0, "float32")),
    lambda _: _npy(np.array(1.0)),
    lambda _: _npy(np.zeros((3, 4, 5), "float64")),
    lambda _: _npy(np.array([1 + 2j])),
    lambda _: _npy(np.array(["2020-01-01"], dtype="datetime64[s]")),
    lambda _: _npy(np.zeros(3, [("a", "i4")])),
    lambda random: _npy(np.full(random.choice((1, 4, 9, 100)), random.choice(_FLOATS))),
    lambda random: spoilt_bytes(_npy(np.arange(9.0)), random),
    lambda random: random.randbytes(random.choice((0, 1, 100))),
)
_FLOATS = (float("nan"), float("inf"), 1e299, -1e308, 0.0, 1e-320)
