r"""SQL scripts: their statements, each with its exact place.

One pass with a lexer per dialect that knows quotes, comments and what ends a statement, and nothing
else: a statement may be wrong SQL, the next one is found all the same. Linear in time and memory.

- PostgreSQL: https://www.postgresql.org/docs/current/sql-syntax-lexical.html and, for backslash
  commands and COPY data, https://www.postgresql.org/docs/current/app-psql.html
- MySQL and MariaDB: https://dev.mysql.com/doc/refman/en/comments.html,
  https://mariadb.com/kb/en/comment-syntax/ and the client's commands `DELIMITER`, `\g`, `\G`
- SQLite: https://sqlite.org/lang_comment.html, https://sqlite.org/cli.html (dot-commands)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from ..patterns import compiled
from ..source import MAX_BYTES, Position, positions

MAX_STATEMENTS = 500_000
MAX_SKIPPED = 100_000
MAX_SKIPPED_TEXT = 200  # characters kept of what is skipped
MAX_DELIMITERS = 50  # different ones that a script sets; a lexer is compiled for each
MAX_OPEN_COMMENTS = 50  # versioned comments inside each other


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its terminator; `offset` is that of its first character in the file.

    `text` is the source's, character for character, but for what its engine does not read as SQL:
    the marks around a MySQL versioned comment (`/*!50001` and `*/`) and a psql command amid a
    statement are as many spaces.
    """

    file: str
    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is no SQL: a client's command, COPY data. `text` is its beginning."""

    file: str
    offset: int
    text: str
    reason: str


class ScriptError(Exception):
    """The script cannot be split; the message says where and what is wrong."""

    def __init__(self, file: str, message: str, position: Position | None = None) -> None:
        where = f"{file}:{position.line}:{position.column}" if position else file
        super().__init__(f"{where}: {message}")


def split(
    text: str,
    file: str,
    dialect: str,
    *,
    start: int = 0,
    end: int | None = None,
    version: int | None = None,
) -> tuple[list[Statement], list[Skipped]]:
    """The statements of `text[start:end]` and what was skipped between, each in order.

    Offsets are those of the whole text. `version` is the engine's as versioned comments give it
    (80036 is MySQL 8.0.36, 101106 MariaDB 10.11.6); without it every versioned comment is code but
    those for a version that never comes (99999). Raises `ScriptError`.
    """
    if len(text) > MAX_BYTES:
        limit = MAX_BYTES // 1024**2
        raise ScriptError(file, f"the script is larger than the limit of {limit} MiB")
    splitter = _Splitter(
        text, file, dialect, start, len(text) if end is None else end, _newest(dialect, version)
    )
    splitter.run()
    return splitter.statements, splitter.skipped


def _newest(dialect: str, version: int | None) -> int:
    if version is not None:
        return version
    return 999_998 if dialect == "mariadb" else 99_998


# Patterns. Loops are possessive and their branches exclude each other: no character is read twice.

_WORD = r"\w$\x80-\U0010ffff"  # what an unquoted name consists of
_BLANK = " \t\n\r\f\v\ufeff"
_COMMENT = r"/\*(?:[^*]++|\*(?!/))*+\*/"
_INNERMOST_COMMENT = r"/\*(?:[^*/]++|\*(?!/)|/(?!\*))*+\*/"
_PLAIN_COMMENT = r"/\*(?!!|M!)(?:[^*]++|\*(?!/))*+\*/"
_GAP = rf"(?:[{_BLANK}]++|--[^\n\r]*+|{_COMMENT})++"
_CREATE = rf"CREATE{_GAP}(?:OR{_GAP}REPLACE{_GAP})?+"
_NAME_START = r"[A-Za-z_\x80-\U0010ffff]"
_DOLLAR_TAG = rf"\$(?:{_NAME_START}[A-Za-z0-9_\x80-\U0010ffff]*+)?+\$"


def _backslashed(quote: str) -> str:
    return rf"{quote}(?:[^{quote}\\]++|\\.|{quote}{quote})*+{quote}"


