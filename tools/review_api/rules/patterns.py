"""Rules about regular expressions: that they are some, and what they cost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.patterns import costs, patterns, readings
from ...regular_expressions.complexity import Attack, Growth
from ...regular_expressions.parser import Invalid
from ...regular_expressions.shapes import beyond_automata, is_anchored, matches_nothing
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API4

ECMA: Final = "https://262.ecma-international.org/15.0/#sec-patterns"
REGEXES: Final = "https://json-schema.org/draft/2020-12/json-schema-core#section-6.4"
HARMLESS: Final = 100_000
"""Steps of a match that take no more than some milliseconds."""


@rule(
    "api/pattern-invalid",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Write a regular expression of ECMA-262, and run it once on a value that it should match",
    references=[REGEXES, ECMA],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: tag, in: query, schema: {type: string, pattern: '(?i)^[a-z]+$'}}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: tag, in: query, schema: {type: string, pattern: '^[A-Za-z]+$'}}
    """,
)
def pattern_invalid(api: Api, _: Api) -> Iterator[Hit]:
    """A pattern is no regular expression.

    Patterns are regular expressions of ECMA-262, those of JavaScript. One that is none, or of
    another dialect, breaks validators when they are made or is left out by them, so that nothing
    is checked. Judged with and without the flag `u`: what is reported is invalid in both.
    """
    known = readings(api)
    for text, at, _node in patterns(api):
        if wrong := known[text].wrong:
            yield Hit(
                at,
                f"{quoted(text)} is no regular expression: {wrong.problem}",
                cause=f"{quoted(text)} is no regular expression",
                evidence=_shown(text, wrong),
                fix=wrong.right[:1].upper() + wrong.right[1:],
            )


def _shown(text: str, wrong: Invalid) -> str:
    """What was read, and where that ended."""
    before, after = text[max(0, wrong.at - 40) : wrong.at], text[wrong.at : wrong.at + 40]
    return f"at character {wrong.at + 1}: {quoted(before)} is read, not {quoted(after)}"


@rule(
    "api/pattern-without-unicode-mode",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Write the pattern so that it is valid with the flag `u`, too",
    references=[REGEXES, "https://ajv.js.org/options.html#unicoderegexp", ECMA],
    bad=r"""
    paths:
      /pets:
        get:
          parameters:
            - {name: tag, in: query, schema: {type: string, pattern: '^[\w-.]+$'}}
    """,
    good=r"""
    paths:
      /pets:
        get:
          parameters:
            - {name: tag, in: query, schema: {type: string, pattern: '^[\w.-]+$'}}
    """,
)
def pattern_without_unicode_mode(api: Api, _: Api) -> Iterator[Hit]:
    """A pattern is valid only where engines are lenient.

    JSON Schema says that patterns should be read with the flag `u`, and the usual validators do:
    they refuse the whole schema for one such pattern. Without the flag, `\\p{L}` and `\\A` are
    read as plain letters, which is seldom what was meant.
    """
    known = readings(api)
    for text, at, _node in patterns(api):
        refused, tree = known[text].refused, known[text].tree
        if refused and tree:
            yield Hit(
                at,
                f"{quoted(text)} is invalid with the flag `u`: {refused.problem}",
                cause=f"{quoted(text)} is invalid with the flag `u`",
                evidence=_shown(text, refused),
                fix=refused.right[:1].upper() + refused.right[1:],
            )


