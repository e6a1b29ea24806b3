"""The resources that an API's paths stand for: their operations by role, and models.

Read from paths, methods and schemas alone. What does not read as a resource (names of procedures,
templates inside segments) is of the kind `UNKNOWN`: nothing is to be concluded from it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..names import words
from .api import TEMPLATE, Api, Operation
from .document import Node
from .models import Answer, answer_of, component_name, input_of


class Kind(StrEnum):
    """What a path stands for."""

    COLLECTION = "collection"  # /pets, with or without /pets/{id}
    SINGLETON = "singleton"  # /me, /pets/{id}/avatar
    UNKNOWN = "unknown"  # /chat.postMessage, /createdb


class Role(StrEnum):
    """What an operation does to its resource; `ACTION` is anything else."""

    LIST = "list"
    CREATE = "create"
    READ = "read"
    REPLACE = "replace"
    UPDATE = "update"
    DELETE = "delete"
    ACTION = "action"


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """An operation in its role; the models (members of lists, contents of envelopes) it moves."""

    role: Role
    operation: Operation
    answer: Answer
    receives: Node | None


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """A thing that operations list, create, read, change and remove.

    `path` is that of the collection or singleton and identifies the resource, `item_path` is empty
    if there is none. `identifiers` are the path parameters that tell items apart, `parent` is the
    path of the resource around this one. `reads` and `writes` are names of components.
    """

    path: str
    name: str
    kind: Kind
    item_path: str
    identifiers: tuple[str, ...]
    parent: str
    uses: tuple[Use, ...]

    def having(self, *roles: Role) -> tuple[Use, ...]:
        """The operations in one of these roles."""
        return tuple(use for use in self.uses if use.role in roles)

    @property
    def reads(self) -> tuple[str, ...]:
        """The components that LIST, READ and the writes answer with."""
        plain = [use for use in self.uses if use.role is not Role.ACTION]
        named = (component_name(use.answer.model) for use in plain)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def writes(self) -> tuple[str, ...]:
        """The components that CREATE, REPLACE and UPDATE receive."""
        plain = self.having(Role.CREATE, Role.REPLACE, Role.UPDATE)
        named = (component_name(use.receives) for use in plain)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def missing(self) -> tuple[Role, ...]:
        """The roles without which what clients create cannot be seen, changed or removed."""
        if self.kind is Kind.UNKNOWN or not self.having(Role.CREATE):
            return ()
        served = {
            Role.READ: (Role.READ, Role.LIST),
            Role.UPDATE: (Role.UPDATE, Role.REPLACE),
            Role.DELETE: (Role.DELETE,),
        }
        return tuple(role for role, by in served.items() if not self.having(*by))


def resources(api: Api) -> tuple[Resource, ...]:
    """The resources of an API, in the order in which its paths name them first."""
    return api.once(_resources)


def uses(api: Api) -> dict[Operation, tuple[Resource, Use]]:
    """The resource and role of each operation; OPTIONS and TRACE have none."""
    return api.once(_uses)


def _resources(api: Api) -> tuple[Resource, ...]:
    return tuple(_Sorting(api).resources())


def _uses(api: Api) -> dict[Operation, tuple[Resource, Use]]:
    return {use.operation: (each, use) for each in resources(api) for use in each.uses}


# From paths to resources

Shape = tuple[str, ...]  # the segments of a path, templates as `{}`

_FORMAT = re.compile(r"(?<=[^/.])\.(json|xml|csv|ya?ml|html?)$", re.I)
_CUSTOM = re.compile(r"(?<=[\w}]):([A-Za-z][A-Za-z_-]*)$")
_PLAIN = re.compile(r"[\w~-]+")
_VERSION = re.compile(r"v?\d[\d._-]*(alpha|beta|rc)?\d*|latest|beta|api|rest", re.I)
_VERBS = re.compile(
    r"accept|activate|add|apply|approve|archive|assign|attach|authenticate|"
    r"authorize|batch|begin|calculate|cancel|capture|change|check|clear|clone|"
    r"close|compact|compare|complete|confirm|convert|copy|create|deactivate|"
    r"decline|delete|deny|detach|disable|discard|dismiss|duplicate|edit|enable|"
    r"estimate|evaluate|execute|expire|export|fetch|finalize|find|finish|forgot|"
    r"generate|get|ignore|import|increment|initiate|install|invoke|join|kick|"
    r"leave|lock|login|logout|mark|merge|modify|move|mute|notify|pause|ping|"
    r"process|provision|publish|purge|query|rebuild|recover|redeliver|redo|"
    r"refresh|regenerate|register|reject|release|reload|remove|rename|renew|"
    r"reopen|reorder|replay|reply|rerequest|rerun|resend|reset|resolve|restart|"
    r"restore|resubmit|resume|retrieve|retry|return|revert|reverse|revoke|"
    r"rollback|rotate|run|save|search|send|set|share|sign|signin|signout|"
    r"signup|simulate|split|start|stop|submit|subscribe|suspend|swap|sync|"
    r"terminate|test|toggle|transfer|trigger|trim|unarchive|unassign|unblock|"
    r"undelete|undo|uninstall|unlink|unlock|unmute|unpublish|unsubscribe|update|"
    r"upgrade|upload|validate|verify|void|withdraw"
)
_ON_ITEM = {
    "get": Role.READ,
    "head": Role.READ,
    "put": Role.REPLACE,
    "patch": Role.UPDATE,
    "delete": Role.DELETE,
}
_ON_COLLECTION = _ON_ITEM | {
    "get": Role.LIST,
    "head": Role.LIST,
    "query": Role.LIST,
    "post": Role.CREATE,
}


def is_verb(segment: str) -> bool:
    """Whether a path segment reads as an instruction: `cancel`, `findByStatus`."""
    return _VERBS.fullmatch(words(segment).split("_")[1]) is not None


def is_plural(segment: str) -> bool:
    """Whether the last word of a name is in the plural."""
    return re.search(r"([^sui]|ie|[^aeiou]e)s_$", words(segment)) is not None


def singulars(name: str) -> set[str]:
    """What one of several things of this name may be called, as `words`."""
    found = {name}
    for plural, single in (("ies_", "y_"), ("es_", "_"), ("s_", "_")):
        if name.endswith(plural):
            found.add(name.removesuffix(plural) + single)
    return found


def _taken_apart(path: str) -> tuple[str, Shape, str]:
    """A path without query, format and custom verb; its shape; the custom verb (`:cancel`)."""
    text = _FORMAT.sub("", re.split(r"[?#]", path, maxsplit=1)[0].rstrip("/"))
    verb = _CUSTOM.search(text)
    text = text[: verb.start()] if verb else text
    shape = tuple("{}" if TEMPLATE.fullmatch(step) else step for step in text.split("/") if step)
    return text, shape, verb[1] if verb else ""


class _Sorting:
    """Sorts operations into resources: items first, as they make a name a collection."""

    def __init__(self, api: Api) -> None:
        self._texts: dict[Shape, str] = {}
        self._at: dict[Shape, list[Operation]] = defaultdict(list)
        self._custom: dict[Shape, list[Operation]] = defaultdict(list)
        for operation in api.operations:
            text, shape, verb = _taken_apart(operation.path)
            if operation.method not in ("options", "trace"):
                self._texts.setdefault(shape, text)
                (self._custom if verb else self._at)[shape].append(operation)
        self._items = {shape: self._collection_of(shape) for shape in self._at if _is_item(shape)}
        self._collections = {base: shape for shape, base in reversed([*self._items.items()])}
        self._kinds = {base: Kind.UNKNOWN for base in self._collections if base in self._items}
        self._uses: dict[Shape, list[Use]] = defaultdict(list)

    def resources(self) -> Iterator[Resource]:
        """The resources; those of shorter paths are decided first, as actions belong to them."""
        for shape in sorted(dict.fromkeys((*self._at, *self._collections)), key=len):
            if shape not in self._items:
                self._decide(shape)
        for shape, base in self._items.items():
            for operation in self._at[shape]:
                self._add(base, self._role_on_item(shape, operation), operation)
        for shape, operations in self._custom.items():
            owner = self._owner(shape) or shape
            self._kinds.setdefault(owner, Kind.UNKNOWN)
            for operation in operations:
                self._add(owner, Role.ACTION, operation)
        for shape in dict.fromkeys(self._items.get(shape, shape) for shape in self._texts):
            if shape in self._kinds and self._uses[shape]:
                yield self._resource(shape)

    def _collection_of(self, shape: Shape) -> Shape:
        """The path that items of this one are in; a run of templates is one compound identifier."""
        base = shape[:-1]
        while _is_item(base) and base not in self._at:
            base = base[:-1]
        return base

    def _decide(self, shape: Shape) -> None:
        operations, methods = self._at[shape], {op.method for op in self._at[shape]}
        segment = shape[-1] if shape else ""
        owner = self._owner(shape[:-1]) if shape else None
        lists = any(answer_of(operation).many for operation in operations)
        acts = is_verb(segment) and len(methods) == 1
        called = acts or (methods == {"post"} and not is_plural(segment))
        kind = Kind.COLLECTION
        if not _PLAIN.fullmatch(segment):
            kind = Kind.UNKNOWN
        elif shape in self._collections:
            pass
        elif called and owner is not None:
            role = Role.LIST if lists and methods == {"get"} else Role.ACTION
            for operation in operations:
                self._add(owner, role, operation)
            return
        elif called:
            kind = Kind.UNKNOWN
        elif not lists and not (is_plural(segment) and methods & {"post"}):
            kind = Kind.SINGLETON
        self._kinds[shape] = kind
        for operation in operations:
            self._add(shape, self._role(kind, operation, methods), operation)

    def _owner(self, shape: Shape) -> Shape | None:
        """The resource at, or around, a path; versions and other prefixes are none."""
        while shape:
            owner = self._items.get(shape, shape)
            kind = self._kinds.get(owner, Kind.UNKNOWN)
            versioned = bool(owner) and _VERSION.fullmatch(owner[-1]) is not None
            if kind is Kind.COLLECTION or (kind is Kind.SINGLETON and not versioned):
                return owner
            shape = shape[:-1]
        return None

    def _role(self, kind: Kind, operation: Operation, methods: set[str]) -> Role:
        if kind is Kind.UNKNOWN:
            return Role.ACTION
        if kind is Kind.COLLECTION:
            return _ON_COLLECTION.get(operation.method, Role.ACTION)
        if operation.method == "post" and not methods & {"put", "patch"}:
            return Role.CREATE if "delete" in methods else Role.UPDATE
        return _ON_ITEM.get(operation.method, Role.ACTION)

    def _role_on_item(self, shape: Shape, operation: Operation) -> Role:
        if self._kinds[self._items[shape]] is Kind.UNKNOWN:
            return Role.ACTION
        others = {other.method for other in self._at[shape]}
        if operation.method == "post" and not others & {"put", "patch"}:
            return Role.UPDATE
        return _ON_ITEM.get(operation.method, Role.ACTION)

    def _add(self, shape: Shape, role: Role, operation: Operation) -> None:
        answer, receives = answer_of(operation), input_of(operation)
        self._uses[shape].append(Use(role, operation, answer, receives))

    def _resource(self, shape: Shape) -> Resource:
        item = self._collections.get(shape)
        around = self._owner(shape[:-1])
        item_text = self._texts[item] if item else ""
        own = item_text.split("/")[len(shape) - len(item) :] if item else ()
        identifiers = tuple(name for step in own for name in TEMPLATE.findall(step))
        said = [step for step in shape if step != "{}" and not _VERSION.fullmatch(step)]
        return Resource(
            path=self._path(shape),
            name=said[-1] if said and not _is_item(shape) else "/".join(identifiers) or "/",
            kind=self._kinds[shape],
            item_path=item_text,
            identifiers=identifiers,
            parent=self._path(around) if around is not None else "",
            uses=tuple(self._uses[shape]),
        )

    def _path(self, shape: Shape) -> str:
        """The text of a path; of a collection that has only items, the opening of theirs."""
        if shape in self._texts or shape not in self._collections:
            return self._texts.get(shape) or "/"
        item = self._collections[shape]
        return self._texts[item].rsplit("/", len(item) - len(shape))[0] or "/"


def _is_item(shape: Shape) -> bool:
    return shape[-1:] == ("{}",)
