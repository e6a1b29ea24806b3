"""What names in documents tell, word by word."""

from __future__ import annotations

import re
from functools import lru_cache

CREDENTIAL = re.compile(
    r"_(password|passwd|pwd|passphrase|secret|api_?key|secret_?key|private_?key|jwt|authorization"
    r"|(access|auth|refresh|session|bearer|id|api|security)_?token)(_confirm(ation)?|_repeat)?_$"
)


def words(name: object) -> str:
    """A name as its words in lower case: `clientSecret` is `_client_secret_`.

    What comes after 200 characters is left out: it belongs to no name, and many rules search it.
    """
    return _words(str(name)[:200])


@lru_cache(maxsize=20_000)
def _words(name: str) -> str:
    return f"_{'_'.join(_WORD.findall(name)).lower()}_"


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
