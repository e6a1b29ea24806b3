"""The settings of a workspace, and what is said of wrong ones."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from backend_architect.server.settings import BadSettings, load_policy
from backend_architect.server.workspace import Workspace
from backend_architect.tools.policy import Ignore, Policy
from backend_architect.tools.report import Severity

OWN, SHARED = "backend-architect.toml", "pyproject.toml"
RULE = "api/schema-bounds-contradictory"


def policy(folder: Path, text: str, name: str = OWN) -> Policy:
    (folder / name).write_text(text, "utf-8")
    return load_policy(Workspace((folder,)))


def test_without_settings_the_policy_is_the_default(tmp_path: Path) -> None:
    assert load_policy(Workspace((tmp_path,))) == Policy()
    assert load_policy(Workspace(())) == Policy()


@pytest.mark.parametrize("name", [OWN, SHARED])
def test_every_setting_is_read(tmp_path: Path, name: str) -> None:
    text = f"""
rule_profile = "all"

[severity]
"{RULE}" = "warning"
"api/field-unknown" = "off"

[[ignore]]
rule = "{RULE}"
reason = "a fixed list"
file = "specs/*.yaml"
pointer = "/paths/~1countries/*"
expires = 2027-06-30

[[ignore]]
rule = "api/field-type"
reason = "known"
"""
    if name == SHARED:
        text = '[project]\nname = "pets"\n[tool.backend-architect]' + text
        for table in ("severity", "ignore"):
            text = text.replace(f"[{table}]", f"[tool.backend-architect.{table}]")
    assert policy(tmp_path, text, name) == Policy(
        profile="all",
        severities={RULE: Severity.WARNING, "api/field-unknown": None},
        ignores=(
            Ignore(RULE, "a fixed list", "specs/*.yaml", "/paths/~1countries/*", date(2027, 6, 30)),
            Ignore("api/field-type", "known"),
        ),
    )


@pytest.mark.parametrize("text", ["", '[project]\nname = "pets"', "[tool.ruff]\nline-length = 9"])
def test_a_pyproject_without_our_table_says_nothing(tmp_path: Path, text: str) -> None:
    assert policy(tmp_path, text, SHARED) == Policy()


def test_a_file_of_our_own_is_read_instead_of_pyproject(tmp_path: Path) -> None:
    (tmp_path / SHARED).write_text("[tool.backend-architect]\nrule_profile = 3", "utf-8")
    assert policy(tmp_path, 'rule_profile = "all"').profile == "all"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rule_profile = 'al'", "`rule_profile` is 'al'; write `default` or `all`"),
        ("rule_profile = ['all']", "`rule_profile` is ['all']; write `default` or `all`"),
        (
            "profile = 'all'",
            "unknown setting `profile`; did you mean `rule_profile`?"
            " Known: rule_profile, severity, ignore",
        ),
        ("root = '/'", "unknown setting `root`; Known: rule_profile, severity, ignore"),
        ("severity = 'error'", '`severity` is a table: `"api/…" = "warning"`'),
        (
            "[severity]\n'api/field-unknow' = 'error'",
            "there is no rule `api/field-unknow`; did you mean `api/field-unknown`",
        ),
        ("[severity]\n'nothing' = 'error'", "there is no rule `nothing`"),
        (
            "[severity]\n'api/field-unknown' = 'fatal'",
            "severity 'fatal' is none of info, warning, error, off",
        ),
        (
            "[severity]\n'api/field-unknown' = true",
            "severity True is none of info, warning, error, off",
        ),
        (
            "[severity]\n'api/field-unknown' = ['error']",
            "severity ['error'] is none of info, warning, error, off",
        ),
        ("ignore = 'api/field-unknown'", "`ignore` is a list of tables, each headed `[[ignore]]`"),
        ("ignore = ['a']", "`ignore` is a list of tables, each headed `[[ignore]]`"),
        (
            "[ignore]\nrule = 'api/field-unknown'\nreason = 'known'",
            "`ignore` is a list of tables, each headed `[[ignore]]`",
        ),
        ("[[ignore]]\nreason = 'known'", "an `[[ignore]]` needs a `rule`, which is a text"),
        (
            "[[ignore]]\nrule = 3\nreason = 'known'",
            "an `[[ignore]]` needs a `rule`, which is a text",
        ),
        (
            "[[ignore]]\nrule = 'api/field-unknow'\nreason = 'known'",
            "there is no rule `api/field-unknow`; did you mean `api/field-unknown`",
        ),
        (
            "[[ignore]]\nrule = 'api/field-unknown'",
            "an `[[ignore]]` needs a `reason`, which is a text",
        ),
        (
            "[[ignore]]\nrule = 'api/field-unknown'\nreason = '  '",
            "an `[[ignore]]` needs a `reason`, which is a text",
        ),
        (
            "[[ignore]]\nrule = 'api/field-unknown'\nreason = 3",
            "an `[[ignore]]` needs a `reason`, which is a text",
        ),
        (
            "[[ignore]]\nrule = 'api/field-unknown'\nreason = 'known'\npointer = ['/a']",
            "an `[[ignore]]` needs a `pointer`, which is a text",
        ),
        (
            "[[ignore]]\nrule = 'api/field-unknown'\nreason = 'known'\nexpires = '2027-06-30'",
            "`expires` is a date without quotes: 2027-06-30",
        ),
        (
            "[[ignore]]\nrule = 'api/field-unknown'\nreason = 'a'\nexpires = 2027-06-30T12:00:00",
            "`expires` is a date without quotes: 2027-06-30",
        ),
        (
            "[[ignore]]\nrule = 'api/field-unknown'\nreason = 'known'\nexpire = 2027-06-30",
            "unknown setting `expire`; did you mean `expires`?"
            " Known: rule, reason, file, pointer, expires",
        ),
        ("rule_profile = all", "Invalid value (at line 1, column 16)"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_file_and_what_would_be_right(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(BadSettings) as error:
        policy(tmp_path, text)
    assert str(error.value).startswith(f"{OWN}: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.backend-architect]\nprofile = 3", "pyproject.toml: unknown setting `profile`; did"),
        ("[tool]\nbackend-architect = 3", "pyproject.toml: `backend-architect` is a table"),
        ("[tool.backend-architect", "pyproject.toml: "),
    ],
)
def test_a_wrong_setting_in_pyproject_is_refused_too(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(BadSettings) as error:
        policy(tmp_path, text, SHARED)
    assert str(error.value).startswith(message)


def test_a_pyproject_in_which_tool_is_no_table_says_nothing(tmp_path: Path) -> None:
    assert policy(tmp_path, "tool = 3", SHARED) == Policy()


def test_settings_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    (tmp_path / OWN).write_bytes(b"rule_profile = '\xff'")
    with pytest.raises(BadSettings, match=r"^backend-architect\.toml: 'utf-8' codec"):
        load_policy(Workspace((tmp_path,)))


def test_a_setting_with_a_hostile_name_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as error:
        policy(tmp_path, f'"{"x" * 5_000}`\\n# Title" = 1')
    assert len(str(error.value)) < 250


@pytest.mark.parametrize("setting", ["rule_profile", "severity.'api/field-unknown'"])
def test_a_setting_with_a_long_value_is_bounded(tmp_path: Path, setting: str) -> None:
    with pytest.raises(BadSettings) as error:
        policy(tmp_path, f"{setting} = '{'x' * 5_000}'")
    assert len(str(error.value)) < 250


def test_settings_that_cannot_be_read_are_no_silent_default(tmp_path: Path) -> None:
    (tmp_path / "backend-architect.toml").mkdir()
    with pytest.raises(BadSettings, match=r"`backend-architect\.toml`: "):
        load_policy(Workspace((tmp_path,)))
