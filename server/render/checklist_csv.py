"""A checklist as CSV: a line for each control, cause and subject."""

from __future__ import annotations

import csv
import io

from backend_architect.tools.security_checklist.checklist import Checklist

COLUMNS = (
    *("control", "row", "title", "family", "subject", "status", "strength", "risk", "cause", "why"),
    *("place", "verify", "implement", "asvs", "api_top10", "cwe"),
)


def text(checklist: Checklist) -> str:
    """All subjects of all rows; cells that a spreadsheet would run are quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in checklist.controls:
        for subject in row["subjects"]:
            at = next((each for each in subject["evidence"] if "line" in each), None)
            mapped = row["mappings"]
            cells = (
                row["id"],
                row["row"],
                row["title"],
                row["family"],
                subject["subject"],
                subject["status"],
                subject["strength"],
                str(row["risk"]["score"]),
                row["cause"],
                subject["why"],
                f"{at['file']}:{at['line']}" if at else "",
                subject["verify"],
                row["implement"],
                *(" ".join(mapped.get(key, ())) for key in ("asvs", "api_top10", "cwe")),
            )
            writer.writerow(map(_plain, cells))
    return out.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
