"""Regular expressions of ECMA-262: which are some, what they match, what they cost."""

from __future__ import annotations

import pytest

from backend_architect.tools.regular_expressions.ambiguity import Budget
from backend_architect.tools.regular_expressions.complexity import Growth, Verdict, complexity
from backend_architect.tools.regular_expressions.matcher import Program
from backend_architect.tools.regular_expressions.parser import Invalid, TooComplex, parsed
from backend_architect.tools.regular_expressions.shapes import (
    beyond_automata,
    is_anchored,
    matches_nothing,
)


def read(pattern: str, unicode: bool) -> bool:
    try:
        return bool(parsed(pattern, unicode=unicode))
    except Invalid:
        return False


# What V8 says of the same patterns, with the flag `u` and without.
@pytest.mark.parametrize(
    ("pattern", "unicode", "lenient"),
    [
        (r"^[a-z]+(?:-\d{2,})?$", True, True),
        (r"(?<year>\d{4})-\k<year>(?=x)(?!y)(?<=z)(?<!w)", True, True),
        (r"\p{L}\p{Script=Greek}\P{ASCII}\u{1F600}\x41\cA", True, True),
        (r"\ud83d\ude00|[^]|[]", True, True),
        (r"\p{Latin}", False, True),
        (r"\A\z", False, True),
        (r"\-", False, True),
        (r"[\w-.]", False, True),
        (r"a{,5}", False, True),
        (r"]}{", False, True),
        (r"\1", False, True),
        (r"(?=a)*", False, True),
        (r"\u{110000}", False, True),
        (r"\c", False, True),
        (r"\08", False, True),
        (r"(?<=a)*", False, False),
        (r"^*", False, False),
        (r"(?i)a", False, False),
        (r"(?P<a>b)", False, False),
        (r"(?>a)", False, False),
        (r"(?<a>b)(?<a>c)", False, False),
        (r"(?<1>b)", False, False),
        (r"(?<a>b)\k<c>", False, False),
        (r"a**", False, False),
        (r"a++", False, False),
        (r"a{5,2}", False, False),
        (r"{2}", False, False),
        (r"[z-a]", False, False),
        (r"[a", False, False),
        (r"(a", False, False),
        (r"a)", False, False),
        ("\\", False, False),
    ],
)
def test_patterns_are_read_as_by_engines(pattern: str, unicode: bool, lenient: bool) -> None:
    assert (read(pattern, True), read(pattern, False)) == (unicode, lenient)


