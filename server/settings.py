"""Settings of a workspace: `backend-architect.toml`, or `[tool.backend-architect]`, in a root.

rule_profile = "all"                       # or "default"
baseline = "baseline.json"                 # findings accepted for now, in the same folder
[severity]
"api/error-response-missing" = "error"     # or warning, info, off
[[ignore]]
rule = "api/collection-unpaginated"
pointer = "/paths/~1countries/*"           # glob; optional, as is `file`
reason = "a fixed list of 249 entries"
expires = 2027-06-30                       # optional
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from typing import Any

from backend_architect.tools.catalog import catalog
from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.policy import Baseline, Ignore, Policy
from backend_architect.tools.report import Severity, clean, quoted
from backend_architect.tools.rule import UnknownRule

from .baseline import BadBaseline, read_baseline
from .workspace import Workspace

FILES = ("backend-architect.toml", "pyproject.toml")


class BadSettings(ValueError):
    """The settings file is wrong; the message says where and what would be right."""


def load_policy(workspace: Workspace) -> Policy:
    """The policy that the workspace's settings describe; the default one without any.

    Raises `BadSettings`.
    """
    for name in FILES:
        try:
            file, content = workspace.read(name)
        except Unreadable as error:
            if name == FILES[0] and workspace.has(name):
                raise BadSettings(str(error)) from None
            continue
        try:
            table: Any = tomllib.loads(content.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise BadSettings(f"{file}: {clean(str(error), 200)}") from None
        if name == "pyproject.toml":
            tools = table.get("tool")
            table = tools.get("backend-architect") if isinstance(tools, dict) else None
        if table is not None:
            if not isinstance(table, dict):
                raise BadSettings(f"{file}: `backend-architect` is a table")
            return _policy(table, file, workspace)
    return Policy()


def _policy(table: dict[str, Any], file: str, workspace: Workspace) -> Policy:
    _known(table, ("rule_profile", "severity", "ignore", "baseline"), file)
    profile = table.get("rule_profile", "default")
    if profile not in ("default", "all"):
        raise BadSettings(f"{file}: `rule_profile` is {profile!r:.80}; write `default` or `all`")
    words, entries = table.get("severity", {}), table.get("ignore", [])
    if not isinstance(words, dict):
        raise BadSettings(f'{file}: `severity` is a table: `"api/…" = "warning"`')
    if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        raise BadSettings(f"{file}: `ignore` is a list of tables, each headed `[[ignore]]`")
    severities = {_rule(id, file): _severity(word, file) for id, word in words.items()}
    ignores = tuple(_ignore(entry, file) for entry in entries)
    policy = replace(Policy(), profile=profile, severities=severities, ignores=ignores)
    return (
        replace(policy, baseline=_baseline(table["baseline"], file, workspace))
        if "baseline" in table
        else policy
    )


def _baseline(path: object, file: str, workspace: Workspace) -> Baseline:
    if not isinstance(path, str):
        raise BadSettings(f"{file}: `baseline` is the path of a file")
    try:
        return read_baseline(workspace, path)
    except (BadBaseline, Unreadable) as error:
        raise BadSettings(f"{file}: `baseline`: {error}") from None


def _severity(word: object, file: str) -> Severity | None:
    words = {**{severity.word: severity for severity in Severity}, "off": None}
    if not isinstance(word, str) or word not in words:
        raise BadSettings(f"{file}: severity {word!r:.80} is none of {', '.join(words)}")
    return words[word]


def _ignore(entry: dict[str, Any], file: str) -> Ignore:
    _known(entry, ("rule", "reason", "file", "pointer", "expires"), file)
    expires = entry.get("expires")
    if expires is not None and type(expires) is not date:
        raise BadSettings(f"{file}: `expires` is a date without quotes: 2027-06-30")
    texts = {key: entry.get(key, "*") for key in ("file", "pointer")}
    texts |= {key: entry.get(key, "") for key in ("rule", "reason")}
    for key, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise BadSettings(f"{file}: an `[[ignore]]` needs a `{key}`, which is a text")
    _rule(texts["rule"], file)
    return Ignore(**texts, expires=expires)


def _rule(id: str, file: str) -> str:
    if id not in catalog():
        raise BadSettings(f"{file}: {UnknownRule(id, catalog())}")
    return id


def _known(table: dict[str, Any], keys: tuple[str, ...], file: str) -> None:
    for key in table:
        if key not in keys:
            near = get_close_matches(key, keys, n=1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            raise BadSettings(
                f"{file}: unknown setting {quoted(key)}; {hint}Known: {', '.join(keys)}"
            )
