"""Authorities that rules of several themes cite: identifiers and where to read them."""

NAMES = "https://google.aip.dev/140"
SCHEMA = "https://spec.openapis.org/oas/v3.1.1#schema-object"
SECURITY_REQUIREMENT = "https://spec.openapis.org/oas/v3.1.1#security-requirement-object"
SECURITY_SCHEME = "https://spec.openapis.org/oas/v3.1.1#security-scheme-object"
VALIDATION = "https://json-schema.org/draft/2020-12/json-schema-validation"

_OWASP = "https://owasp.org/API-Security/editions/2023/en/"
API2 = ("OWASP API2:2023", f"{_OWASP}0xa2-broken-authentication/")
API4 = ("OWASP API4:2023", f"{_OWASP}0xa4-unrestricted-resource-consumption/")
API5 = ("OWASP API5:2023", f"{_OWASP}0xa5-broken-function-level-authorization/")
API8 = ("OWASP API8:2023", f"{_OWASP}0xa8-security-misconfiguration/")
