"""Authorities that rules of several themes cite: identifiers and where to read them."""

NAMES = "https://google.aip.dev/140"
RFC9110 = "https://www.rfc-editor.org/rfc/rfc9110"
SCHEMA = "https://spec.openapis.org/oas/v3.1.1#schema-object"
SECURITY_REQUIREMENT = "https://spec.openapis.org/oas/v3.1.1#security-requirement-object"
SECURITY_SCHEME = "https://spec.openapis.org/oas/v3.1.1#security-scheme-object"
VALIDATION = "https://json-schema.org/draft/2020-12/json-schema-validation"

_OWASP = "https://owasp.org/API-Security/editions/2023/en/"
API1 = ("OWASP API1:2023", f"{_OWASP}0xa1-broken-object-level-authorization/")
API2 = ("OWASP API2:2023", f"{_OWASP}0xa2-broken-authentication/")
API3 = ("OWASP API3:2023", f"{_OWASP}0xa3-broken-object-property-level-authorization/")
API4 = ("OWASP API4:2023", f"{_OWASP}0xa4-unrestricted-resource-consumption/")
API5 = ("OWASP API5:2023", f"{_OWASP}0xa5-broken-function-level-authorization/")
API6 = ("OWASP API6:2023", f"{_OWASP}0xa6-unrestricted-access-to-sensitive-business-flows/")
API7 = ("OWASP API7:2023", f"{_OWASP}0xa7-server-side-request-forgery/")
API8 = ("OWASP API8:2023", f"{_OWASP}0xa8-security-misconfiguration/")
API9 = ("OWASP API9:2023", f"{_OWASP}0xa9-improper-inventory-management/")
API10 = ("OWASP API10:2023", f"{_OWASP}0xaa-unsafe-consumption-of-apis/")

_ASVS = "https://github.com/OWASP/ASVS/blob/master/5.0/en/"
ASVS_AUTHENTICATION = f"{_ASVS}0x15-V6-Authentication.md"
ASVS_AUTHORIZATION = f"{_ASVS}0x17-V8-Authorization.md"
