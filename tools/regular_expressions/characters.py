"""Sets of characters, as sorted ranges of code points, and those that ECMA-262 has names for."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]

LAST: Final = 0x10FFFF
ALL: Final[Ranges] = ((0, LAST),)


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The ranges sorted, those that touch as one."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """All other characters."""
    edges = [-1, *(edge for low, high in ranges for edge in (low - 1, high)), LAST]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple((before + 1, after) for before, after in pairs if before < after)


def has(ranges: Ranges, code: int) -> bool:
    """Whether a code point is in the set."""
    index = bisect_right(ranges, (code, LAST)) - 1
    return index >= 0 and code <= ranges[index][1]


def of(*characters: str) -> Ranges:
    """The set of single characters and of ranges written as `a-z`."""
    return union((ord(c[0]), ord(c[-1])) for c in characters)


DIGITS: Final = of("0-9")
WORD: Final = of("a-z", "A-Z", "0-9", "_")
SPACE: Final = of(
    *("\t-\r", " ", "\u00a0", "\u1680", "\u2000-\u200a"),
    *("\u2028-\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"),
)
DOT: Final = complement(of("\n", "\r", "\u2028-\u2029"))
CLASSES: Final = {
    "d": DIGITS,
    "w": WORD,
    "s": SPACE,
    "D": complement(DIGITS),
    "W": complement(WORD),
    "S": complement(SPACE),
}

_CATEGORIES: Final = (
    "C Cc Cf Cn Co Cs L LC Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm"
    " So Z Zl Zp Zs"
)
_LONG: Final = {
    "Other": "C",
    "Control": "Cc",
    "cntrl": "Cc",
    "Format": "Cf",
    "Unassigned": "Cn",
    "Private_Use": "Co",
    "Surrogate": "Cs",
    "Letter": "L",
    "Cased_Letter": "LC",
    "Lowercase_Letter": "Ll",
    "Modifier_Letter": "Lm",
    "Other_Letter": "Lo",
    "Titlecase_Letter": "Lt",
    "Uppercase_Letter": "Lu",
    "Mark": "M",
    "Combining_Mark": "M",
    "Spacing_Mark": "Mc",
    "Enclosing_Mark": "Me",
    "Nonspacing_Mark": "Mn",
    "Number": "N",
    "Decimal_Number": "Nd",
    "digit": "Nd",
    "Letter_Number": "Nl",
    "Other_Number": "No",
    "Punctuation": "P",
    "punct": "P",
    "Connector_Punctuation": "Pc",
    "Dash_Punctuation": "Pd",
    "Close_Punctuation": "Pe",
    "Final_Punctuation": "Pf",
    "Initial_Punctuation": "Pi",
    "Other_Punctuation": "Po",
    "Open_Punctuation": "Ps",
    "Symbol": "S",
    "Currency_Symbol": "Sc",
    "Modifier_Symbol": "Sk",
    "Math_Symbol": "Sm",
    "Other_Symbol": "So",
    "Separator": "Z",
    "Line_Separator": "Zl",
    "Paragraph_Separator": "Zp",
    "Space_Separator": "Zs",
}
CATEGORIES: Final = {name: name for name in _CATEGORIES.split()} | _LONG
"""The values of General_Category, long and short."""

_BINARY: Final = (
    "ASCII AHex ASCII_Hex_Digit Alpha Alphabetic Any Assigned Bidi_C Bidi_Control Bidi_M"
    " Bidi_Mirrored CI Case_Ignorable Cased CWCF Changes_When_Casefolded CWCM"
    " Changes_When_Casemapped CWL Changes_When_Lowercased CWKCF Changes_When_NFKC_Casefolded CWT"
    " Changes_When_Titlecased CWU Changes_When_Uppercased Dash DI Default_Ignorable_Code_Point Dep"
    " Deprecated Dia Diacritic Emoji EComp Emoji_Component EMod Emoji_Modifier EBase"
    " Emoji_Modifier_Base EPres Emoji_Presentation ExtPict Extended_Pictographic Ext Extender"
    " Gr_Base Grapheme_Base Gr_Ext Grapheme_Extend Hex Hex_Digit IDSB IDS_Binary_Operator IDST"
    " IDS_Trinary_Operator IDC ID_Continue IDS ID_Start Ideo Ideographic Join_C Join_Control LOE"
    " Logical_Order_Exception Lower Lowercase Math NChar Noncharacter_Code_Point Pat_Syn"
    " Pattern_Syntax Pat_WS Pattern_White_Space QMark Quotation_Mark Radical RI Regional_Indicator"
    " STerm Sentence_Terminal SD Soft_Dotted Term Terminal_Punctuation UIdeo Unified_Ideograph"
    " Upper Uppercase VS Variation_Selector space White_Space XIDC XID_Continue XIDS"
    " XID_Start"
)
BINARY: Final = frozenset(_BINARY.split())
"""The binary properties that `\\p{…}` knows (ECMA-262, tables 68 and 69)."""


@lru_cache(maxsize=64)
def category(name: str) -> Ranges:
    """The characters of a General_Category, by Python's Unicode data."""
    wanted = CATEGORIES[name]
    wanted = {"LC": "LuLlLt"}.get(wanted, wanted)
    return union(
        pair
        for short, pairs in _by_category().items()
        if short.startswith(wanted) or (len(wanted) > 2 and short in wanted)
        for pair in pairs
    )


@lru_cache(maxsize=1)
def _by_category() -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    start, current = 0, unicodedata.category("\0")
    for code in range(1, LAST + 2):
        here = unicodedata.category(chr(code)) if code <= LAST else ""
        if here != current:
            found.setdefault(current, []).append((start, code - 1))
            start, current = code, here
    return found


ASCII: Final = of("\0-\x7f")
"""The set of `\\p{ASCII}`."""
