"""A backtracking matcher that counts its steps, as those of JavaScript, Java, Python, .NET go.

It tries the alternatives of a pattern in their order at each place of the text in turn and keeps no
record of what has failed (ECMA-262, section 22.2.2). A step is one instruction tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

from .characters import WORD, Ranges, has
from .syntax import Back, Chars, Edge, Either, Group, Look, Node, Repeat, Sequence, Unknown

MAX_SIZE: Final = 3_000
MANY: Final = 600
"""Repetitions of more than this are written as any number: no text here is longer."""


class TooLarge(ValueError):
    """The pattern's program would be too large, or it has a set that is not known."""


class Op(Enum):
    """What an instruction does, with its operands `x` and `y`."""

    CHAR = "one of the set x is next, in direction y"
    EDGE = "the edge x is here"
    SPLIT = "go to x; if that fails, to y"
    JUMP = "go to x"
    SAVE = "keep this place under x"
    MOVED = "this is another place than that under x"
    BACK = "what a group of x has matched is next, in direction y"
    LOOK = "the program x matches here, or does not if y"
    MATCH = "done"


class Instruction(NamedTuple):
    """One step of a program."""

    op: Op
    x: Any = None
    y: Any = None


@dataclass(frozen=True, slots=True)
class Run:
    """Whether a text matched, None if the steps ended before that was known; and the steps."""

    matched: bool | None
    steps: int


class Program:
    """A pattern as instructions."""

    def __init__(self, node: Node) -> None:
        self._size = 0
        self._marks = 0
        self._code = self._compiled(node, 1)

    def run(self, text: str, limit: int) -> Run:
        """Search a text in no more steps than the limit, or a few more."""
        machine = _Machine(text, limit)
        try:
            found = any(
                machine.run(self._code, start, {}) is not None for start in range(len(text) + 1)
            )
        except _Spent:
            return Run(None, machine.steps)
        return Run(found, machine.steps)

    def _compiled(self, node: Node, direction: int) -> list[Instruction]:
        code: list[Instruction] = []
        self._add(code, node, direction)
        code.append(Instruction(Op.MATCH))
        return code

    def _add(self, code: list[Instruction], node: Node, direction: int) -> None:
        self._size += 1
        if self._size > MAX_SIZE:
            raise TooLarge("too many repetitions")
        match node:
            case Chars(ranges):
                code.append(Instruction(Op.CHAR, ranges, direction))
            case Unknown():
                raise TooLarge("a set that is not known")
            case Edge(kind):
                code.append(Instruction(Op.EDGE, kind))
            case Back(numbers):
                code.append(Instruction(Op.BACK, numbers, direction))
            case Sequence(parts):
                for part in parts[::direction]:
                    self._add(code, part, direction)
            case Either(parts):
                self._add_either(code, parts, direction)
            case Repeat():
                self._add_repeat(code, node, direction)
            case Group(part, number):
                ends = (2 * number, 2 * number + 1)[::direction]
                code.append(Instruction(Op.SAVE, ends[0]))
                self._add(code, part, direction)
                code.append(Instruction(Op.SAVE, ends[1]))
            case Look(part, behind, negated):
                inner = self._compiled(part, -1 if behind else 1)
                code.append(Instruction(Op.LOOK, inner, negated))

    def _add_either(self, code: list[Instruction], parts: tuple[Node, ...], direction: int) -> None:
        jumps = []
        for part in parts[:-1]:
            split = len(code)
            code.append(Instruction(Op.SPLIT))
            self._add(code, part, direction)
            jumps.append(len(code))
            code.append(Instruction(Op.JUMP))
            code[split] = Instruction(Op.SPLIT, split + 1, len(code))
        self._add(code, parts[-1], direction)
        for jump in jumps:
            code[jump] = Instruction(Op.JUMP, len(code))

    def _add_repeat(self, code: list[Instruction], repeat: Repeat, direction: int) -> None:
        unlimited = repeat.most is None or repeat.most > MANY
        least = min(repeat.least, MANY)
        again = unlimited and least > 0 and not may_be_empty(repeat.part)
        for _ in range(least - again):
            self._add(code, repeat.part, direction)
        loop = len(code)
        if again:
            self._add(code, repeat.part, direction)
            code.append(_split(loop, len(code) + 1, repeat.lazy))
            return
        if unlimited:
            self._marks -= 1
            code.append(Instruction(Op.SPLIT))
            self._add_once(code, repeat.part, direction, self._marks)
            code.append(Instruction(Op.JUMP, loop))
            code[loop] = _split(loop + 1, len(code), repeat.lazy)
            return
        splits = []
        for _ in range((repeat.most or 0) - least):
            self._marks -= 1
            splits.append(len(code))
            code.append(Instruction(Op.SPLIT))
            self._add_once(code, repeat.part, direction, self._marks)
        for split in splits:
            code[split] = _split(split + 1, len(code), repeat.lazy)

    def _add_once(self, code: list[Instruction], part: Node, direction: int, mark: int) -> None:
        """A repetition beyond the least must consume something."""
        if not may_be_empty(part):
            self._add(code, part, direction)
            return
        code.append(Instruction(Op.SAVE, mark))
        self._add(code, part, direction)
        code.append(Instruction(Op.MOVED, mark))


