"""Asking the user: the open questions with most information, by elicitation where clients can."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from mcp.server.mcpserver import Elicit
from pydantic import BaseModel, Field, create_model

from ..jobs import ChecklistRequest
from .run import Call, encodable

LATER = "ask_me_later"
MESSAGE = (
    "These answers decide most about the security of this system. Choose what you know; no secret"
    " is asked for, and what is left open stays open."
)


class Replies(BaseModel):
    """Answers of the user: a field for each question; `ids` says which."""

    ids: ClassVar[dict[str, str]] = {}

    def by_question(self) -> dict[str, str]:
        """What was answered, by the ids of the questions."""
        said = self.model_dump()
        return {id: said[name] for name, id in self.ids.items() if said.get(name) != LATER}


async def asked(ctx: Call, request: ChecklistRequest, wanted: bool) -> Replies | Elicit[Replies]:
    """A form with the first questions, if the client can show one; else no answers."""
    capabilities = ctx.client_capabilities
    can = capabilities is not None and capabilities.elicitation is not None
    if not wanted or not can:
        return Replies()

    async def quiet(stage: str) -> None:
        """The call itself tells its progress."""

    service = ctx.request_context.lifespan_context
    found = await service.run("security_checklist", request, quiet)
    first = [each for each in found.questions if each["ask_first"]]
    return Elicit(MESSAGE, form(first)) if first else Replies()


def form(questions: list[dict[str, Any]]) -> type[Replies]:
    """A model with a field for each question, its answers enumerated."""
    ids = {f"q{number}": each["id"] for number, each in enumerate(questions, 1)}
    fields: dict[str, Any] = {
        name: (
            Literal[(*each["answers"], LATER)],
            Field(LATER, title=encodable(each["id"][:80]), description=encodable(each["question"])),
        )
        for name, each in zip(ids, questions, strict=True)
    }
    made = create_model("Replies", __base__=Replies, **fields)
    made.ids = ids
    return made
