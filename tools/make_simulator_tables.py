"""Makes `convoso_async/simulator/tables.json` from the fact sheet in `tests/spec/`.

    python tools/make_simulator_tables.py            writes the file
    python tools/make_simulator_tables.py --check    says whether it is as the fact sheet wants it

The simulator answers from these tables, the client from its own, written by hand: a slip in one shows
up as a disagreement instead of being repeated.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "tests" / "spec"
TABLES = ROOT / "convoso_async" / "simulator" / "tables.json"
WIDTH = 110

# Highest authority first, as tests/spec/README.md ranks the sources.
AUTHORITY = ["seed", "docs", "site", "types", "index", "sdk2", "go", "php"]
DOCUMENTED = ("seed", "docs")
PARAM_KEYS = [
    "name",
    "type",
    "required",
    "default",
    "min",
    "max",
    "min_length",
    "max_length",
    "enum",
    "aliases",
]

# Words of the code table for what a call names otherwise.
NOUNS = {
    "user": ["user_id", "user_ids", "owner_id"],
    "users": ["user", "lead_id"],
    "list": ["list_id", "list_ids", "id"],
    "lists": ["list_id"],
    "campaign": ["campaign_id", "campaign_ids"],
    "queue": ["queue_id", "queue_ids"],
    "lead": ["lead_id"],
    "callback": ["callback_id"],
    "call log": ["call_log_id"],
    "DNC entry": ["id"],
    "record": ["id"],
    "list name": ["name"],
    "status name": ["name"],
    "status code": ["status"],
    "campaign status value": ["status"],
    "an email address": ["email"],
    "name": ["name"],
}

# What a meaning says about its subject. "{s}" is one subject or several.
MEANINGS = [
    (r"(?P<s>.+?) absent or not .+", ["missing", "invalid"]),
    (r"(?P<s>.+?) (is )?absent", ["missing"]),
    (r"(?P<s>.+?) not numeric", ["numeric"]),
    (r"(?P<s>.+?) (form |is )?not valid(, .+)?", ["invalid"]),
    (r"(?P<s>.+?) sent empty", ["empty"]),
    (r"(?P<s>.+?) under \d+ characters", ["short"]),
    (r"(?P<s>limit) above \d+", ["above"]),
    (r"no (?P<s>.+?) with that id", ["unknown"]),
    (r"no (?P<s>.+?) given or found", ["missing", "unknown"]),
    (r"(?P<s>.+?) does not exist", ["unknown"]),
    (r"(?P<s>.+?) unknown or not .+", ["unknown"]),
]
TEXTS = [
    (r"(?P<s>\w+) not found", ["unknown"]),
    (r"Invalid (?P<s>phone number)", ["invalid"]),
    (r"Invalid callback (?P<s>stage)", ["invalid"]),
    (r"Invalid (?P<s>callback time) format", ["invalid"]),
    (r"Invalid (?P<s>timezone) offset", ["invalid"]),
    (r"Invalid (?P<s>date) format.*", ["invalid"]),
    (r"Invalid date (?P<s>range)", ["invalid"]),
    (r"Invalid (?P<s>criteria key)", ["unknown"]),
    (r"(?P<s>Limit) cannot exceed \d+", ["above"]),
    (r"(?P<s>Status) must be .+", ["invalid"]),
    (r"(?P<s>Name) must be at least .+", ["short"]),
    (r"(?P<s>phone_number) required", ["missing"]),
    (r"Missing (?P<s>required field): <field>", ["missing"]),
]
TEXT_SUBJECTS = {
    "phone number": "phone_number",
    "callback time": "callback_time",
    "timezone": "callback_time_zone",
    "criteria key": "criteria_key",
    "required field": "a required field",
    "date": "date form",
}
GENERAL = ("a required field", "a parameter")


def main() -> int:
    """0 when the tables are written or right, 1 when `--check` finds them wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check = parser.parse_args().check
    wanted = "\n".join(lines(tables(), 0)) + "\n"
    current = TABLES.read_text("utf-8") if TABLES.exists() else None
    if current == wanted:
        print(f"{TABLES.relative_to(ROOT)} is up to date")
        return 0
    if check:
        print(f"{TABLES.relative_to(ROOT)} differs from tests/spec: run tools/make_simulator_tables.py")
        return 1
    TABLES.write_text(wanted, "utf-8")
    print(f"{TABLES.relative_to(ROOT)} written")
    return 0