def _split(inside: int, beyond: int, lazy: bool) -> Instruction:
    return Instruction(Op.SPLIT, *((beyond, inside) if lazy else (inside, beyond)))


def may_be_empty(node: Node) -> bool:
    """Whether a node can match without consuming a character."""
    match node:
        case Chars() | Unknown():
            return False
        case Sequence(parts):
            return all(map(may_be_empty, parts))
        case Either(parts):
            return any(map(may_be_empty, parts))
        case Repeat(part, least):
            return least == 0 or may_be_empty(part)
        case Group(part):
            return may_be_empty(part)
    return True


class _Spent(Exception):
    pass


class _Machine:
    def __init__(self, text: str, limit: int) -> None:
        self.text, self.limit, self.steps = text, limit, 0
        self._sets: dict[Ranges, frozenset[str]] = {}

    def run(self, code: list[Instruction], at: int, saved: dict[int, int]) -> dict[int, int] | None:
        """What is saved when the code has matched at a place; None if it does not match there."""
        text, sets = self.text, self._sets
        stack: list[tuple[int, int, dict[int, int]]] = [(0, at, saved)]
        while stack:
            here, at, saved = stack.pop()
            while True:
                self.steps += 1
                if self.steps > self.limit:
                    raise _Spent
                op, x, y = code[here]
                here += 1
                if op is Op.CHAR:
                    next = at if y > 0 else at - 1
                    if not 0 <= next < len(text):
                        break
                    if x not in sets:
                        sets[x] = frozenset(char for char in set(text) if has(x, ord(char)))
                    if text[next] not in sets[x]:
                        break
                    at += y
                elif op is Op.SPLIT:
                    stack.append((y, at, saved))
                    here = x
                elif op is Op.JUMP:
                    here = x
                elif op is Op.SAVE:
                    saved = {**saved, x: at}
                elif op is Op.MATCH:
                    return saved
                elif op is Op.MOVED:
                    if saved.get(x) == at:
                        break
                elif op is Op.EDGE:
                    if not self._is_edge(x, at):
                        break
                else:
                    after = self._special(op, x, y, at, saved)
                    if after is None:
                        break
                    at, saved = after
        return None

    def _special(
        self, op: Op, x: Any, y: Any, at: int, saved: dict[int, int]
    ) -> tuple[int, dict[int, int]] | None:
        if op is Op.LOOK:
            found = self.run(x, at, saved)
            if (found is None) != y:
                return None
            return at, (saved if found is None else found)
        for number in x:
            start, end = saved.get(2 * number), saved.get(2 * number + 1)
            if start is not None and end is not None:
                found_text = self.text[start:end]
                self.steps += len(found_text)
                first = at if y > 0 else at - len(found_text)
                if first < 0 or self.text[first : first + len(found_text)] != found_text:
                    return None
                return at + y * len(found_text), saved
        return at, saved

    def _is_edge(self, kind: str, at: int) -> bool:
        if kind == "^":
            return at == 0
        if kind == "$":
            return at == len(self.text)
        before = at > 0 and has(WORD, ord(self.text[at - 1]))
        after = at < len(self.text) and has(WORD, ord(self.text[at]))
        return (before != after) == (kind == "\\b")
