"""Names of values that a server decides, not its clients."""

from __future__ import annotations

import re

DECIDED = re.compile(
    r"^_((order|payment|account|delivery|shipping|transaction|approval)_)?(status|state)_$"
    r"|^_(total|sub_?total|price|unit_price|discount|amount_(paid|due)|available_credit|credits?"
    r"|balance|refund(ed)?_amount|reputation|rank|score|points)_$"
)
