"""Who may import whom, what a start may cost, and what is shipped."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("server", "tools", "personas")
RESOURCES = {"coverage": "docs/coverage", "examples": "examples/design"}  # of the server
PACKAGE = "backend_architect"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

# What each part of tools/ may import from tools/, beside itself.
SHARED = {
    "report",
    "source",
    "source_yaml",
    "rule",
    "policy",
    "judge",
    "names",
    "patterns",
    "matching",
}
MODELS: dict[str, set[str]] = {
    "regular_expressions": set(),
    "openapi": {"regular_expressions"},
    "graphql": set(),
    "editing": set(),
    "engines": set(),
    "ddl": {"engines"},
    "postgres": {"ddl", "engines"},
    "sqlite": {"ddl", "engines"},
}
EVERYTHING = {"catalog"}


def files(*folders: str) -> list[Path]:
    return sorted(
        file
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
        if not any(part.startswith(".") for part in file.relative_to(ROOT).parts)
    )


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """The modules that a file imports, absolute, and how many dots each was written with."""
    package = [PACKAGE, *file.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:  # `from . import jobs` imports a module, too
                is_module = _is_module(f"{module}.{alias.name}")
                yield (f"{module}.{alias.name}" if is_module else module), node.level


def _is_module(name: str) -> bool:
    parts = name.split(".")
    if parts[0] != PACKAGE or len(parts) < 2:
        return False
    path = ROOT.joinpath(*parts[1:])
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def parts(module: str) -> list[str]:
    """The steps below the package; empty for a module of others."""
    steps = module.split(".")
    return steps[1:] if steps[0] == PACKAGE else []


TOOLS = [pytest.param(file, id=named(file)) for file in files("tools")]
SOURCES = [pytest.param(file, id=named(file)) for file in files(*FOLDERS)]


def test_the_folders_are_found() -> None:
    assert len(TOOLS) > 15
    assert len(SOURCES) > 35


@pytest.mark.parametrize("file", TOOLS)
def test_tools_know_nothing_of_the_outside(file: Path) -> None:
    for module, _ in imports(file):
        assert parts(module)[:1] not in (["server"], ["personas"]), module
        assert module.split(".")[0] not in {"mcp", "click", "rich", "anyio"}, module
        if file.parent.name != "domain":  # a structured input is a model of its own
            assert module.split(".")[0] != "pydantic", module


@pytest.mark.parametrize("file", TOOLS)
def test_imports_go_one_way_within_tools(file: Path) -> None:
    own = file.relative_to(ROOT).with_suffix("").parts[1]
    if own in SHARED:
        allowed = SHARED
    elif own in MODELS:
        allowed = SHARED | {own} | MODELS[own]
    elif own in EVERYTHING or own == "__init__":
        allowed = SHARED | {other.name for other in (ROOT / "tools").iterdir()}
    else:
        allowed = SHARED | set(MODELS) | {own}  # a tool, which knows no other
    for module, _ in imports(file):
        if parts(module)[:1] == ["tools"] and len(parts(module)) > 1:
            assert parts(module)[1] in allowed, module


def test_what_is_shared_is_in_layers() -> None:
    order = ["names", "patterns", "matching", "report", "source", "rule", "policy", "judge"]
    below = {
        "names": set(),
        "patterns": set(),
        "matching": set(),
        "report": set(),
        "source": {"source_yaml", "patterns"},
        "rule": {"report", "source"},
        "policy": {"report"},
        "judge": {"report", "rule", "policy"},
    }
    for name in order:
        for module, _ in imports(ROOT / "tools" / f"{name}.py"):
            if parts(module)[:1] == ["tools"]:
                assert parts(module)[1] in below[name], f"{name}: {module}"


@pytest.mark.parametrize("file", SOURCES)
def test_only_the_catalog_sees_every_rule(file: Path) -> None:
    own = parts_of(file)
    for module, _ in imports(file):
        if "rules" in parts(module):
            tool = parts(module)[:2]
            assert own[:2] == tool or own == ["tools", "catalog"], module
        if parts(module) == ["tools", "catalog"]:
            assert own[0] == "server", module


def parts_of(file: Path) -> list[str]:
    return list(file.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("file", SOURCES)
def test_only_the_server_reads_the_persona(file: Path) -> None:
    if "personas" in file.read_text("utf-8") and parts_of(file)[0] != "personas":
        assert parts_of(file)[0] == "server"


@pytest.mark.parametrize("file", SOURCES)
def test_imports_are_relative_inside_a_folder_and_absolute_across(file: Path) -> None:
    own = parts_of(file)[0]
    for module, dots in imports(file):
        assert module.split(".")[0] not in FOLDERS, f"{module} by its bare name"
        if parts(module):
            assert (parts(module)[0] == own) is (dots > 0), module
            assert own == "server" or dots > 0, module


@pytest.mark.parametrize("file", [pytest.param(f, id=named(f)) for f in files("tests", "examples")])
def test_tests_and_examples_import_the_installed_package(file: Path) -> None:
    for module, dots in imports(file):
        assert dots == 0, module
        assert module.split(".")[0] not in FOLDERS, f"{module} by its bare name"


# Packaging

SETUP = PROJECT["tool"]["setuptools"]


def test_every_package_is_shipped() -> None:
    found = {
        ".".join([PACKAGE, *file.parent.relative_to(ROOT).parts])
        for file in files(*FOLDERS)
        if file.name == "__init__.py"
    }
    assert set(SETUP["packages"]) == found | {f"{PACKAGE}.{name}" for name in RESOURCES}


def test_every_folder_with_modules_is_a_package() -> None:
    for folder in {file.parent for file in files(*FOLDERS)}:
        assert (folder / "__init__.py").is_file(), named(folder)


def test_the_folders_are_the_parts_of_one_package() -> None:
    parts = {f"{PACKAGE}.{folder}": folder for folder in FOLDERS}
    resources = {f"{PACKAGE}.{name}": folder for name, folder in RESOURCES.items()}
    assert SETUP["package-dir"] == parts | resources


def test_every_data_file_is_shipped() -> None:
    globs = SETUP["package-data"]["*"]
    packages = {name.replace(f"{PACKAGE}.", "", 1).replace(".", "/") for name in SETUP["packages"]}
    data = [
        file
        for folder in FOLDERS
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc")
    ]
    names = {named(file) for file in data}
    assert "personas/backend-architect.md" in names
    assert "tools/openapi/official/3.1-schema.json" in names
    assert {f"{folder}/py.typed" for folder in FOLDERS} <= names
    for name in names:
        folder = next(
            folder for folder in sorted(packages, reverse=True) if name.startswith(folder + "/")
        )
        assert any(fnmatch(name.removeprefix(folder + "/"), glob) for glob in globs), name


def test_the_command_is_the_entry_point() -> None:
    (target,) = PROJECT["project"]["scripts"].values()
    module, _, function = target.partition(":")
    tree = ast.parse((ROOT.joinpath(*parts(module)).with_suffix(".py")).read_text("utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


# What a start loads


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        pytest.param(
            "import backend_architect.server.cli",
            ["mcp", "yaml", "rich", "jsonschema_rs", "pydantic", "anyio"],
            id="the command line",
        ),
        pytest.param(
            "import backend_architect.server.__main__",
            ["mcp", "click", "json", "importlib.metadata"],
            id="the entry point",
        ),
        pytest.param(
            "from backend_architect.server import worker; worker._preload()",
            ["mcp", "pydantic", "click", "rich", "anyio"],
            id="a worker",
        ),
        pytest.param(
            "import backend_architect.server.app",
            ["rich", "jsonschema_rs", "yaml", "click.testing"],
            id="the server",
        ),
        pytest.param(
            "import backend_architect.tools.review_api",
            ["mcp", "pydantic", "click", "rich", "jsonschema_rs", "yaml"],
            id="a tool",
        ),
    ],
)  # fmt: skip
def test_a_start_loads_no_more_than_it_needs(code: str, absent: list[str]) -> None:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT / "tests")
    loaded = done.stdout.decode().split()
    assert "backend_architect.server" in loaded or "backend_architect.tools" in loaded
    assert [name for name in absent if name in loaded] == []