@pytest.mark.parametrize(
    ("pattern", "at", "problem", "right"),
    [
        (r"ab(?P<n>c)", 2, "no group that ECMA-262 knows", "write `(?<name>…)`"),
        (r"a{,5}", 1, "`{` stands alone", "write `{0,5}`"),
        (r"ab\Z", 2, r"`\Z` is no escape", "write `$`"),
        (r"[a-z", 0, "the class is not closed", r"escape it: `\[`"),
        (r"x[9-0]", 2, "the range `9-0` is out of order", "the lower one first"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_a_way_out(
    pattern: str, at: int, problem: str, right: str
) -> None:
    with pytest.raises(Invalid) as error:
        parsed(pattern)
    assert error.value.at == at
    assert problem in error.value.problem
    assert right in error.value.right


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        (r"^(a|ab)(c|bcd)$", ["ac", "abc", "abcd"], ["ab", "abcdx"]),
        (r"^(\w)\w*\1$", ["aba", "aa"], ["ab", "a"]),
        (r"^(?=.*\d)(?!.*x).{3,}$", ["ab1"], ["abc", "ax1", "a1"]),
        (r"(?<=a{2})b|(?<!a)c\b", ["aab", "c"], ["ab", "ac", "cd"]),
        (r"^(?:a*)*?b$", ["b", "aab"], ["aac", ""]),
        (r"^\p{Lu}\p{gc=Nd}[^\P{ASCII}]$", ["Ä3x"], ["ä3x", "Ä3ä"]),
        (r"^[\b\x41-\x43\]-]+$", ["AB]-"], ["D"]),
    ],
)
def test_the_matcher_matches(pattern: str, matching: list[str], others: list[str]) -> None:
    program = Program(parsed(pattern))
    assert [text for text in (*matching, *others) if program.run(text, 10_000).matched] == matching


def decided(pattern: str, steps: int = 300_000) -> Verdict:
    return complexity(parsed(pattern), Budget(steps))


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(a+)+$",
        r"(a*)*b",
        r"^(a|a)*$",
        r"^(a|aa)+$",
        r"^(\s|\s*;)*$",
        r"^(?:(a+)+b|)",
        r"^(?=.*\d)(a+)+$",
        r"^((?!x)[a-z]+)+$",
        r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*@[a-z]+$",
        r"^([a-z]{1,50}){1,50}$",
    ],
)
def test_exponential_patterns_have_a_witness(pattern: str) -> None:
    verdict = decided(pattern)
    assert verdict.growth is Growth.EXPONENTIAL
    attack = verdict.attack
    assert attack
    program = Program(parsed(pattern))
    for times, steps in attack.measured:
        run = program.run(attack.prefix + attack.pump * times + attack.suffix, 10**6)
        assert run.steps == steps
    (fewer, some), (more, many) = attack.measured
    assert many / some > 2 * more / fewer


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d+$",
        r"^\d+\d+x$",
        r"^\s+|\s+$",
        r"x*x*y",
        r"^(.*?,){11}P",
        r".*a",
        r"(\w+)\1+$",
        r"(?=[^a]*?[ab].)",
    ],
)
def test_polynomial_patterns_have_a_witness(pattern: str) -> None:
    verdict = decided(pattern)
    assert verdict.growth is Growth.POLYNOMIAL
    assert verdict.attack
    assert verdict.attack.steps_within(100_000, verdict.growth) > 10**8


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[a-z]+(-[a-z]+)*$",
        r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        r"^(?=.*\d)(?=.*[a-z]).{8,}$",
        r"^[\w-]+(\.[\w-]+)*@([a-z0-9-]+\.)+[a-z]{2,}$",
        r"^\d{1,300}\d{1,300}$",
        r"(a+)+",
        r"^(ab?c)*d",
        r"[^x]*",
    ],
)
def test_linear_patterns_are_told(pattern: str) -> None:
    assert decided(pattern) == Verdict(Growth.LINEAR)


def test_what_is_ambiguous_without_a_text_that_fails_is_unknown() -> None:
    assert decided(r".*\B") == Verdict(Growth.UNKNOWN)


@pytest.mark.parametrize(
    "pattern",
    [
        "a*" * 2_400,
        "(" * 40 + "a+" + ")+" * 40,
        "(" * 39 + "){40}" * 39,
        "(x{0,9999}){9999}" * 20,
        r"(\p{L}|\p{N}\p{P})*" * 200,
        "(ab|a|b|ba)*" * 60 + "$",
        "(?=(a*)*)" * 200,
        "[^b]*" * 100 + "$",
    ],
)
def test_hostile_patterns_cost_no_more_than_the_budget(pattern: str) -> None:
    budget = Budget(20_000)
    assert complexity(parsed(pattern), budget).growth is not Growth.EXPONENTIAL
    assert budget.left > -70_000  # one match may go beyond


@pytest.mark.parametrize("pattern", ["a" * 5_001, "(" * 60 + ")" * 60])
def test_what_is_too_long_or_deep_is_not_read(pattern: str) -> None:
    with pytest.raises(TooComplex):
        parsed(pattern)


def test_shapes_are_told() -> None:
    assert is_anchored(parsed("^a|(^b)"), end=False)
    assert not is_anchored(parsed("^a|b"), end=False)
    assert is_anchored(parsed("(?:a$)+"), end=True)
    for pattern in ("/^a$/", ".^", "a$b", "(?:x|a$)b^"):
        assert matches_nothing(parsed(pattern))
    for pattern in ("^a$", "^$", "a^|b", "(?:^a)*b", "$^"):
        assert not matches_nothing(parsed(pattern))
    assert list(beyond_automata(parsed(r"(a)\1(?=b)c{1001}"))) == [
        "refers back to a group",
        "looks ahead",
        "repeats more than 1,000 times",
    ]
