"""All differences of two versions of an API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from ..api import Api, Operation
from ..document import Node
from ..kinds import Version
from ..values import listing, mapping
from ..webhooks import Delivery, deliveries
from .alike import unchanged
from .keywords import LEVELS
from .operations import Operations, Pairing, paired, template
from .record import Change, Side
from .schemas import Outline, Schemas, outline


class Comparison:
    """Two versions of an API, and what differs between them."""

    def __init__(self, old: Api, new: Api) -> None:
        self.old, self.new = old, new
        self._same = unchanged(old, new)
        self.pairing: Pairing = paired(old, new)
        self._schemas = Schemas(old, new, self._same)

    def changes(self) -> Iterator[Change]:
        """Every difference, in the order of the documents."""
        operations = Operations(self.old, self.new, self._schemas, self._same)
        yield from _info(self.old, self.new)
        yield from _servers(self.old, self.new)
        yield from _schemes(self.old, self.new)
        yield from _global_security(self.old, self.new)
        yield from self._existence()
        for one, two in self.pairing.both:
            yield from _of_operation(one, two)
            yield from operations.changes(one, two)
        yield from self._webhooks()
        yield from self._components()

    def _existence(self) -> Iterator[Change]:
        kept = {template(op.path) for op in self.new.operations}
        for op in self.pairing.gone:
            subject = "operation" if template(op.path) in kept else "path"
            deprecated = op.node.get("deprecated") is True
            action = "removed" + ("-deprecated" if deprecated else "")
            sunset = op.node.get("x-sunset")
            yield Change(
                "path" if subject == "path" else "operation", "", subject, "", action, str(op),
                sunset, None, Side(op.node.place()), None, str(op), effect="narrows",
            )  # fmt: skip
        for op in self.pairing.new:
            yield Change(
                "operation", "", "operation", "", "added", str(op), None, None, None,
                Side(op.node.place()), str(op), effect="widens",
            )  # fmt: skip

    def _webhooks(self) -> Iterator[Change]:
        ours, theirs = (
            mapping(self.old.root.get("webhooks")),
            mapping(self.new.root.get("webhooks")),
        )
        yield from self._deliveries()
        for name in sorted(ours.keys() ^ theirs.keys(), key=str):
            gone = name in ours
            root = self.old.root if gone else self.new.root
            side = Side(root.place("webhooks", name))
            yield Change(
                "webhook", "", "webhook", "", "removed" if gone else "added", str(name),
                name if gone else None, None if gone else name,
                side if gone else None, None if gone else side,
                effect="widens" if gone else "names",
            )  # fmt: skip

    def _deliveries(self) -> Iterator[Change]:
        """What the API sends by itself: its clients receive the request."""
        operations = Operations(self.old, self.new, self._schemas, self._same)
        after = {_key_of(each): each for each in deliveries(self.new)}
        for one in deliveries(self.old):
            two = after.get(_key_of(one))
            if two is not None:
                yield from operations.delivered(one, two)

    def _components(self) -> Iterator[Change]:
        """Schemas under a name that is gone, unless they are there under another one."""
        before, after = _named_schemas(self.old), _named_schemas(self.new)
        others: dict[Outline, list[Node]] = defaultdict(list)
        for name, node in after.items():
            if name not in before:
                others[outline(self.new, node)].append(node)
        for name, node in before.items():
            if name not in after and not self._schemas.lives_on(node, others):
                yield Change(
                    "component", "", "schema", "", "removed", name, name, None,
                    Side(node.place()), None,
                )  # fmt: skip


def _key_of(delivery: Delivery) -> tuple[str, str]:
    return delivery.name, str(delivery.operation.key[-1])


def _named_schemas(api: Api) -> dict[str, Node]:
    where = api.root
    if api.version is not Version.V20:
        components = api.description.child(api.root, "components")
        return dict(api.description.children(components, "schemas"))
    return dict(api.description.children(where, "definitions"))


def _info(old: Api, new: Api) -> Iterator[Change]:
    before, after = (str(mapping(api.root.get("info")).get("version", "")) for api in (old, new))
    if before != after:
        sides = Side(old.root.place("info", "version")), Side(new.root.place("info", "version"))
        yield Change("metadata", "", "version", "", "changed", "", before, after, *sides)


def _servers(old: Api, new: Api) -> Iterator[Change]:
    before, after = _bases(old), _bases(new)
    for url in sorted(before.keys() ^ after.keys()):
        gone = url in before
        side = Side((old if gone else new).root.place(*(before if gone else after)[url]))
        yield Change(
            "server", "", "server", "", "removed" if gone else "added", url,
            url if gone else None, None if gone else url,
            side if gone else None, None if gone else side,
            effect="narrows" if gone else "widens",
        )  # fmt: skip


def _bases(api: Api) -> dict[str, tuple[str | int, ...]]:
    if api.version is Version.V20:
        host, base = str(api.root.get("host", "")), str(api.root.get("basePath", "")).rstrip("/")
        schemes = listing(api.root.get("schemes")) or ["https"]
        return {f"{s}://{host}{base}": ("host",) for s in schemes} if host else {}
    return {
        str(server.get("url", "")).rstrip("/"): ("servers", index)
        for index, server in enumerate(listing(api.root.get("servers")))
        if isinstance(server, dict)
    }


# Security


def _schemes(old: Api, new: Api) -> Iterator[Change]:
    before, after = old.security_schemes, new.security_schemes
    for name in dict.fromkeys((*before, *after)):
        yield from _scheme(name, before.get(name), after.get(name))


def _scheme(name: str, ours: Node | None, theirs: Node | None) -> Iterator[Change]:
    sides = Side(ours.place()) if ours else None, Side(theirs.place()) if theirs else None

    def change(facet: str, action: str, one: Any, two: Any, effect: str = "") -> Change:
        return Change(
            "security", "", "security-scheme", facet, action, name, one, two, sides[0], sides[1],
            effect=effect,
        )  # fmt: skip

    if ours is None or theirs is None:
        action = "added" if ours is None else "removed"
        yield change("", action, ours and name, theirs and name)
        return
    if ours.get("type") != theirs.get("type"):
        yield change("type", "changed", ours.get("type"), theirs.get("type"), "changes")
    for keyword, facet in _CREDENTIALS.items():
        one, two = ours.get(keyword), theirs.get(keyword)
        if str(one).lower() != str(two).lower():
            yield change(facet, "changed", one, two, "changes")
    yield from _flows(_flows_of(ours), _flows_of(theirs), change)


_CREDENTIALS: Final = {
    "in": "credential",
    "name": "credential",
    "scheme": "credential",
    "openIdConnectUrl": "credential",
    "bearerFormat": "bearer-format",
}
_URLS: Final = {
    "authorizationUrl": "oauth-url",
    "tokenUrl": "oauth-token-url",
    "refreshUrl": "oauth-refresh-url",
}


def _flows_of(scheme: Node) -> dict[str, dict[str, Any]]:
    if isinstance(scheme.get("flow"), str):
        return {scheme.get("flow"): scheme.value}
    return {str(k): mapping(v) for k, v in mapping(scheme.get("flows")).items()}


def _flows(
    before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]], change: Any
) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        ours, theirs = before.get(name), after.get(name)
        if ours is None or theirs is None:
            yield change(
                "flow", "added" if ours is None else "removed", ours and name, theirs and name
            )
            continue
        for keyword, facet in _URLS.items():
            if ours.get(keyword) != theirs.get(keyword):
                yield change(facet, "changed", ours.get(keyword), theirs.get(keyword), "changes")
        one, two = mapping(ours.get("scopes")), mapping(theirs.get("scopes"))
        for scope in dict.fromkeys((*one, *two)):
            if scope not in two:
                yield change("oauth-scope", "removed", scope, None)
            elif scope not in one:
                yield change("oauth-scope", "added", None, scope)
            elif one[scope] != two[scope]:
                yield change("oauth-scope", "changed", one[scope], two[scope])


def _global_security(old: Api, new: Api) -> Iterator[Change]:
    sides = Side(old.root.place("security")), Side(new.root.place("security"))
    yield from _requirements(
        old.root.get("security"), new.root.get("security"), "global-security", "", sides
    )


def _requirements(
    before: Any, after: Any, subject: str, operation: str, sides: tuple[Side, Side]
) -> Iterator[Change]:
    """Alternatives by the schemes they name; of the same one, the scopes."""
    ours = {_names(each): each for each in listing(before) if isinstance(each, dict)}
    theirs = {_names(each): each for each in listing(after) if isinstance(each, dict)}

    def change(facet: str, action: str, one: Any, two: Any, name: str, effect: str) -> Change:
        return Change(
            "security", "", subject, facet, action, name, one, two, *sides, operation, "", effect
        )

    for names in dict.fromkeys((*ours, *theirs)):
        if names not in theirs:
            harmless = not theirs or any(_satisfies(ours[names], each) for each in theirs.values())
            effect = "widens" if harmless else "narrows"
            yield change("", "removed", names, None, names, effect)
        elif names not in ours:
            yield change("", "added", None, names, names, "widens" if ours else "narrows")
        else:
            for scheme in sorted(ours[names].keys() | theirs[names].keys()):
                one, two = listing(ours[names].get(scheme)), listing(theirs[names].get(scheme))
                for scope in one:
                    if scope not in two:
                        yield change("scope", "removed", scope, None, scheme, "widens")
                for scope in two:
                    if scope not in one:
                        yield change("scope", "added", None, scope, scheme, "narrows")


def _satisfies(credentials: dict[str, Any], requirement: dict[str, Any]) -> bool:
    """Whether who has these credentials has all that is required."""
    return all(
        scheme in credentials and set(listing(scopes)) <= set(listing(credentials[scheme]))
        for scheme, scopes in requirement.items()
        if all(isinstance(s, str) for s in (*listing(scopes), *listing(credentials.get(scheme))))
    )


def _names(requirement: dict[str, Any]) -> str:
    return " and ".join(sorted(map(str, requirement))) or "anonymous"


# One operation


def _of_operation(one: Operation, two: Operation) -> Iterator[Change]:
    sides = Side(one.node.place()), Side(two.node.place())
    ours, theirs = one.node, two.node

    def change(
        area: str,
        subject: str,
        action: str,
        before: Any,
        after: Any,
        effect: str = "",
        facet: str = "",
    ) -> Change:
        return Change(
            area,
            "",
            subject,
            facet,
            action,
            str(after if after is not None else before or ""),
            before,
            after,
            *sides,
            str(two),
            effect=effect,
        )

    was, now = ours.get("deprecated") is True, theirs.get("deprecated") is True
    sunset = ours.get("x-sunset"), theirs.get("x-sunset")
    if was != now:
        action = "reactivated" if was else "deprecated-with-sunset" if sunset[1] else "deprecated"
        yield change("operation", "operation", action, sunset[0], sunset[1])
    elif now and sunset[0] != sunset[1]:
        action = "removed" if sunset[1] is None else "added" if sunset[0] is None else "changed"
        yield change("operation", "operation", action, *sunset, facet="sunset")
    levels = ours.get("x-stability-level"), theirs.get("x-stability-level")
    if levels[0] != levels[1]:
        rank = [LEVELS.index(level) if level in LEVELS else -1 for level in levels]
        action = "decreased" if rank[1] < rank[0] else "increased"
        yield change("operation", "operation", action, *levels, facet="stability")
    for keyword, subject in (("operationId", "operation-id"),):
        before, after = ours.get(keyword), theirs.get(keyword)
        if before != after:
            action = "removed" if after is None else "added" if before is None else "changed"
            yield change("metadata", subject, action, before, after)
    tags = listing(ours.get("tags")), listing(theirs.get("tags"))
    for tag in tags[0]:
        if tag not in tags[1]:
            yield change("metadata", "tag", "removed", tag, None)
    for tag in tags[1]:
        if tag not in tags[0]:
            yield change("metadata", "tag", "added", None, tag)
    if "security" in mapping(ours.value) or "security" in mapping(theirs.value):
        yield from _requirements(
            ours.get("security", one.api.root.get("security")),
            theirs.get("security", two.api.root.get("security")),
            "security", str(two), sides,
        )  # fmt: skip