def tables() -> dict[str, Any]:
    """All calls, by id, and the texts that any call may answer."""
    endpoints = yaml.safe_load((SPEC / "endpoints.yaml").read_text("utf-8"))
    errors = yaml.safe_load((SPEC / "errors.yaml").read_text("utf-8"))
    observed = observed_shapes((SPEC / "field-notes.md").read_text("utf-8"))
    general = [e for e in errors["general_text_errors"] if e["endpoints"] == ["*"]]
    return {
        "calls": {e["id"]: call_table(e, codes_of(e["id"], errors), observed) for e in endpoints},
        "text_errors": [{"text": e["text"], "kind": e["kind"]} for e in general],
    }


def call_table(endpoint: dict[str, Any], codes: dict[str, Any], observed: dict[str, Any]) -> dict[str, Any]:
    """What the simulator has to know about one call."""
    response = endpoint["response"]
    pagination = endpoint.get("pagination") or {}
    texts = [dict(text) for text in endpoint.get("text_errors", [])]
    for text in texts:
        if text.get("same_as_code"):
            codes[str(text["same_as_code"])].setdefault("text", text["text"])
    shape = observed.get(endpoint["id"], {})
    return {
        "path": endpoint["path"],
        "effect": endpoint["effect"],
        "custom_fields": endpoint["custom_fields"],
        "params": [
            {key: param[key] for key in PARAM_KEYS if key in param} | undocumented(param)
            for param in endpoint["params"]
        ],
        "pagination": {
            k: pagination.get(k) for k in ("limit_default", "limit_min", "limit_max", "offset_max")
        }
        if pagination
        else None,
        "window": endpoint.get("window") or pagination.get("window"),
        "rows": {
            "documented": response["rows_paths"][0] if response["rows_paths"] else None,
            "observed": shape.get("rows") if response["rows_paths"] else None,
        },
        "keyed_rows": shape.get("keyed", False),
        "total": {"documented": pagination.get("total_field"), "observed": shape.get("total")},
        "total_as_text": shape.get("total_as_text", False),
        "envelope": envelope(response),
        "empty": (response.get("empty") or [None])[0],
        "error_shape": error_shape(endpoint.get("error_shape", "")),
        "errors": codes,
        "text_errors": texts,
        "problems": problems(endpoint, codes, texts),
        "fields": [
            {"name": f["name"], "type": f["type"]} | undocumented(f) for f in response.get("fields", [])
        ],
    }


def undocumented(item: dict[str, Any]) -> dict[str, Any]:
    """A mark for what only other clients tell."""
    return {"undocumented": True} if "src" in item and not set(item["src"]) & set(DOCUMENTED) else {}


def codes_of(call: str, errors: dict[str, Any]) -> dict[str, Any]:
    """Code -> meaning, kind and source on this call; where sources differ, the higher authority."""
    found: dict[str, Any] = {}
    for entry in errors["codes"]:
        meanings = [m for m in entry["meanings"] if call in m["endpoints"]]
        if meanings:
            best = min(meanings, key=lambda m: AUTHORITY.index(m["source"]))
            found[str(entry["code"])] = {key: best[key] for key in ("meaning", "kind", "source")}
    return found


def observed_shapes(notes: str) -> dict[str, Any]:
    """Where field-notes.md saw the rows and the total of each call."""
    shapes: dict[str, Any] = {}
    for line in notes.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) != 4 or "." not in cells[0]:
            continue
        rows, total = re.search(r"`([^`]+)`", cells[1]), re.search(r"`([^`]+)`", cells[2])
        path = rows.group(1) if rows else cells[1].split(",")[0].strip("`")
        for call in cells[0].split(", "):
            shapes[call] = {
                "rows": path,
                "keyed": "keyed" in cells[1],
                "total": total.group(1) if total else None,
                "total_as_text": "as text" in cells[2],
            }
    return shapes


def envelope(response: dict[str, Any]) -> list[str]:
    """The keys beside the rows in the documented example."""
    path = (response["rows_paths"] or [None])[0]
    body = response["examples"][0]["body"]
    if path is None or not isinstance(body, dict):
        return []
    *outer, rows = path.split(".")
    for key in outer:
        body = body[key]
    return [key for key in body if key != rows]


