"""Facts: what artefacts show and what is said about them, each with its source.

Controls see nothing but facts, so that every status can name what it rests on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..rule import Place

SYSTEM = "system"  # the subject of facts that are about the whole


class Basis(StrEnum):
    """How a fact is known."""

    OBSERVED = "observed"  # an artefact says it in its own terms
    DECLARED = "declared"  # a person says it, in a description or an answer
    DERIVED = "derived"  # it follows from several artefacts or places
    HEURISTIC = "heuristic"  # names suggest it


class Artefact(StrEnum):
    """What facts are taken from."""

    API = "api"
    GRAPHQL = "graphql"
    SCHEMA = "schema"
    AUTHORIZATION = "authorization"
    SYSTEM = "system"


class Kind(StrEnum):
    """What a fact tells; the type of `Fact.value` is in brackets."""

    OPERATION = "operation"  # there is an operation [Call]
    SERVER = "server"  # the address of the API [str]
    SCHEME = "security scheme"  # [dict: type, scheme, in, name, flow, algorithm, …]
    PURPOSE = "purpose"  # what a sensitive operation is for [str, of openapi.purposes.Purpose]
    SELECTS = "selects"  # a request names the object by this [Chosen]
    RETURNS = "returns"  # a response holds a sensitive field [Held]
    RECEIVES = "receives"  # a request holds a sensitive field [Held]
    EMBEDS = "embeds"  # what many read holds data of one person [Held]
    DISCLOSES = "discloses"  # this operation tells others' ids that another takes [Told]
    INTERNAL_FIELD = "internal field"  # a response holds a detail of the inside [Held]
    WRITES_PRIVILEGED = "writes privileged"  # a request declares a field that is not the client's
    OPEN_WRITE = "open write"  # a request may carry a privileged field that is read [str]
    URL_INPUT = "url input"  # clients say where the server calls [Input]
    REDIRECT_INPUT = "redirect input"  # clients say where browsers go [Input]
    FILE_NAME_INPUT = "file name input"  # clients name a file [Input]
    UPLOAD = "upload"  # clients send files [Input]
    LOOKUP = "lookup"  # free text reaches a look-up or query [Input]
    FREE_TEXT = "free text"  # a text without bound or pattern [Input]
    COMMAND_INPUT = "command input"  # a text names a command, host or option [Input]
    REPEAT_INPUT = "repeat input"  # a number says how often or how much [Input]
    AMOUNT_INPUT = "amount input"  # a number of money or things without minimum [Input]
    PAGE_SIZE = "page size"  # how many clients may ask for [Input]
    COSTLY = "costly"  # an operation that exports, searches, renders, sends [str]
    LIMITED = "limited"  # the document speaks of a limit on calls [bool]
    PATTERN = "pattern"  # a pattern that takes long on a bad input [str]
    CODE = "one-time code"  # how many codes there are [Code]
    NEW_PASSWORD = "new password"  # a password that is set [Password]
    PROOF = "proof"  # whether a credential change asks for proof [bool]
    NAMES_SUBJECT = "names subject"  # the request says whose account it is about [str]
    ENUMERATES = "enumerates"  # answers tell whether an account exists [str]
    VERSIONS = "versions"  # live versions of one step [tuple of subjects]
    CHANGES_BY_GET = "changes by get"  # a GET that changes something [str]
    TOKEN = "token"  # an example token [dict of header and claims]
    ERROR_FIELD = "error field"  # an error tells of the inside [str]
    CORS = "cors"  # [str]
    FORWARDED = "forwarded"  # a client sends a header that a proxy sets [str]
    TECHNICAL = "technical"  # documentation, metrics, debugging, set-up [str]
    SECRET_IN_URL = "secret in url"  # [Input]
    CACHED = "cached"  # a sensitive answer [bool: no-store is documented]
    MEDIA = "media"  # request media types [tuple]
    EXAMPLE_SECRET = "example secret"  # a secret in an example [str]
    OUTLIER = "outlier"  # asks for less than its neighbours [str]
    WEBHOOK = "webhook"  # a call that the API makes [dict]
    ORDER = "order"  # an operation on a money or stock flow [str]
    TABLE = "table"  # [ddl Table]
    COLUMN = "column"  # a sensitive column [Held]
    STORED = "stored"  # how a secret seems to be kept: clear, fast hash, protected, unknown [str]
    TRAIT = "trait"  # what columns tell of a table: expires, used once, locks out [str]
    OWNER = "owner"  # the path from a table to a person or tenant [tuple of tables, () if none]
    TENANT = "tenant"  # a table's tenant column [str, "" if it has none]
    ROW_SECURITY = "row security"  # [bool]
    GRANT = "grant"  # a privilege [ddl Grant]
    AUDIT = "audit"  # a table of events [dict of what it lacks]
    SEED = "seed"  # an account or secret in a script [str]
    ROUTINE = "routine"  # a function that is unsafe [str]
    RULE = "authorisation rule"  # what a role may do with an operation [Permission]
    MODEL_OWNER = "model owner"  # a type of the authorisation model knows own or tenant [str]
    GRAPHQL = "graphql"  # a trait of the SDL: cycle, unbounded list, introspection [str]
    SAID = "said"  # a field of the system's description, `subject` its dotted path [Any]
    ANSWER = "answer"  # to a question; `subject` is its id [str]
    COMPONENT = "component"  # [domain Component]
    FLOW = "flow"  # [domain Flow]
    DATA = "data"  # [domain DataClass]
    ROLE = "role"  # [domain Role]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known; `note` says it in words, its texts safe to show."""

    kind: Kind
    subject: str
    value: Any
    basis: Basis
    at: Place | None = field(default=None, compare=False)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """An operation. `needs`: the credential it asks for, in words; `anonymous`: none, and why."""

    method: str
    path: str
    operation_id: str
    needs: str
    anonymous: str
    protected: bool
    scopes: frozenset[str]
    privileged: bool
    early: bool  # comes before any sign-in
    writes: bool
    denials: tuple[str, ...]
    deprecated: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an object is chosen by: `where` is path, query or body."""

    name: str
    where: str
    kind: str
    guessable: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A sensitive field or column: its path, its class, the words of its name that told."""

    path: str
    sense: str
    token: str
    person: bool = False
    data: str = ""  # the class, where it is known
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """An id that `teller` tells about others, by which the subject finds its object."""

    name: str
    teller: str