@dataclass(frozen=True, slots=True)
class _Syntax:
    """The regular expressions of a dialect.

    `special` are the characters that may begin something else than code, `passed` what of them is
    passed over as a whole; the lexer stops at any other. A statement that begins like `holder` may
    hold terminators: between parentheses (rules) or between `begin` and END.
    """

    special: str
    passed: str
    comment: str
    holder: str
    begin: str
    quotes: dict[str, str]


_E = rf"(?<![{_WORD}])[eE]'"
_POSTGRES = _Syntax(
    special=r"'\"$/\-\\",
    passed=rf"""
        '(?: (?<={_E}) (?: [^'\\]++ | \\. | '' | '[ \t\f\v]*+[\n\r][ \t\f\v\n\r]*+' )*+
           | (?<!{_E}) [^']*+ )'
        | "[^"]*+"
        | \$(?: (?<=[{_WORD}]\$) | (?!{_DOLLAR_TAG[2:]}) )
        | -(?!-) | /(?!\*)""",
    comment=rf"--[^\n\r]*+|{_INNERMOST_COMMENT}",
    holder=rf"{_CREATE}(?:FUNCTION|PROCEDURE|(?P<rule>RULE))",
    begin=rf"BEGIN{_GAP}ATOMIC",
    quotes={"'": "string", '"': "quoted name", "$": "dollar-quoted string"},
)
_ACCOUNT = r"""(?:`[^`]*+`|'[^']*+'|"[^"]*+"|[\w.%]++(?:\(\))?+)"""
_MYSQL = _Syntax(
    special=r"'\"`\#/\-*\\",
    passed=rf"""
        {_backslashed("'")} | {_backslashed('"')} | `[^`]*+`
        | -(?!-[\x00-\x20]|-\Z) | /(?!\*) | \*(?!/) | \\(?![gG])""",
    comment=rf"\#[^\n]*+|--(?=[\x00-\x20]|\Z)[^\n]*+|{_PLAIN_COMMENT}",
    holder=rf"""{_CREATE}(?:DEFINER\s*+=\s*+{_ACCOUNT}(?:\s*+@\s*+{_ACCOUNT})?+{_GAP})?+
        (?:AGGREGATE{_GAP})?+(?:TRIGGER|PROCEDURE|FUNCTION|EVENT)
        |(?=BEGIN{_GAP}NOT{_GAP}ATOMIC)""",
    begin="BEGIN",
    quotes={"'": "string", '"': "string", "`": "quoted name"},
)
_SQLITE = _Syntax(
    special=r"'\"`\[/\-",
    passed=r"""'[^']*+' | "[^"]*+" | `[^`]*+` | \[[^\]]*+\] | -(?!-) | /(?!\*)""",
    comment=rf"--[^\n]*+|{_COMMENT}",
    holder=rf"CREATE{_GAP}(?:TEMP(?:ORARY)?+{_GAP})?+TRIGGER",
    begin="BEGIN",
    quotes={"'": "string", '"': "quoted name", "`": "quoted name", "[": "quoted name"},
)
_SYNTAX = {"postgres": _POSTGRES, "mysql": _MYSQL, "mariadb": _MYSQL, "sqlite": _SQLITE}
_DATA_FROM_STDIN = compiled(
    r"""COPY\b(?:[^'"]|'[^']*+'|"[^"]*+")*?\bFROM\s+STDIN\b""", re.IGNORECASE
)
_PSQL_COMMAND = compiled(r"\\(?P<name>[^\s\\]*+)(?:(?!\\\\)[^\n\r])*+")
_PSQL_SEPARATORS = compiled(r"(?:\\\\)++")
_PSQL_SENDS = compiled(r"g|gx|gexec|gset|gdesc|crosstabview|watch|(?:bind|parse|close)\w*")
_PSQL_COPY_DATA = compiled(r"\\copy\b.*\bfrom\s+stdin\b", re.IGNORECASE)
_END_OF_DATA = compiled(r"^\\\.[ \t]*\r?$", re.MULTILINE)
_MYSQL_COMMAND = compiled(
    r"(?:(?P<delimiter>DELIMITER)\b[ \t]*+(?P<new>\S*+)|SOURCE[ \t]|\\\.)[^\n]*+", re.IGNORECASE
)
_SQLITE_COMMAND = compiled(r"\.[A-Za-z][^\n]*+")
_COMMENT_MARK = compiled(r"/\*|\*/")
_VERSIONED = compiled(r"/\*(?P<maria>M?)!(?P<version>[0-9]{5,6})?+")
_NESTED_ONCE = compiled(rf"/\*(?:[^*/]++|\*(?!/)|/(?!\*)|{_INNERMOST_COMMENT})*+\*/")
_TAG = compiled(_DOLLAR_TAG)


