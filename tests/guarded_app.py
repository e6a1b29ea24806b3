"""A small application with users, tenants and roles; in each of its twins one check is missing."""

from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

KEY = "a key of the test application, long enough"
FLAWS = ("no token", "wrong audience", "lower role", "other user", "other tenant")
BEARER = HTTPBearer(auto_error=False)


class Note(BaseModel):
    text: str


def token(name: str, role: str = "user", tenant: str = "a", audience: str = "notes") -> str:
    claims = {"sub": name, "role": role, "tenant": tenant, "aud": audience}
    return jwt.encode(claims, KEY, algorithm="HS256")


def app(flaw: str = "") -> FastAPI:
    """The application; `flaw` is the check that this twin lacks."""
    made = FastAPI(title="Notes", version="1")

    def caller(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
    ) -> dict[str, Any]:
        if given is None:
            if flaw == "no token":
                return {"sub": "alice", "role": "admin", "tenant": "a"}
            raise HTTPException(401)
        audience = ["notes", "billing"] if flaw == "wrong audience" else "notes"
        try:
            return jwt.decode(given.credentials, KEY, ["HS256"], audience=audience)
        except jwt.InvalidTokenError:
            raise HTTPException(401) from None

    Caller = Annotated[dict[str, Any], Depends(caller)]

    @made.get("/notes/{note_id}")
    def read(note_id: int, who: Caller) -> Note:
        if flaw != "other user" and (note_id != 1 or who["sub"] != "alice"):
            raise HTTPException(404)
        return Note(text="Alice's")

    @made.get("/reports/{report_id}")
    def report(report_id: int, who: Caller) -> Note:
        if flaw != "other tenant" and who["tenant"] != "a":
            raise HTTPException(404)
        return Note(text="of tenant a")

    @made.delete("/admin/notes/{note_id}")
    def remove(note_id: int, who: Caller) -> Note:
        if flaw != "lower role" and who["role"] != "admin":
            raise HTTPException(403)
        return Note(text="gone")

    return made
