"""Score the API rules against the cases of other projects' suites.

    python benchmarks/score_api.py [--verbose] API_DIR

API_DIR holds `kics` (queries of KICS, each with documents that break it, the lines where, and
documents that do not) and `oai` (documents that the OpenAPI schemas accept or refuse). `KICS` says
which of our rules means the same as a query, or why none does. Every rule is run, as in the profile
`all`; recall counts an expected line that a mapped rule names, or a line beside it. A finding names
its place and the related ones. KICS repeats the fault of a component at each `$ref` to it, we name
it once: such a line is found if the fault is found where the reference leads.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.document import NotOpenApi, Unreadable, describe
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Finding
from backend_architect.tools.review_api import review
from backend_architect.tools.source import Source, SourceError, pointer

GATE = (
    *("api/field-unknown", "api/field-missing", "api/field-type", "api/field-value"),
    "api/header-name-invalid",  # of the development schema of 3.2, not yet of the published one
)
WANTED_RECALL = 0.95
WANTED_MAPPED = 0.6
NEAR = 1  # lines


@dataclass(frozen=True)
class Same:
    """Our rules, without `api/`, that together mean a query.

    `about`: only findings whose message has this (a regular expression). `received`: only what
    clients send is judged: the query also asks it of responses, where we hold it to be wrong.
    """

    rules: tuple[str, ...]
    about: str = ""
    received: bool = False

    def says(self, finding: Finding) -> bool:
        """Whether a finding says what the query asks."""
        meant = finding.rule.removeprefix("api/") in self.rules
        return meant and bool(re.search(self.about, finding.message))


def same(*rules: str, about: str = "", received: bool = False) -> Same:
    return Same(rules, about, received)


def no_success(method: str) -> Same:
    return same("success-response-missing", "success-status-unusual", about=f"`{method} ")


PENDING = "no rule of ours yet"
UNTRIED = "no case here to see whether our rule means the same"
PUBLIC = "reads may be public; writes that are, `operation-unprotected` tells"
HEADER_KEY = "a key in a header over TLS is a credential like others"
AT_IN_FRAGMENT = "an `@` after `#` is valid in a URL, RFC 3986 section 3.5"
UNRESOLVED = same("reference-unresolved")
WRONG_KIND = same("reference-wrong-kind", "reference-unresolved")
UNUSED = same("component-unused")
PLAINTEXT = same("plaintext-transport")
IMPLICIT = same("oauth-flow-deprecated", about="implicit")
PASSWORD = same("oauth-flow-deprecated", about="password")
BASIC = same("security-basic-auth", about="[Bb]asic")
NO_SUCCESS = same("success-response-missing")
BAD_URL = same("field-value", about="URL|url")

KICS: dict[str, Same | str] = {
    # validity
    "components_object_fixed_field_key_improperly_named": same("field-value", "field-unknown"),
    "unknown_prefix": same("media-type-unregistered"),
    "unknown_property": same("field-unknown"),
    "callback_object_incorrect_ref": WRONG_KIND,
    "example_json_reference_outside_components_examples": WRONG_KIND,
    "header_object_with_incorrect_ref": WRONG_KIND,
    "link_object_incorrect_ref": WRONG_KIND,
    "parameter_object_incorrect_ref": WRONG_KIND,
    "request_body_incorrect_ref": WRONG_KIND,
    "response_object_incorrect_ref": WRONG_KIND,
    "schema_object_incorrect_ref": WRONG_KIND,
    "json_reference_does_not_exists_callback": UNRESOLVED,
    "json_reference_does_not_exists_example": UNRESOLVED,
    "json_reference_does_not_exists_header": UNRESOLVED,
    "json_reference_does_not_exists_link": UNRESOLVED,
    "json_reference_does_not_exists_parameter": UNRESOLVED,
    "json_reference_does_not_exists_request_body": UNRESOLVED,
    "json_reference_does_not_exists_response": UNRESOLVED,
    "json_reference_does_not_exists_schema": UNRESOLVED,
    "json_ref_alongside_properties": same("reference-siblings-ignored"),
    "path_parameter_not_required": same(
        "path-parameter-optional", "field-missing", "field-value", about="required|optional"
    ),
    "path_parameter_with_no_corresponding_template_path": same("path-parameter-unused"),
    "path_template_empty": same("path-template-malformed"),
    "template_path_parameter_with_no_corresponding_path_parameter": same(
        "path-parameter-undeclared"
    ),
    "path_ambiguous": same("path-duplicate"),
    "path_without_operation": same("path-without-operation"),
    "paths_object_empty": "a description of components or webhooks only has no paths",
    "link_object_operation_id_does_not_target_an_operation_object": same("link-target-missing"),
    "link_object_with_both_operation_id_and_operation_ref": same(
        "field-value", about="`operation(Id|Ref)`"
    ),
    "operation_id_not_unique": same("operation-id-duplicate"),
    "body_parameter_with_wrong_property": same("field-unknown", "field-value"),
    "body_parameter_without_schema": same("field-missing", about="`schema`"),
    "file_parameter_with_wrong_consumes_property": same("form-not-consumed", about="takes a file"),
    "header_object_without_schema": same(
        "header-without-schema", "field-missing", about="`schema`"
    ),
    "multi_body_parameters_same_operation": same("body-described-twice", about="bodies"),
    "non_body_parameter_with_schema": same("field-unknown", about="`schema`"),
    "operation_object_parameters_with_body_and_formatdata": same(
        "body-described-twice", about="form"
    ),
    "parameter_file_type_not_in_formdata": same("field-value", "field-unknown", about="`type`"),
    "parameter_object_content_with_multiple_entries": same("field-value", about="one field"),
    "parameter_object_schema_content": same("field-value", about="`schema` and `content`"),
    "parameter_object_undefined_type": same(
        "field-missing", "schema-type-missing", about="Parameter Object lacks `schema`|no type"
    ),
    "parameter_object_without_schema": same("field-missing", about="`schema`"),
    "parameter_objects_headers_dup_name": same("parameter-duplicate"),
    "parameters_name_in_not_unique": same("parameter-duplicate"),
    "header_parameter_named_as_accept": same(
        "header-definition-ignored", about="(?i)parameter `accept`"
    ),
    "header_parameter_named_as_authorization": same(
        "header-definition-ignored", about="(?i)parameter `authorization`"
    ),
    "header_parameter_named_as_content_type": same(
        "header-definition-ignored", about="(?i)parameter `content-type`"
    ),
    "header_response_name_is_invalid": same("header-definition-ignored", about="response"),
    "encoding_header_content_type_improperly_defined": same(
        "encoding-ignored", about="(?i)headers/content-type"
    ),
    "encoding_map_key_mismatch_schema_defined_properties": same("encoding-of-no-property"),
    "multi_collectionformat_not_valid_in_parameter": same(
        "field-value", about="`collectionFormat`"
    ),
    "property_allow_empty_value_ignored": same(
        "parameter-keyword-ignored", about="`allowEmptyValue`.*`style"
    ),
    "property_allow_empty_value_improperly_defined": same(
        "parameter-keyword-ignored", about="`allowEmptyValue`.*`in:"
    ),
    "property_allow_reserved_encoding_object_ignored": same(
        "encoding-ignored", about="`allowReserved` of"
    ),
    "property_allow_reserved_improperly_defined": same(
        "parameter-keyword-ignored", about="`allowReserved`"
    ),
    "property_explode_encoding_object_ignored": same("encoding-ignored", about="`explode` of"),
    "property_type_encoding_object_ignored": same("encoding-ignored", about="`style` of"),
    "basepath_with_wrong_format": same("field-value", about="`basePath`"),
    "host_with_invalid_pattern": same("field-value", about="`host`"),
    "server_object_variable_not_used": same("server-variable-unused"),
    "server_url_not_absolute": "a relative server URL is valid and means the document's own host",
    "server_url_uses_undefined_variables": same("server-variable-undefined"),
    "servers_undefined": same("server-missing"),
    "invalid_contact_email": same("field-value", about="e-mail"),
    "invalid_contact_url": BAD_URL,
    "invalid_global_external_documentation_url": BAD_URL,
    "invalid_license_url": BAD_URL,
    "invalid_oauth2_token_url": AT_IN_FRAGMENT,
    "invalid_oauth_authorization_url": AT_IN_FRAGMENT,
    "invalid_operation_external_documentation_url": BAD_URL,
    "invalid_schema_external_documentation_url": BAD_URL,
    "invalid_tag_external_documentation_url": BAD_URL,
    "components_callback_definition_unused": UNUSED,
    "components_link_definition_unused": UNUSED,
    "components_example_definition_unused": UNUSED,
    "components_header_definition_unused": UNUSED,
    "components_parameter_definition_unused": UNUSED,
    "components_request_body_definition_unused": UNUSED,
    "components_response_definition_unused": UNUSED,
    "components_schema_definition_unused": UNUSED,
    "unused_parameter_definition": UNUSED,
    "unused_response_definition": UNUSED,
    "unused_schema_definition": UNUSED,
    "schema_discriminator_mismatch_defined_properties": same("discriminator-property-undeclared"),
    "schema_discriminator_not_required": same("discriminator-property-optional"),
    "schema_discriminator_property_not_string": same("discriminator-value-refused"),
    # schema
    "array_items_has_no_type": same("schema-type-missing", about="`items`"),
    "empty_array": same("schema-list-empty", "field-value", about="empty"),
    "invalid_format": same("format-type-mismatch", "format-misspelt", "format-unregistered"),
    "items_undefined": same("array-items-missing"),
    "json_object_schema_without_type": same("schema-type-missing"),
    "non_array_schema_with_items": same("schema-keyword-without-effect", about="`items`"),
    "schema_object_empty": same("schema-empty"),
    "schema_with_both_read_only_and_write_only": same("read-only-and-write-only"),
    "type_has_invalid_keyword": same("schema-keyword-without-effect", "field-type"),
    "constraining_enum_property": same("enum-with-limits"),
    "property_defining_maximum_not_greater_than_minimum": same("schema-bounds-contradictory"),
    "required_property_default_value": same("required-with-default"),
    "object_using_enum_with_keyword": same("enum-with-limits"),
    "schema_enum_invalid": same("enum-type-mismatch"),
    "object_without_required_property": "an object of which no property is required is usual",
    "properties_missing_required_property": same("required-property-undeclared"),
    "schema_required_property_undefined": same("required-property-undeclared"),
    "schema_object_with_circular_ref": same("reference-circular"),
    "property_not_unique": same("duplicate-key"),
    "schema_object_properties_with_duplicated_keys": same("duplicate-key"),
    "default_invalid": same("default-invalid"),
    "example_not_compliant_with_schema_type": "`example-invalid` names the value that fails, which"
    " stands lines below the example that the query names",
    "operation_example_mismatch_produces_mediatype": "such an example is never shown",
    # design and errors
    "operation_without_successful_http_status_code": NO_SUCCESS,
    "responses_wrong_http_status_code": same("field-unknown", about="status code"),
    "success_response_code_undefined_delete_operation": no_success("DELETE"),
    "success_response_code_undefined_get_operation": no_success("GET"),
    "success_response_code_undefined_head_operation": no_success("HEAD"),
    "success_response_code_undefined_patch_operation": no_success("PATCH"),
    "success_response_code_undefined_post_operation": no_success("POST"),
    "success_response_code_undefined_put_operation": no_success("PUT"),
    "success_response_code_undefined_trace_operation": no_success("TRACE"),
    "invalid_media_type_value": same("media-type-invalid"),
    "invalid_content_type_for_multiple_files_upload": UNTRIED,
    "json_object_schema_without_properties": "an object of free keys may be what is meant",
    "media_type_object_without_schema": same("body-without-schema"),
    "operation_object_without_consumes": same("media-types-undeclared", about="`consumes`"),
    "operation_object_without_produces": same("media-types-undeclared", about="`produces`"),
    "request_body_object_with_incorrect_media_type": same(
        "encoding-ignored", about="`encoding`.* of a request"
    ),
    "response_operations_body_schema_incorrect_defined": same(
        "response-body-forbidden", "head-response-body"
    ),
    "response_operations_body_schema_undefined": same("body-without-schema"),
    "default_response_undefined_operations": same("unexpected-error-undocumented"),
    "response_code_missing": UNTRIED,
    "responses_object_is_empty": same("field-missing", about="Responses Object"),
    # validation
    "maximum_length_undefined": same("request-string-unbounded", received=True),
    "pattern_undefined": "free text has no pattern; its length is what bounds it",
    "string_schema_with_broad_pattern": same("pattern-unanchored", received=True),
    "array_without_maximum_number_items": same("request-array-unbounded", received=True),
    "numeric_schema_without_format": "`minimum` and `maximum` say more than the format of a number",
    "numeric_schema_without_maximum": same(
        "request-number-unbounded", about="`maximum`", received=True
    ),
    "numeric_schema_without_minimum": same(
        "request-number-unbounded", about="`minimum`", received=True
    ),
    "additional_properties_too_permissive": same("request-object-open", received=True),
    "additional_properties_too_restrective": PENDING,
    "schema_with_additional_properties_set_as_boolean": PENDING,
    # security
    "global_schemes_uses_http": PLAINTEXT,
    "global_server_uses_http": PLAINTEXT,
    "path_scheme_accepts_http": PLAINTEXT,
    "path_server_uses_http": PLAINTEXT,
    "schemes_uses_http copy": PLAINTEXT,
    "security_empty_array": PUBLIC,
    "security_operations_empty_array": PUBLIC,
    "global_security_field_undefined": PUBLIC,
    "no_global_and_operation_security_defined": same(
        "security-undeclared", "operation-unprotected"
    ),
    "non_oauth2_security_requirement_defining_oauth2_scopes": same(
        "security-scope-undefined", about="takes no scopes"
    ),
    "security_definitions_undefined_or_empty": PUBLIC,
    "security_empty_object_definition": PUBLIC,
    "security_field_undefined": same("security-scheme-undefined"),
    "security_operation_field_undefined": PUBLIC,
    "security_operations_empty_object_definition": PUBLIC,
    "security_requirement_not_defined_in_security_definition": same("security-scheme-undefined"),
    "security_requirement_object_with_wrong_scopes": same("security-scope-undefined"),
    "security_scheme_undefined": PUBLIC,
    "undefined_security_scope_global_security": same("security-scope-undefined"),
    "undefined_security_scope_security_operations": same("security-scope-undefined"),
    "api_key_exposed_in_global_security": HEADER_KEY,
    "api_key_exposed_in_global_security_scheme": HEADER_KEY,
    "api_key_exposed_in_operation_security": HEADER_KEY,
    "cleartext_credentials_with_basic_auth_for_operation": BASIC,
    "global_security_scheme_using_basic_authentication": BASIC,
    "global_security_using_password_flow": PASSWORD,
    "implicit_flow_oauth2": IMPLICIT,
    "oauth2_with_implicit_flow": IMPLICIT,
    "oauth2_with_password_flow": PASSWORD,
    "operation_using_basic_auth": BASIC,
    "operation_using_implicit_flow": IMPLICIT,
    "operation_using_password_flow": PASSWORD,
    "security_definitions_allows_password_flow": PASSWORD,
    "security_definitions_using_basic_auth": BASIC,
    "security_scheme_using_http_basic": BASIC,
    "security_scheme_using_http_digest": same("security-basic-auth", about="digest"),
    "security_scheme_using_http_negotiate": "a ticket is short-lived, and no password travels",
    "security_schemes_using_oauth": "OAuth 2.0 is what RFC 9700 asks for, with the right flow",
    "security_schemes_http_unknown_scheme": same("security-scheme-unregistered"),
    # style
    "operation_summary_too_long": same("operation-summary-style", about="characters"),
}


@dataclass
class Score:
    """What became of the expected lines of one query, and of its documents without the fault.

    `aside`: expected lines that are not judged, as they are in responses.
    """

    expected: int = 0
    found: int = 0
    aside: int = 0
    negatives: int = 0
    extra: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / self.expected if self.expected else 1

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.extra) if self.extra else 1

    def __str__(self) -> str:
        return (
            f"{self.expected:8} {self.found:6} {self.aside:6} {self.negatives:10} {self.extra:6}"
            f" {self.precision:10.3f} {self.recall:7.3f}"
        )


HEAD = f"{'':66} expected  found  aside  negatives  extra  precision  recall"


@cache
def findings(path: Path) -> tuple[tuple[Finding, ...], str]:
    """What all our rules say of a document; why it was refused, if it was."""
    try:
        report = review(path.read_bytes(), path.name, not_read, Policy(profile="all"))
    except (SourceError, NotOpenApi) as refused:
        return (), f"refused: {refused}"
    return report.findings, " ".join(note for note in report.notes if "could not" in note)


def not_read(_: str, name: str) -> Source:
    raise Unreadable(f"{name} is not read")


# KICS


def kics(folder: Path) -> dict[str, Score]:
    """The score of each mapped query, by folder and name."""
    scores = {}
    for query in sorted(folder.glob("*/*/")):
        to = KICS.get(query.name)
        if isinstance(to, Same):
            scores[f"{query.parent.name}/{query.name}"] = scored(query / "test", to)
    return scores


def scored(tests: Path, to: Same) -> Score:
    """One query on all its documents."""
    score = Score()
    expected = json.loads((tests / "positive_expected_result.json").read_text("utf-8"))
    for path in documents(tests, "positive"):
        ours, note = findings(path)
        if note:
            score.notes.append(f"{path.name}: {note}")
        wanted = {each["line"] for each in expected if file_of(each) == path.name}
        judged = {line for line in wanted if not to.received or is_received(path, line)}
        said = [found for found in ours if to.says(found)]
        lines = [at.line for found in said for at in (found.location, *found.related)]
        missed = {n for n in judged if all(abs(n - line) > NEAR for line in lines)}
        missed = {n for n in missed if not is_repeated(path, n, said)}
        score.expected += len(judged)
        score.found += len(judged - missed)
        score.aside += len(wanted - judged)
        score.notes += [f"{path.name}: {shown(path, n)}, ours: {lines}" for n in sorted(missed)]
    for path in documents(tests, "negative"):
        extra = [found for found in findings(path)[0] if to.says(found)]
        score.negatives += 1
        score.extra += len(extra)
        score.notes += [f"{path.name}: extra: {f.location.line} {f.message}" for f in extra]
    return score


def documents(tests: Path, kind: str) -> Iterator[Path]:
    """The documents of a kind: `positive3.json`."""
    pattern = re.compile(rf"{kind}\d*\.(json|ya?ml)")
    return (path for path in sorted(tests.iterdir()) if pattern.fullmatch(path.name))


def file_of(expected: Mapping[str, str]) -> str:
    return expected.get("filename") or expected.get("fileName") or ""


def shown(path: Path, line: int) -> str:
    lines = path.read_text("utf-8").splitlines()
    return f"missed {line} `{lines[line - 1].strip()}`" if line <= len(lines) else f"missed {line}"


def is_received(path: Path, line: int) -> bool:
    """Whether clients send what stands at this line, or last before it."""
    api = Api(describe(path.read_bytes(), path.name, not_read))
    nodes = {node.path: node for nodes in api.description.nodes.values() for node in nodes}
    lines = {steps: at.line for steps, at in api.description.root.locate(nodes).items()}
    last = max((steps for steps in nodes if lines[steps] <= line), key=lambda s: (lines[s], len(s)))
    return api.received(nodes[last])


def is_repeated(path: Path, line: int, said: Iterable[Finding]) -> bool:
    """Whether this line is a `$ref`, and a finding lies where it leads, by any references."""
    description = describe(path.read_bytes(), path.name, not_read)
    places = {reference.node.place("$ref").path: reference for reference in description.references}
    at = description.root.locate(places)
    found: set[str] = set()
    onward = [places[steps].node for steps, position in at.items() if position.line == line]
    while onward:
        target = description.target(onward.pop())
        if target is None or pointer(target.path) in found:
            continue
        found.add(pointer(target.path))
        onward += [
            n for n, _, _ in description.references if n.path[: len(target.path)] == target.path
        ]
    pointers = [finding.location.pointer for finding in said]
    return any(f"{each}/".startswith(f"{start}/") for each in pointers for start in found)


# OpenAPI's own documents


def oai(folder: Path, verbose: bool) -> tuple[int, int]:
    """How many of the documents that the gate should accept or refuse it judges right, of all."""
    right = total = 0
    for path in sorted(folder.glob("*/tests/schema/*/*.yaml")):
        ours, note = findings(path)
        refused = bool(note) or any(found.rule in GATE for found in ours)
        total += 1
        if refused == (path.parent.name == "fail"):
            right += 1
        elif verbose:
            said = [found.message for found in ours if found.rule in GATE]
            print(f"    {path.relative_to(folder)}: {note} {said}")
    return right, total


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suites", type=Path)
    parser.add_argument("--verbose", action="store_true", help="print every case that differs")
    options = parser.parse_args()
    scores = kics(options.suites / "kics")
    print(HEAD)
    for name, score in scores.items():
        print(f"{name:66} {score}")
        for note in score.notes if options.verbose else ():
            print(f"    {note}")
    total = Score(*(sum(getattr(s, n) for s in scores.values()) for n in COUNTS))
    print(f"{'KICS':66} {total}\n")
    seen = {query.name for query in (options.suites / "kics").glob("*/*/")}
    good = print_mapping(seen)
    right, documents = oai(options.suites / "oai", options.verbose)
    print(f"OAI: the verdict of the specification's schema is right on {right} of {documents}")
    good = good and right == documents
    return 0 if good and total.recall >= WANTED_RECALL and not total.extra else 1


COUNTS = ("expected", "found", "aside", "negatives", "extra")


def print_mapping(seen: set[str]) -> bool:
    """How many queries are mapped, of all and of those with cases here, and why not more."""
    mapped = {query for query, to in KICS.items() if isinstance(to, Same)}
    for title, queries in (("queries", set(KICS)), ("queries with cases here", seen)):
        share = len(mapped & queries) / len(queries)
        print(f"mapped {len(mapped & queries)} of {len(queries)} ({share:.0%}) {title}")
    for query in sorted(seen - KICS.keys()):
        print(f"    {query}: not in the table")
    for query, reason in KICS.items():
        if isinstance(reason, str):
            print(f"    {query}: {reason}")
    print()
    return len(mapped) >= WANTED_MAPPED * len(KICS)


if __name__ == "__main__":
    sys.exit(main())