@lru_cache(maxsize=64)
def _lexer(dialect: str, delimiter: str, holds: str) -> re.Pattern[str]:
    """Passes over code up to what ends it or needs a look: see `_Syntax`."""
    syntax = _SYNTAX[dialect]
    stops, single = syntax.special + re.escape(delimiter[0]), []
    if len(delimiter) > 1 and delimiter[0] not in syntax.special.replace("\\", ""):
        single.append(re.escape(delimiter[0]))
    if holds == "body":
        stops += "bB"
        single.append(rf"(?!(?<![{_WORD}.])(?i:{syntax.begin})(?![{_WORD}]))[bB]")
    elif holds == "rule":
        stops += "()"
    others = "|".join([syntax.comment, syntax.passed, *single])
    return compiled(
        rf"(?:[^{stops}]++|(?!{re.escape(delimiter)})(?:{others}))*+", re.VERBOSE | re.DOTALL
    )


@lru_cache(maxsize=64)
def _between(dialect: str, delimiter: str) -> re.Pattern[str]:
    """Passes over blank space, comments and empty statements."""
    empty = ";" if delimiter == ";" else ""
    return compiled(rf"(?:[{_BLANK}{empty}]++|{_SYNTAX[dialect].comment})*+")


@lru_cache(maxsize=4)
def _holder(dialect: str) -> re.Pattern[str]:
    return compiled(
        rf"(?:{_SYNTAX[dialect].holder})(?![{_WORD}])", re.VERBOSE | re.DOTALL | re.IGNORECASE
    )


@lru_cache(maxsize=4)
def _end_of_body(dialect: str) -> re.Pattern[str]:
    """END of what BEGIN began, where a statement could stand; not END IF and the like."""
    comment = _SYNTAX[dialect].comment
    return compiled(
        rf"(?:[{_BLANK}]++|{comment})*+END(?![{_WORD}])"
        rf"(?!{_GAP}(?:IF|CASE|LOOP|REPEAT|WHILE|FOR)(?![{_WORD}]))",
        re.DOTALL | re.IGNORECASE,
    )


