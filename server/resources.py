"""What can be read: the persona, a page for each rule, and the persona as a skill (SEP-2640)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from mcp import MCPError
from mcp.server.extension import Extension, MethodBinding, ResourceBinding
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.resources import TextResource
from mcp.types import INVALID_PARAMS, CacheableResult, PaginatedRequestParams, RequestParams

from backend_architect.tools.report import clean

from . import prompts

MARKDOWN = "text/markdown"
SKILL = f"skill://{prompts.NAME}/SKILL.md"
RULE = "rule://{+id}"
COVERAGE = "coverage://{topic}"
EXAMPLE = "domain-model://examples/{name}"
EXAMPLES = {
    "ledger.yaml": "A domain model: double entry, append only, balanced bookings",
    "saas-billing.yaml": "A domain model: many tenants, states, periods, retention",
}
_TTL_MS = 300_000


def add_resources(server: MCPServer[Any]) -> None:
    """Register the persona, the model of a design with its examples, rule and coverage pages."""

    @server.resource(
        f"persona://{prompts.NAME}",
        title="Backend Architect",
        description="The persona: mindset, focus areas, actions with the tools that give evidence",
        mime_type=MARKDOWN,
    )
    def persona() -> str:
        return prompts.persona()

    @server.resource(
        "domain-model://schema.json",
        title="Domain model",
        description="JSON Schema of what `design_schema` takes, with every field",
        mime_type="application/schema+json",
    )
    def domain_schema() -> str:
        from backend_architect.tools.design_schema.domain.model import json_schema

        return json.dumps(json_schema(), ensure_ascii=False)

    @server.resource(
        "system-description://schema.json",
        title="System description",
        description="JSON Schema of the `system` that `security_checklist` takes, every field",
        mime_type="application/schema+json",
    )
    def system_schema() -> str:
        from backend_architect.tools.security_checklist.domain.model import json_schema

        return json.dumps(json_schema(), ensure_ascii=False)

    for name, about in EXAMPLES.items():
        server.add_resource(
            TextResource(
                uri=f"domain-model://examples/{name}",
                name=name,
                description=about,
                mime_type="application/yaml",
                text=(files("backend_architect.examples") / name).read_text("utf-8"),
            )
        )

    @server.resource(
        EXAMPLE,
        title="An example of a domain model",
        description="A whole model for `design_schema`: domain-model://examples/rentals.yaml",
        mime_type="application/yaml",
    )
    def example(name: str) -> str:
        if name not in example_models():
            raise ResourceNotFoundError(f"the examples are {', '.join(example_models())}")
        return (files("backend_architect.examples") / name).read_text("utf-8")

    @server.resource(
        COVERAGE,
        title="What is covered",
        description="Topics, the rules on them, and what other tools call them: coverage://api",
        mime_type=MARKDOWN,
    )
    def coverage(topic: str) -> str:
        if topic not in coverage_pages():
            raise ResourceNotFoundError(f"the topics are {', '.join(coverage_pages())}")
        return (files("backend_architect.coverage") / f"{topic}.md").read_text("utf-8")

    @server.resource(
        RULE,
        title="A rule",
        description="Why a rule exists, how to mend it, examples: rule://api/path-duplicate",
        mime_type=MARKDOWN,
    )
    def rule(id: str) -> str:
        from backend_architect.tools.catalog import catalog
        from backend_architect.tools.rule import UnknownRule

        from .docs import page

        if id not in catalog():
            raise ResourceNotFoundError(str(UnknownRule(clean(id, 80), catalog())))
        return page(catalog()[id])


def example_models() -> list[str]:
    """The files of `domain-model://examples/`."""
    return _files("backend_architect.examples", ".yaml")


def coverage_pages() -> list[str]:
    """The topics of `coverage://`."""
    return [name.removesuffix(".md") for name in _files("backend_architect.coverage", ".md")]


def _files(package: str, suffix: str) -> list[str]:
    return sorted(each.name for each in files(package).iterdir() if each.name.endswith(suffix))


class _GetSkill(RequestParams):
    uri: str


class _Skills(CacheableResult):
    skills: list[dict[str, Any]]


class _Skill(CacheableResult):
    skill: dict[str, Any]


class Skills(Extension):
    """The persona as a skill, for hosts that load skills from servers."""

    identifier = "io.modelcontextprotocol/skills"

    def __init__(self) -> None:
        self._text = prompts.persona()
        self._front, _ = prompts.split(self._text)
        raw = self._text.encode()
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        manifest = {"uri": SKILL, "digest": digest, "size": len(raw)}
        self._entry = {"uri": SKILL, "frontmatter": self._front, "resources": [manifest]}

    def resources(self) -> Sequence[ResourceBinding]:
        """The skill's only file."""
        file = TextResource(
            uri=SKILL,
            name=self._front["name"],
            description=self._front["description"],
            mime_type=MARKDOWN,
            text=self._text,
        )
        return [ResourceBinding(file)]

    def methods(self) -> Sequence[MethodBinding]:
        """`skills/list` and `skills/get`."""
        return [
            MethodBinding("skills/list", PaginatedRequestParams, self._list),
            MethodBinding("skills/get", _GetSkill, self._get),
        ]

    async def _list(self, _: Any, __: Any) -> _Skills:
        return _Skills(skills=[self._entry], ttl_ms=_TTL_MS, cache_scope="public")

    async def _get(self, _: Any, params: _GetSkill) -> _Skill:
        if params.uri != SKILL:
            message = f"There is no skill {params.uri[:200]!r}; the only one is {SKILL}"
            raise MCPError(code=INVALID_PARAMS, message=message, data={"uri": params.uri[:200]})
        return _Skill(skill=self._entry, ttl_ms=_TTL_MS, cache_scope="public")
