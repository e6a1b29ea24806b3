"""What the README shows is what the program prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend_architect.server.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


SHOWN = {
    "output": ["review-api", "examples/orders-api.yaml"],
    "changes output": [
        "review-api",
        "examples/orders-api-versions/v2.yaml",
        *("--previous", "examples/orders-api-versions/v1.yaml"),
        *("--usage", "examples/orders-api-versions/consumers.yaml"),
    ],
    "schema output": ["review-schema", "examples/shop-migrations", "--engine-version", "18"],
    "security output": [
        "security-checklist",
        "--api=examples/orders-api.yaml",
        *(
            f"--{name}=examples/orders-security/{file}.yaml"
            for name, file in [
                ("system", "system"),
                ("authorization", "roles"),
                ("answers", "answers"),
            ]
        ),
    ],
    "design output": ["design-schema", "examples/design/ledger.yaml", "--detail", "full"],
    "plan output": [
        "plan-migration",
        *(
            f"--{name.replace('_', '-')}=examples/rental-migration/{name}.{suffix}"
            for name, suffix in [
                ("current", "sql"),
                ("migration", "sql"),
                ("queries_before", "sql"),
                ("queries_after", "sql"),
                ("facts", "json"),
            ]
        ),
        "--dialect=postgres",
        "--engine-version=18",
    ],
}


@pytest.mark.parametrize("label", SHOWN)
def test_the_output_shown_is_the_output(label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = re.search(rf"<!-- {label} -->\n(`+)text\n(.*?)\1\n", README, re.DOTALL)
    assert shown
    printed = iter(CliRunner().invoke(main, SHOWN[label]).output.splitlines())
    for line in shown[2].splitlines():
        assert line == "…" or line in printed, line


def test_the_fixed_twin_is_clean_in_every_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    arguments = ["review-api", "examples/orders-api-fixed.yaml", "--rule-profile", "all"]
    result = CliRunner().invoke(main, [*arguments, "--fail-on", "info"])
    assert result.exit_code == 0, result.output


def test_every_option_named_exists() -> None:
    for command, option in re.findall(
        r"^(?:backend-architect|\S.*\| backend-architect) ([a-z-]+).*?(--[a-z-]+)",
        README,
        re.MULTILINE,
    ):
        shown = CliRunner().invoke(main, [command, "--help"])
        assert option in shown.output


def test_every_local_link_leads_somewhere() -> None:
    for file in (ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", file.read_text("utf-8")):
            assert (ROOT / target).exists(), f"{file.name}: {target}"