@rule(
    "api/pattern-super-linear",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Write the pattern so that each text can be read in one way only, or bound the text with"
    " a small `maxLength`",
    references=[
        *API4,
        "CWE-1333",
        "https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS",
    ],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: tag, in: query, schema: {type: string, pattern: '^([a-z]+-?)+$'}}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: tag, in: query, schema: {type: string, pattern: '^[a-z]+(-[a-z]+)*-?$'}}
    """,
)
def pattern_super_linear(api: Api, _: Api) -> Iterator[Hit]:
    """A pattern lets clients choose a text that takes very long to match.

    Most engines, those of JavaScript, Java, Python and .NET among them, try one way after the
    other: where a text can be read in many ways, one that fails in the end takes them all. One
    request occupies a processor for minutes. The text in the evidence was found by analysis and
    tried on a matcher that counts its steps. Bounds that keep the steps few are taken into account.
    """
    verdicts = costs(api)
    for text, at, node in patterns(api):
        verdict = verdicts.get(text)
        if verdict is None or verdict.attack is None or not api.received(node):
            continue
        bound = _longest(node) if at.path[-1] == "pattern" else None
        steps = verdict.attack.steps_within(bound, verdict.growth) if bound else HARMLESS
        if steps < HARMLESS:
            continue
        how = "exponentially" if verdict.growth is Growth.EXPONENTIAL else "faster than linearly"
        yield Hit(
            at,
            f"the time that {quoted(text)} takes grows {how} with the text",
            cause=f"the time that {quoted(text)} takes grows {how} with the text",
            evidence=_witness(verdict.attack),
        )


def _longest(node: Node) -> int | None:
    value = node.get("maxLength")
    return value if isinstance(value, int) and value > 0 else None


def _witness(attack: Attack) -> str:
    before, pump, after = (json.dumps(text) for text in (attack.prefix, attack.pump, attack.suffix))
    (fewer, some), (more, many) = attack.measured
    parts = [before] if attack.prefix else []
    parts += [f"{pump} {fewer} times"] + ([after] if attack.suffix else [])
    return f"{', '.join(parts)}: {some:,} steps; {more} times: {many:,} steps"


@rule(
    "api/pattern-matches-nothing",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Write the pattern without what precedes `^` or follows `$`: the slashes of a literal are"
    " no part of it; `false` as a schema says that no value is allowed",
    references=[REGEXES, ECMA],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: tag, in: query, schema: {type: string, pattern: '/^[a-z]+$/'}}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: tag, in: query, schema: {type: string, pattern: '^[a-z]+$'}}
    """,
)
def pattern_matches_nothing(api: Api, _: Api) -> Iterator[Hit]:
    """No text matches a pattern.

    Mostly it was copied with the slashes of a literal of JavaScript: before `^` nothing can
    stand, and after `$` nothing. Whoever validates refuses every value.
    """
    known = readings(api)
    hopeless = {
        text
        for text, reading in known.items()
        if reading.tree and _MISPLACED.search(text) and matches_nothing(reading.tree)
    }
    for text, at, _node in patterns(api):
        if text in hopeless:
            yield Hit(
                at, f"no text matches {quoted(text)}", cause=f"no text matches {quoted(text)}"
            )


_MISPLACED: Final = re.compile(r"[^(|:\[\\]\^|\$[^)|\]]")
"""A sign before `^` or after `$`: without it there is no need to look closer."""


@rule(
    "api/pattern-unanchored",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Begin each alternative with `^` and end it with `$`; write `^.*…` where more is meant",
    references=[REGEXES, "CWE-777"],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: tag, in: query, schema: {type: string, pattern: '[a-z]+', maxLength: 9}}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: tag, in: query, schema: {type: string, pattern: '^[a-z]+$', maxLength: 9}}
    """,
)
def pattern_unanchored(api: Api, _: Api) -> Iterator[Hit]:
    """A pattern for what clients send holds for a part of the text only.

    A pattern is searched in the value, not compared with the whole of it: `[a-z]+` allows every
    text with one small letter in it. Anchors say what was meant, and make the search cheap.
    """
    known = readings(api)
    for text, at, node in patterns(api):
        tree = known[text].tree
        if tree is None or at.path[-1] != "pattern" or not api.received(node):
            continue
        free = [name for name, end in (("start", False), ("end", True))
                if not is_anchored(tree, end=end)]  # fmt: skip
        if free and node.key[:1] != ("not",):
            yield Hit(
                at,
                f"{quoted(text)} leaves the {' and the '.join(free)} of the text open",
                cause="patterns for what clients send are not anchored",
            )


@rule(
    "api/pattern-not-portable",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    opt_in=True,
    fix="Say it in several schemas under `allOf`, each with a plain pattern",
    references=[
        "https://github.com/google/re2/wiki/Syntax",
        "https://docs.rs/regex/latest/regex/#syntax",
        REGEXES,
    ],
    bad=r"""
    paths:
      /pets:
        put:
          requestBody:
            content:
              application/json:
                schema: {type: string, pattern: '^(?=.*\d).{8,20}$'}
    """,
    good=r"""
    paths:
      /pets:
        put:
          requestBody:
            content:
              application/json:
                schema:
                  type: string
                  allOf: [{pattern: '^.{8,20}$'}, {pattern: '^[^\d]*\d'}]
    """,
)
def pattern_not_portable(api: Api, _: Api) -> Iterator[Hit]:
    """A pattern uses what engines without backtracking do not have.

    Go, RE2 and Rust match in linear time and therefore refuse look-around, back-references and
    many repetitions; gateways and validators written in them refuse the schema or leave the
    pattern out. JSON Schema names the part of the syntax that all share.
    """
    known = readings(api)
    refused = {
        text: next(beyond_automata(reading.tree), "")
        for text, reading in known.items()
        if reading.tree
    }
    for text, at, _node in patterns(api):
        if reason := refused.get(text):
            yield Hit(
                at,
                f"{quoted(text)} {reason}, which RE2, Go and Rust refuse",
                cause=f"patterns that RE2, Go and Rust refuse: one {reason}",
            )