def error_shape(text: str) -> str:
    """Which pieces the documented error body has."""
    shapes = {"error_code": "error_code", "no success flag": "result", "docs list the codes": "text"}
    return next((shape for start, shape in shapes.items() if text.startswith(start)), "code")


def problems(endpoint: dict[str, Any], codes: dict[str, Any], texts: list[dict[str, Any]]) -> dict[str, Any]:
    """`parameter.problem` -> the code and text that answer it; documented ones come before others."""
    found: dict[str, Any] = {}
    for code, entry in sorted(codes.items(), key=rank):
        documented = entry["source"] in DOCUMENTED
        for name, problem in said(entry["meaning"], MEANINGS, endpoint):
            if documented or not any(key.startswith(f"{name}.") for key in found):
                text = entry.get("text", entry["meaning"])
                found.setdefault(f"{name}.{problem}", {"code": int(code), "text": text})
    for text in texts:
        for name, problem in said(text["text"], TEXTS, endpoint):
            like = found.get(f"{name}.invalid") if problem == "unknown" else None
            known = found.get(f"{name}.{problem}") or like or {"code": None}
            told = {"code": text.get("same_as_code") or known["code"], "text": text["text"]}
            source = codes.get(str(told["code"]), {}).get("source")
            # The documented reply to this has a text and no code; the code comes from another client.
            found[f"{name}.{problem}"] = told | (
                {"code_undocumented": True} if source not in (None, *DOCUMENTED) else {}
            )
    if "offset.invalid" not in found and "7231" in codes:
        found["offset.invalid"] = {"code": 7231, "text": codes["7231"].get("text", codes["7231"]["meaning"])}
    return dict(sorted(found.items()))


def rank(item: tuple[str, dict[str, Any]]) -> tuple[int, bool]:
    """Higher authority first, and what names a parameter before what could mean any."""
    meaning = item[1]["meaning"]
    return AUTHORITY.index(item[1]["source"]), meaning.startswith(GENERAL)


def said(
    text: str, patterns: list[tuple[str, list[str]]], endpoint: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """The (parameter, problem) pairs that a text speaks of, specific names before general ones."""
    for pattern, kinds in patterns:
        match = re.fullmatch(pattern, text)
        if match:
            subject = TEXT_SUBJECTS.get(match["s"], match["s"])
            for name in subjects(subject, endpoint):
                for kind in kinds:
                    yield name, kind
            return


def subjects(text: str, endpoint: dict[str, Any]) -> list[str]:
    """The call's parameters meant by `text`."""
    params = endpoint["params"]
    names = [param["name"] for param in params]
    if text == "a required field":
        return [param["name"] for param in params if param["required"]]
    if text == "a parameter":
        return [name for name in names if name != "offset"]
    if text == "date form":
        return [param["name"] for param in params if param["type"] in ("date", "datetime")]
    if text == "range":
        return ["range"]
    found = []
    for part in re.split(r", | or ", text):
        word = part if part in names else part.lower() if part.lower() in [*names, *NOUNS] else part
        choices = [word, f"{word}s", *NOUNS.get(word, [])]
        if word.endswith("status"):
            choices.append("status_ids")
        found += [name for name in choices if name in names][:1]
    return found


def lines(value: object, depth: int, prefix: str = "") -> list[str]:
    """JSON text, one item a line wherever an item fits on one."""
    pad = "  " * depth
    compact = json.dumps(value, ensure_ascii=False)
    fits = len(pad) + len(prefix) + len(compact) <= WIDTH
    if not isinstance(value, dict | list) or not value or (fits and depth > 1):
        return [f"{pad}{prefix}{compact}"]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    items = value.items() if isinstance(value, dict) else [(None, item) for item in value]
    out = [f"{pad}{prefix}{opening}"]
    for key, item in items:
        out += lines(item, depth + 1, "" if key is None else f"{json.dumps(key)}: ")
        out[-1] += ","
    out[-1] = out[-1][:-1]
    return [*out, f"{pad}{closing}"]


if __name__ == "__main__":
    sys.exit(main())
