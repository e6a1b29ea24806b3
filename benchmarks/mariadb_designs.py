"""Designs for MariaDB, applied to a real one.

    python benchmarks/mariadb_designs.py [MODEL.yaml …]     # default: the examples

Each model is designed for MariaDB; every statement of its DDL must be taken by a private server,
and the sample rows must be accepted. It needs Debian's `mariadb-server`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mariadb_catalog import server

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.ddl.mysql.emit import emit
from backend_architect.tools.design_schema.design import design
from backend_architect.tools.design_schema.domain.reading import read

EXAMPLES = Path(__file__).parents[1] / "examples" / "design"
VERSION = (10, 11)


def main(paths: list[str]) -> int:
    files = [Path(path) for path in paths] or sorted(EXAMPLES.glob("*.yaml"))
    failed = 0
    with server() as running:
        for file in files:
            domain = read(file.read_bytes(), file.name)
            made = design(domain, Dialect.MARIADB, VERSION, prove=False)
            ddl = [*made.blueprint.roles, *emit(made.blueprint.schema), *made.blueprint.rows]
            errors = running.apply("design", [*ddl, "START TRANSACTION", *made.sample, "COMMIT"])
            failed += len(errors)
            counts = f"{len(ddl)} statements, {len(made.sample)} rows"
            print(f"{file.name}: {counts}, {len(errors)} refused")
            for error in errors[:10]:
                print(f"  {error}")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
