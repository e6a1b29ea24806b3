"""What the server costs: time, memory, start-up. Prints; judges nothing.

    python benchmarks/bench.py [--corpus DIR] [--sql DUMP] [--runs N]

DIR holds api.github.com.json (13 MB) and stripe.yaml (3 MB), DUMP is a PostgreSQL dump; without
them, documents of the same sizes are generated. The dump is also given to squawk, and a migration
of it is planned and rehearsed. The content changes before each timed call, so that no cache
answers.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import psutil
import yaml
from generate import DIALECTS, api, copies, domain, schema, two_schemas
from mcp import Client, StdioServerParameters

COMMAND = str(Path(sys.executable).with_name("backend-architect"))
MIB = 1024**2


def main() -> None:
    parser = argparse.ArgumentParser(description="Time, memory, start-up.")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--sql", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        large, medium = documents(options.corpus, root)
        print(f"{sys.version.split()[0]}, {psutil.cpu_count()} cores, medians of {options.runs}")
        anyio.run(startup, root, options.runs)
        for file in (large, medium):
            anyio.run(reviews, root, file, options.runs)
            linters(file, min(options.runs, 3))
        anyio.run(growth, root, medium, options.runs)
        dump = root / "dump.sql"
        dump.write_text(options.sql.read_text("utf-8") if options.sql else schema(140))
        anyio.run(reviews, root, dump, options.runs)
        squawk(dump, options.runs)
        anyio.run(plans, root, dump, options.runs)
        anyio.run(designs, root, options.runs)
        anyio.run(definitions, root)


def documents(corpus: Path | None, root: Path) -> tuple[Path, Path]:
    """The large JSON and the medium YAML document, copied below the root."""
    if corpus:
        names = ("api.github.com.json", "stripe.yaml")
        for name in names:
            (root / name).write_bytes((corpus / name).read_bytes())
        return root / names[0], root / names[1]
    large, medium = root / "generated.json", root / "generated.yaml"
    large.write_text(json.dumps(api(245), indent=2))
    medium.write_text(yaml.dump(api(85), sort_keys=False, Dumper=yaml.CSafeDumper))
    return large, medium


async def startup(root: Path, runs: int) -> None:
    """CPU and wall time from process start to the tool list; memory of the idle process."""
    wall, cpu, memory = [], [], []
    for _ in range(runs):
        started = time.perf_counter()
        async with serving(root) as client:
            await client.list_tools()
            wall.append(time.perf_counter() - started)
            server = own_server()
            times = server.cpu_times()
            cpu.append(times.user + times.system)
            await anyio.sleep(0.6)
            memory.append(server.memory_info().rss / MIB)
    row("start to tool list", f"{median(wall):.2f} s, {median(cpu):.2f} s CPU")
    row("idle main process", f"{median(memory):.0f} MiB")


async def reviews(root: Path, file: Path, runs: int) -> None:
    """The first review, reviews of changed content, and repeats of unchanged content."""
    size = file.stat().st_size / 1e6
    arguments: dict[str, Any] = {"document": {"path": file.name}}
    tool = "review_schema" if file.suffix == ".sql" else "review_api"
    if tool == "review_schema":
        arguments |= {"dialect": "postgres", "prove": False}
    async with serving(root) as client:
        await client.list_tools()
        await anyio.sleep(1.5)  # the warm process loads after the first list

        async def call() -> None:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result.content

        with peak_memory() as peak:
            first = await timed(call)
            changed = []
            for number in range(runs):
                change(file, number)
                changed.append(await timed(call))
        unchanged = [await timed(call) for _ in range(runs)]
    row(f"{size:.1f} MB {file.name}", f"{median(changed):.2f} s (first {first:.2f} s)")
    row("  unchanged", f"{median(unchanged) * 1000:.0f} ms")
    row("  process tree, peak", f"{max(peak) / MIB:.0f} MiB")


LINTERS = Path(__file__).parent / "linters" / "node_modules" / ".bin"


def linters(file: Path, runs: int) -> None:
    """The same file through this and other linters from npm: a whole process each."""
    ruleset = file.with_name("spectral.yaml")
    ruleset.write_text('extends: ["spectral:oas"]\n')
    spectral = ["lint", "--ruleset", str(ruleset), "--format", "json", "--quiet"]
    redocly = ["lint", "--extends", "recommended", "--format", "json"]
    commands = {
        "this": [COMMAND, "review-api", "--no-prove", "--format", "json"],
        "Spectral, spectral:oas": [str(LINTERS / "spectral"), *spectral],
        "Redocly, recommended": [str(LINTERS / "redocly"), *redocly, "--max-problems=1000000"],
    }
    for name, command in commands.items():
        if not Path(command[0]).exists():
            row(f"  {name}", "not installed: `make bench` needs npm for it")
            continue
        seconds = []
        for _ in range(runs):
            started = time.perf_counter()
            done = subprocess.run(
                [*command, str(file)],
                cwd=file.parent,
                env={**os.environ, "REDOCLY_TELEMETRY": "off"},
                capture_output=True,
                check=False,
            )
            seconds.append(time.perf_counter() - started)
        size = len(done.stdout) / 1e6
        outcome = f"exit code {done.returncode}, {size:.1f} MB of findings"
        row(f"  {name}", f"{median(seconds):.2f} s from process start ({outcome})")


async def growth(root: Path, file: Path, runs: int) -> None:
    """What 1, 2, 4 and 8 copies of a document cost: twice as much each time, if it is linear."""
    document = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    copied = root / "copies.json"
    async with serving(root) as client:
        await client.list_tools()
        await anyio.sleep(1.5)
        for count in (1, 2, 4, 8):
            copied.write_text(json.dumps(copies(document, count), default=str))
            arguments = {"document": {"path": copied.name}, "prove": False}

            async def call(arguments: dict[str, Any] = arguments) -> None:
                result = await client.call_tool("review_api", arguments)
                assert not result.is_error, result.content

            times = []
            for number in range(runs):
                change(copied, number)
                times.append(await timed(call))
            size = copied.stat().st_size / 1e6
            row(f"  {count} × {file.name} as JSON", f"{median(times):.2f} s ({size:.1f} MB)")


async def designs(root: Path, runs: int) -> None:
    """A domain model of 30 entities to DDL, with and without proof."""
    file = root / "generated-model.json"
    file.write_text(json.dumps(domain(30)))
    async with serving(root) as client:
        await client.list_tools()
        await anyio.sleep(1.5)
        for dialect in ("postgres", "sqlite"):
            for prove, what in ((False, "designed"), (True, "proved")):
                arguments = {"model": {"path": file.name}, "dialect": dialect, "prove": prove}

                async def call(arguments: dict[str, Any] = arguments) -> None:
                    result = await client.call_tool("design_schema", arguments)
                    assert not result.is_error, result.content

                times = []
                for number in range(runs):
                    model = {**domain(30), "purpose": f"Run {number}"}
                    file.write_text(json.dumps(model))
                    times.append(await timed(call))
                row(f"30 entities {what}, {dialect}", f"{median(times):.2f} s")


SMALL = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, total numeric
);
"""
SMALL_AFTER = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, total numeric NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_customer ON orders (customer_id);
"""


async def plans(root: Path, dump: Path, runs: int) -> None:
    """Plans between two schemas of 1,000 tables, and rehearsed ones: small, and of a dump."""
    row("plans", "warm; in brackets a command, from the start of its process")
    for dialect in DIALECTS:
        before, after = two_schemas(1_000, dialect)
        case = Planning({"current": before, "target": after}, dialect, rehearsal=False)
        warm, cold = await planned(root, case, runs)
        changed = f"  static, 1,000 tables, {dialect}"
        row(changed, f"{warm:.2f} s (cold {cold:.2f} s); target 1 s warm")
    small = Planning({"current": SMALL, "target": SMALL_AFTER})
    warm, cold = await planned(root, small, runs)
    row("  rehearsed, small", f"{warm:.2f} s (cold {cold:.2f} s); targets 0.6 s, cold 1.5 s")
    real = dump.read_text("utf-8")
    several = Planning({"current": real, "migration": migration(real)})
    warm, cold = await planned(root, several, runs)
    tables = real.count("CREATE TABLE ")
    row(f"  rehearsed, {tables} tables", f"{warm:.2f} s (cold {cold:.2f} s); target 6 s")


def migration(dump: str) -> str:
    """Changes of several kinds to tables all over a dump: those that `id` is the key of."""
    keyed = r"^CREATE TABLE (?:public\.)?(\w+) \(\n    id (?:bigint|integer|uuid)\b"
    found = re.findall(keyed, dump, re.MULTILINE)
    first, second, third, fourth = (found[len(found) * part // 5] for part in (1, 2, 3, 4))
    return f"""\
