"""Input: injection, validation, files, redirects, patterns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..control import Verdict, attested, broken, control, doubtful, kept
from ..facts import Fact, Facts, Kind
from ..gates import UPLOADS

_INJECT = (
    'Send `{request}` with `\'`, `"`, `{"$ne": null}`, `1 OR 1=1--` and 10,000 characters in'
    " the field: expect 400/422/404, the same time, and no database error in the body."
)


@control(
    "injection",
    asvs=("1.2.4", "2.2.1"),
    api_top10=("API8", "API10"),
    cwe=(89, 943, 74, 20),
    pci=("6.2.4",),
    impact=4,
    blast=3,
    question="Does this value reach the database as a parameter only, never inside the text of a"
    " query, and as a string only?",
    verify=_INJECT,
    implement="parameterised",
    said="inputs.parameterised_queries",
)
def injection(facts: Facts) -> Iterator[Verdict]:
    """Look-up keys and filters reach queries as parameters.

    A text without pattern or length that is looked up is where injection is tried first.
    """
    for fact in _one_each(facts.of(Kind.LOOKUP)):
        if not fact.value.bounds or fact.value.bounds.startswith(("maxLength", "minLength")):
            cause = "look-up keys in paths" if fact.value.sign else "look-up texts without bounds"
            yield doubtful(fact, cause=cause, signal=2 if not fact.value.bounds else 1)


def _one_each(facts: Iterable[Fact]) -> list[Fact]:
    """The first fact of each subject."""
    return list({fact.subject: fact for fact in reversed(list(facts))}.values())[::-1]


@control(
    "command-injection",
    asvs=("1.2.5",),
    api_top10=("API8",),
    cwe=(78, 88, 77),
    impact=4,
    blast=3,
    question="Is this value kept from shells and command lines (or passed as one argument of a"
    " fixed list)?",
    verify="Send `{request}` with `;sleep 10`, `$(sleep 10)` and `--help` in the field: expect"
    " 400/422 and an answer as fast as before.",
    implement="Call libraries, not shells; pass a list of arguments, none from a client as an"
    " option",
)
def command_injection(facts: Facts) -> Iterator[Verdict]:
    """Values of clients reach no command line."""
    for fact in facts.of(Kind.COMMAND_INPUT):
        yield doubtful(fact, cause="fields that name commands or hosts")
    for fact in facts.of(Kind.INTERNAL_FIELD, Kind.RECEIVES):
        if fact.value.sense == "internal detail" and "param" in fact.value.token:
            yield doubtful(fact, cause="options of a program")


@control(
    "regular-expression-cost",
    asvs=("1.3.12",),
    api_top10=("API4",),
    cwe=(1333, 400),
    question="Is the length of this value bounded before a pattern is matched against it?",
    verify="Send `{request}` with `a@` and 50,000 times `a.` in the field: expect 400/422 within"
    " a second.",
    implement="bounds",
)
def regular_expression_cost(facts: Facts) -> Iterator[Verdict]:
    """Patterns are not given texts that take them forever."""
    for fact in facts.of(Kind.PATTERN):
        yield broken(fact, cause="patterns that take exponentially long")
    for fact in facts.of(Kind.FREE_TEXT):
        yield doubtful(fact, cause="texts that patterns check, without length", signal=1)


@control(
    "file-names-from-clients",
    asvs=("5.3.2", "5.4.1"),
    api_top10=("API8",),
    cwe=(73, 22, 641),
    impact=3,
    question="Is the path on disk made by the server, whatever the client calls the file?",
    verify="Send `{request}` with `../../etc/passwd`, `%2e%2e%2f` and `C:\\\\` in the field: expect"
    " 400/404 and nothing read or written outside.",
    implement="Make the name on the server (UUID); keep the client's name as data only",
    said="inputs.file_names_generated",
)
def file_names(facts: Facts) -> Iterator[Verdict]:
    """Clients do not choose paths of files."""
    for fact in facts.of(Kind.FILE_NAME_INPUT):
        yield doubtful(fact, cause="file names in requests")


@control(
    "upload-size",
    asvs=("5.2.1", "5.1.1"),
    api_top10=("API4",),
    cwe=(400, 770),
    when=UPLOADS,
    question="Is the size of an upload bounded, before it is held in memory?",
    verify="Send `{request}` with a file of 1 GB: expect 413 soon, and steady memory.",
    implement="upload",
    said="inputs.upload_bytes",
    good=lambda value: value > 0,
    wants="a bound",
)
def upload_size(facts: Facts) -> Iterator[Verdict]:
    """Uploads are bounded."""
    for fact in facts.of(Kind.UPLOAD):
        if "maxLength" in fact.value.bounds:
            yield kept(fact)
        else:
            yield doubtful(fact, cause="uploads without a size")


@control(
    "upload-type",
    asvs=("5.2.2",),
    api_top10=("API8",),
    cwe=(434,),
    when=UPLOADS,
    impact=3,
    question="Are files accepted by their content (not by name or header), and served as a download"
    " from another origin?",
    verify="Send `{request}` with an HTML file called `a.png`: expect 415/422, or that it is served"
    " with `Content-Disposition: attachment` and `nosniff`.",
    implement="upload",
    said="inputs.uploads_type_checked",
)
def upload_type(facts: Facts) -> Iterator[Verdict]:
    """Uploads are what they say."""
    for fact in facts.of(Kind.UPLOAD):
        yield doubtful(fact, cause="uploads", signal=1)


@control(
    "redirect-targets",
    asvs=("3.7.2",),
    api_top10=("API8",),
    cwe=(601,),
    question="Is the target compared with a list of own addresses?",
    verify="Send `{request}` with `https://example.org`, `//example.org` and `/\\\\example.org`:"
    " expect 400, or a redirect to an own page.",
    implement="Keep a list of allowed targets, or take a key for one; refuse all else",
    said="inputs.redirect_allow_list",
)
def redirect_targets(facts: Facts) -> Iterator[Verdict]:
    """Redirects lead to known addresses."""
    for fact in facts.of(Kind.REDIRECT_INPUT):
        if "enum" not in fact.value.bounds:
            yield doubtful(fact, cause="targets of redirects in requests")


@control(
    "xml-entities",
    asvs=("1.5.1",),
    api_top10=("API8",),
    cwe=(611,),
    impact=4,
    question="Are external entities and DTDs off in the XML parser?",
    verify='Send `{request}` as XML with `<!ENTITY x SYSTEM "file:///etc/hostname">`: expect 400'
    " and no file in the body.",
    implement="Turn DTDs off (defusedxml; disallow-doctype-decl)",
    said="inputs.xml_entities_off",
)
def xml_entities(facts: Facts) -> Iterator[Verdict]:
    """XML is parsed without entities."""
    for fact in facts.of(Kind.MEDIA):
        if any("xml" in media for media in fact.value):
            yield doubtful(fact, cause="operations that take XML")


@control(
    "serialised-objects",
    asvs=("1.5.2",),
    api_top10=("API8",),
    cwe=(502,),
    impact=4,
    blast=3,
    question="Is it certain that no objects are made from what clients send here?",
    verify="Send `{request}` with the gadget of a public tool for the language: expect 415.",
    implement="Take JSON with a schema; never pickle, Java or PHP serialisation",
)
def serialised_objects(facts: Facts) -> Iterator[Verdict]:
    """No serialised objects are taken."""
    for fact in facts.of(Kind.MEDIA):
        if any(
            mark in media for media in fact.value for mark in ("java-serialized", "pickle", "x-php")
        ):
            yield broken(fact, cause="serialised objects are taken")


@control(
    "forwarded-headers",
    asvs=("4.1.3",),
    api_top10=("API2", "API8"),
    cwe=(346, 290, 348),
    impact=3,
    blast=3,
    question="Does the gateway overwrite these headers, so that clients cannot send them?",
    verify="Send `{request}` from outside with the header set to an administrator's values: expect"
    " it to be ignored.",
    implement="Strip or overwrite the header at the edge; take identity from the token",
    said="transport.proxy_headers_overwritten",
)
def forwarded_headers(facts: Facts) -> Iterator[Verdict]:
    """Headers that a proxy sets are not taken from clients."""
    for fact in facts.of(Kind.FORWARDED):
        yield doubtful(fact, cause="headers that a proxy sets", signal=3)


@control(
    "input-bounds",
    asvs=("2.1.1", "2.2.1"),
    api_top10=("API4",),
    cwe=(20, 770),
    impact=1,
    question="Is every value checked against type, length and range on the server?",
    verify="Send each operation a value of the wrong type, one too long, one out of range: expect"
    " 400/422.",
    implement="bounds",
    said="inputs.validated_on_server",
)
def input_bounds(facts: Facts) -> Iterator[Verdict]:
    """Values are bounded, and checked on the server."""
    yield from ()


scanned = attested(
    "upload-scanned",
    "Files of strangers are scanned",
    "inputs.uploads_scanned",
    why="What one user sends, another opens.",
    question="Are files scanned for malware before others get them?",
    verify="Upload the EICAR test file: expect it to be refused or held back.",
    implement="upload",
    when=UPLOADS,
    asvs=("5.4.3", "5.2.3"),
    cwe=(509, 409),
)
csv = attested(
    "csv-formulas",
    "Cells of exports cannot be formulas",
    "inputs.csv_escaped",
    why="A spreadsheet runs what begins with `=`.",
    question="Are cells that begin with = + - @ escaped in CSV and XLSX exports (or are there"
    " none)?",
    verify="Store `=1+1` as a name and export it: expect `'=1+1`.",
    implement="Prefix such cells with `'`, quote every field",
    asvs=("1.2.10",),
    cwe=(1236,),
)