@dataclass(frozen=True, slots=True)
class Input:
    """A value that clients send; `bounds`: what the document says about it, empty if nothing.

    `sign`: something more tells that it is what its kind says.
    """

    name: str
    where: str
    bounds: str = ""
    sign: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code: bits at least and at most, and why."""

    name: str
    least: float
    most: float
    why: str


@dataclass(frozen=True, slots=True)
class Password:
    """A password that is set: bounds on its length; `composition`: a pattern demands classes."""

    name: str
    least: int | None
    most: int | None
    composition: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """What a role may do: `scope` is all, own or tenant."""

    role: str
    allows: bool
    scope: str = "all"


class Facts:
    """All facts, by kind and by subject, in the order of the artefacts."""

    def __init__(self, facts: Iterable[Fact], artefacts: Iterable[Artefact]) -> None:
        self.artefacts = frozenset(artefacts)
        self._of: dict[Kind, list[Fact]] = defaultdict(list)
        self._about: dict[tuple[Kind, str], list[Fact]] = defaultdict(list)
        for fact in facts:
            self._of[fact.kind].append(fact)
            self._about[fact.kind, fact.subject].append(fact)

    def of(self, *kinds: Kind) -> list[Fact]:
        """The facts of some kinds."""
        return [fact for kind in kinds for fact in self._of.get(kind, ())]

    def about(self, subject: str, *kinds: Kind) -> list[Fact]:
        """The facts of some kinds about one subject."""
        return [fact for kind in kinds for fact in self._about.get((kind, subject), ())]

    def first(self, subject: str, *kinds: Kind) -> Fact | None:
        """The first fact of some kinds about one subject."""
        return next(iter(self.about(subject, *kinds)), None)

    def call(self, subject: str) -> Call | None:
        """The operation of this name."""
        fact = self.first(subject, Kind.OPERATION)
        return fact.value if fact else None

    def calls(self) -> Iterator[tuple[Fact, Call]]:
        """Every operation."""
        return ((fact, fact.value) for fact in self._of.get(Kind.OPERATION, ()))

    def purposes(self, subject: str) -> frozenset[str]:
        """What an operation is for, where that calls for care."""
        return frozenset(fact.value for fact in self.about(subject, Kind.PURPOSE))

    def said(self, path: str) -> Fact | None:
        """What the description says of a field: `authentication.passwords.min_length`."""
        return self.first(path, Kind.SAID)

    def answer(self, question: str) -> Fact | None:
        """The answer to a question."""
        return self.first(question, Kind.ANSWER)

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))
