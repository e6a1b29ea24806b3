"""What the server costs: time, memory, start-up. Prints; judges nothing.

    python benchmarks/bench.py [--corpus DIR] [--sql DUMP] [--runs N]

DIR holds api.github.com.json (13 MB) and stripe.yaml (3 MB), DUMP is a PostgreSQL dump; without
them, documents of the same sizes are generated. The dump is also given to squawk. The content
changes before each timed call, so that no cache answers.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import psutil
import yaml
from generate import api, schema
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
        dump = root / "dump.sql"
        dump.write_text(options.sql.read_text("utf-8") if options.sql else schema(140))
        anyio.run(reviews, root, dump, options.runs)
        squawk(dump, options.runs)
        anyio.run(plans, root, dump, options.runs)
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


SMALL = "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);\n"
CHANGE = """
ALTER TABLE {0} ADD COLUMN added_here timestamptz DEFAULT now();
CREATE INDEX made_here ON {0} (added_here);
ALTER TABLE {0} ALTER COLUMN added_here SET NOT NULL;
"""


async def plans(root: Path, dump: Path, runs: int) -> None:
    """Plans between two schemas: two of 1,000 tables, and rehearsed ones: small, and a dump."""
    wide = schema(1_000, details=5, indexes=2)
    real = dump.read_text("utf-8")
    some = re.search(r"^CREATE TABLE (\S+) \(", real, re.MULTILINE)
    assert some
    cases = {
        "static plan, 1,000 tables": (wide, CHANGE.format("public.records_500"), False),
        "rehearsed plan, small": (SMALL, CHANGE.format("orders"), True),
        f"rehearsed plan, {real.count('CREATE TABLE ')} tables": (
            real,
            CHANGE.format(some[1]),
            True,
        ),
    }
    for name, (before, change_, rehearsal) in cases.items():
        (root / "before.sql").write_text(f"-- 0\n{before}")
        (root / "after.sql").write_text(f"-- 0\n{before}{change_}")
        command = [COMMAND, "plan-migration", "--current", "before.sql", "--target", "after.sql"]
        command += ["--dialect", "postgres"] + ["--no-rehearsal"] * (not rehearsal)
        started = time.perf_counter()
        subprocess.run(command, cwd=root, capture_output=True, check=True)
        cold = time.perf_counter() - started
        warm = await _planned(root, rehearsal, runs)
        row(name, f"{median(warm):.2f} s (command, from its start {cold:.2f} s)")


async def _planned(root: Path, rehearsal: bool, runs: int) -> list[float]:
    """Plans by a server that is warm, of contents that are new."""
    arguments = {
        "current": {"path": "before.sql"},
        "target": {"path": "after.sql"},
        "dialect": "postgres",
        "rehearsal": rehearsal,
    }
    async with serving(root) as client:
        await client.list_tools()
        await anyio.sleep(1.5)

        async def call() -> None:
            result = await client.call_tool("plan_migration", arguments)
            assert not result.is_error, result.content

        seconds = []
        for number in range(runs):
            change(root / "before.sql", number + 1)
            seconds.append(await timed(call))
    return seconds


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