ALTER TABLE public.{first} ADD COLUMN bench_state text DEFAULT 'new' NOT NULL;
CREATE INDEX bench_state_index ON public.{first} (bench_state);
ALTER TABLE public.{second} ADD COLUMN bench_note text;
ALTER TABLE public.{second} ADD CONSTRAINT bench_note_length CHECK (length(bench_note) < 200);
CREATE TABLE public.bench_links (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    note text NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL
);
ALTER TABLE public.{third} ADD COLUMN bench_link_id bigint REFERENCES public.bench_links (id);
CREATE INDEX bench_link_index ON public.{third} (bench_link_id);
ALTER TABLE public.{fourth} ADD COLUMN bench_score numeric(5, 2);
ALTER TABLE public.{fourth} ALTER COLUMN bench_score SET DEFAULT 0;
"""


@dataclass(frozen=True)
class Planning:
    """What is to be planned: texts by argument."""

    texts: dict[str, str]
    dialect: str = "postgres"
    rehearsal: bool = True


async def planned(root: Path, case: Planning, runs: int) -> tuple[float, float]:
    """Seconds of plans by a server that is warm, of contents that are new; and by a command."""
    command = [COMMAND, "plan-migration", "--dialect", case.dialect]
    arguments: dict[str, Any] = {"dialect": case.dialect, "rehearsal": case.rehearsal}
    for name, text in case.texts.items():
        (root / f"{name}.sql").write_text(f"-- 0\n{text}")
        command += [f"--{name}", f"{name}.sql"]
        arguments[name] = {"path": f"{name}.sql"}
    command += ["--no-rehearsal"] * (not case.rehearsal)
    cold, warm = [], []
    for _ in range(min(runs, 3)):
        started = time.perf_counter()
        done = subprocess.run(command, cwd=root, capture_output=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        cold.append(time.perf_counter() - started)
    async with serving(root) as client:
        await client.list_tools()
        await anyio.sleep(1.5)

        async def call() -> None:
            result = await client.call_tool("plan_migration", arguments)
            assert not result.is_error, result.content
            ran = (result.structured_content or {}).get("rehearsal", {}).get("ran")
            assert bool(ran) is case.rehearsal, result.content

        for number in range(runs):
            change(root / "current.sql", number + 1)
            warm.append(await timed(call))
    return median(warm), median(cold)


def squawk(file: Path, runs: int) -> None:
    """The same file through squawk (PyPI `squawk-cli`): a whole process each."""
    command = [str(Path(sys.executable).with_name("squawk")), str(file)]
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, check=False)
        seconds.append(time.perf_counter() - started)
    row("  squawk, from process start", f"{median(seconds):.2f} s")


async def definitions(root: Path) -> None:
    """How much of a context the tool list takes, at four characters a token."""
    async with serving(root) as client:
        listed = (await client.list_tools()).tools
        text = json.dumps([t.model_dump(by_alias=True, exclude_none=True) for t in listed])
    row("tool definitions", f"{len(text) // 4} tokens")


def serving(root: Path) -> Client:
    return Client(StdioServerParameters(command=COMMAND, args=["serve", "--root", str(root)]))


def own_server() -> psutil.Process:
    return psutil.Process().children()[0]


def change(file: Path, number: int) -> None:
    """Another content of the same size and meaning: one character of a title or a comment."""
    text = file.read_bytes()
    if file.suffix == ".sql":
        file.write_bytes(b"-- %d\n" % (number % 10) + text.partition(b"\n")[2])
        return
    at = text.index(b"title") + 9
    file.write_bytes(text[:at] + str(number % 10).encode() + text[at + 1 :])


async def timed(call: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await call()
    return time.perf_counter() - started


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """Samples of the resident memory of the server and its processes, shared pages included."""
    samples: list[float] = [0.0]
    done = threading.Event()

    def sample() -> None:
        while not done.wait(0.01):
            samples.append(sum(rss(p) for p in [own_server(), *own_server().children(True)]))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def rss(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss)
    except psutil.Error:
        return 0.0


def median(values: list[float]) -> float:
    return statistics.median(values)


def row(name: str, value: Any) -> None:
    print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