@dataclass(slots=True)
class _Splitter:
    text: str
    file: str
    dialect: str
    start: int
    end: int
    version: int
    delimiter: str = ";"
    statements: list[Statement] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    blanks: list[tuple[int, int]] = field(default_factory=list)  # not SQL, in this statement
    versioned: list[int] = field(default_factory=list)  # offsets of `/*!` that are open
    delimiters: set[str] = field(default_factory=set)

    def run(self) -> None:
        offset = self.start
        while (offset := self._to_statement(offset)) < self.end:
            offset = self._command(offset) or self._statement(offset)
        if self.versioned:
            raise self._error(self.versioned[-1], "this comment is not closed")

    def _to_statement(self, offset: int) -> int:
        between = _between(self.dialect, self.delimiter)
        while True:
            offset = _end(between, self.text, offset, self.end)
            after = self._comment(offset)
            if after is None:
                return offset
            offset = after

    def _statement(self, start: int) -> int:
        """Add the statement at `start`; where what follows it begins."""
        text, end, delimiter = self.text, self.end, self.delimiter
        holds = self._holds(start)
        lexer = _lexer(self.dialect, delimiter, holds)
        self.blanks.clear()
        depth, offset = 0, start
        while (offset := _end(lexer, text, offset, end)) < end:
            if text.startswith(delimiter, offset, end):
                after = offset + len(delimiter)
                if depth == 0:
                    self._add(start, offset)
                    return self._after_copy(start, after)
                offset = after
                if holds == "body" and (closing := self._end_of_body(offset)):
                    depth, offset = depth - 1, closing
                continue
            match text[offset]:
                case "(":
                    depth, offset = depth + 1, offset + 1
                case ")":
                    depth, offset = max(depth - 1, 0), offset + 1
                case "b" | "B" if holds == "body":
                    # only MySQL's blocks nest; elsewhere a second BEGIN is a name
                    depth = depth + 1 if _SYNTAX[self.dialect] is _MYSQL else 1
                    offset = self._after_begin(offset)
                    if closing := self._end_of_body(offset):
                        depth, offset = depth - 1, closing
                case "$":
                    offset = self._after_dollars(offset)
                case "\\":
                    sent, offset = self._backslash(start, offset)
                    if sent:
                        return offset
                case character:
                    offset = self._comment(offset) or self._odd(offset, character)
        if depth:
            what = "BEGIN has no END" if holds == "body" else "a parenthesis is not closed"
            raise self._error(start, f"in this statement, {what}")
        self._add(start, end)
        return end

    def _holds(self, start: int) -> str:
        """Whether the statement may hold terminators, and in what."""
        if self.delimiter != ";" or self.text[start] not in "cCbB":
            return ""
        holder = _holder(self.dialect).match(self.text, start, self.end)
        if not holder:
            return ""
        return "rule" if self.dialect == "postgres" and holder["rule"] else "body"

    def _add(self, start: int, stop: int) -> None:
        pieces, reached = [], start
        for blank, end in self.blanks:
            pieces += [self.text[reached:blank], " " * (end - blank)]
            reached = end
        text = "".join([*pieces, self.text[reached:stop]]).rstrip(_BLANK)
        if not text:
            return
        if len(self.statements) == MAX_STATEMENTS:
            message = f"the script has more statements than the limit of {MAX_STATEMENTS:,}"
            raise self._error(start, message)
        self.statements.append(Statement(self.file, start, text))

    def _skip(self, start: int, end: int, reason: str) -> None:
        if len(self.skipped) == MAX_SKIPPED:
            message = f"the script has more client commands than the limit of {MAX_SKIPPED:,}"
            raise self._error(start, message)
        text = self.text[start : min(end, start + MAX_SKIPPED_TEXT)].strip()
        self.skipped.append(Skipped(self.file, start, text, reason))

    def _odd(self, offset: int, character: str) -> int:
        quoted = _SYNTAX[self.dialect].quotes.get(character)
        if quoted:
            raise self._error(offset, f"this {quoted} is not closed")
        return offset + 1

    def _error(self, offset: int, message: str) -> ScriptError:
        return ScriptError(self.file, message, positions(self.text, [offset])[offset])

    # What is inside a statement

    def _after_begin(self, offset: int) -> int:
        begin = compiled(_SYNTAX[self.dialect].begin, re.IGNORECASE)
        return _end(begin, self.text, offset, self.end)

    def _end_of_body(self, offset: int) -> int:
        found = _end_of_body(self.dialect).match(self.text, offset, self.end)
        return found.end() if found else 0

    def _after_dollars(self, offset: int) -> int:
        tag = _TAG.match(self.text, offset, self.end)
        if not tag:
            return offset + 1
        closing = self.text.find(tag[0], tag.end(), self.end)
        if closing < 0:
            raise self._error(offset, "this dollar-quoted string is not closed")
        return closing + len(tag[0])

    def _comment(self, offset: int) -> int | None:
        """The end of the comment, or of the versioned comment's mark, that is at `offset`."""
        mark = self.text[offset : min(offset + 2, self.end)]
        if mark == "*/" and self.versioned:
            self.versioned.pop()
            self.blanks.append((offset, offset + 2))
            return offset + 2
        if mark != "/*":
            return None
        if self.dialect == "postgres":
            return self._after_nested_comment(offset)
        versioned = _VERSIONED.match(self.text, offset, self.end)
        if _SYNTAX[self.dialect] is not _MYSQL or not versioned:
            raise self._error(offset, "this comment is not closed")
        if self._is_code(versioned):
            if len(self.versioned) == MAX_OPEN_COMMENTS:
                raise self._error(offset, "too many comments are open here")
            self.versioned.append(offset)
            self.blanks.append(versioned.span())
            return versioned.end()
        comment = _NESTED_ONCE.match(self.text, offset, self.end)
        if not comment:
            raise self._error(offset, "this comment is not closed")
        self._skip(*comment.span(), "a versioned comment for another engine or version")
        self.blanks.append(comment.span())
        return comment.end()

    def _after_nested_comment(self, start: int) -> int:
        depth = 0
        for mark in _COMMENT_MARK.finditer(self.text, start, self.end):
            depth += 1 if mark[0] == "/*" else -1
            if depth == 0:
                return mark.end()
        raise self._error(start, "this comment is not closed")

    def _is_code(self, comment: re.Match[str]) -> bool:
        if self.dialect == "mysql" and comment["maria"]:
            return False
        version = int(comment["version"] or 0)
        if self.dialect == "mariadb" and not comment["maria"] and 50_700 <= version <= 99_999:
            return False  # MySQL's since 5.7, which MariaDB does not read
        return version <= self.version

    # Commands of the clients

    def _command(self, start: int) -> int | None:
        """Skip the client's command at `start`, if that is one; its end."""
        text, end = self.text, self.end
        if self.dialect == "postgres":
            return self._psql_command(start) if text[start] == "\\" else None
        if self.dialect == "sqlite":
            if command := _SQLITE_COMMAND.match(text, start, end):
                self._skip(*command.span(), "a command of the sqlite3 shell")
                return command.end()
            return None
        command = _MYSQL_COMMAND.match(text, start, end)
        if not command:
            return None
        if command["delimiter"]:
            self._delimit(command["new"] or self.delimiter, start)
        self._skip(*command.span(), "a command of the mysql client")
        return command.end()

    def _delimit(self, delimiter: str, offset: int) -> None:
        self.delimiters.add(delimiter)
        if len(delimiter) > MAX_SKIPPED_TEXT:
            raise self._error(offset, "this delimiter is too long")
        if len(self.delimiters) > MAX_DELIMITERS:
            message = f"the script sets more delimiters than the limit of {MAX_DELIMITERS}"
            raise self._error(offset, message)
        self.delimiter = delimiter

    def _psql_command(self, start: int) -> int:
        if separators := _PSQL_SEPARATORS.match(self.text, start, self.end):
            return separators.end()
        command = _PSQL_COMMAND.match(self.text, start, self.end)
        assert command
        self._skip(*command.span(), "a command of psql")
        if _PSQL_COPY_DATA.match(command[0]):
            return self._after_data(command.end())
        return command.end()

    def _backslash(self, start: int, offset: int) -> tuple[bool, int]:
        """A client's command amid a statement: whether it ends the statement, and its end."""
        if self.dialect != "postgres":  # \g or \G
            self._add(start, offset)
            return True, offset + 2
        if self.text.startswith(r"\;", offset, self.end):
            self._add(start, offset)
            return True, offset + 2
        command = _PSQL_COMMAND.match(self.text, offset, self.end)
        sends = bool(command and _PSQL_SENDS.fullmatch(command["name"]))
        if sends:
            self._add(start, offset)
        after = self._psql_command(offset)
        self.blanks.append((offset, after))
        return sends, after

    def _after_copy(self, start: int, offset: int) -> int:
        is_copy = self.dialect == "postgres" and self.text[start] in "cC"
        if is_copy and _DATA_FROM_STDIN.match(self.text, start, offset):
            return self._after_data(offset)
        return offset

    def _after_data(self, offset: int) -> int:
        line = self.text.find("\n", offset, self.end)
        start = self.end if line < 0 else line + 1
        final = _END_OF_DATA.search(self.text, start, self.end)
        after = final.end() if final else self.end
        self._skip(start, after, "COPY data" if final else r"COPY data, with no \. line after it")
        return after


def _end(pattern: re.Pattern[str], text: str, start: int, end: int) -> int:
    found = pattern.match(text, start, end)
    return found.end() if found else start
