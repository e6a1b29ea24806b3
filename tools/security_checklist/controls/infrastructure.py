"""Transport, services, cryptography, secrets, dependencies."""

from __future__ import annotations

from collections.abc import Iterator

from ..control import Status, Verdict, attested, broken, control, doubtful, kept
from ..facts import Facts, Kind
from ..gates import BROWSERS, SERVICES, WEBHOOKS

_LOCAL = ("localhost", "127.0.0.1", "[::1]", "0.0.0.0", ".local", ".test", ".internal", "{")


@control(
    "tls-outside",
    asvs=("12.2.1", "4.1.2", "4.4.1"),
    api_top10=("API8",),
    cwe=(319,),
    pci=("4.2.1",),
    gdpr=("Article 32(1)",),
    hipaa=("164.312(e)(1)",),
    impact=4,
    blast=3,
    question="Is the system reached over TLS only?",
    verify="Ask over http: expect no answer, or (for pages) a redirect; never data.",
    implement="https only; HTTP listeners refuse API calls; HSTS",
    said="transport.http_redirected",
    good=lambda value: value in ("refused", "redirected"),
    wants="refused, or redirected",
)
def tls_outside(facts: Facts) -> Iterator[Verdict]:
    """Connections from outside use TLS."""
    for fact in facts.of(Kind.SERVER):
        url = fact.value.lower()
        host = url.partition("://")[2].partition("/")[0]
        if url.startswith(("https://", "wss://")):
            yield Verdict(fact.value, Status.MET, fact.note, (fact,), signal=1)
        elif url.startswith(("http://", "ws://")) and host and not any(s in host for s in _LOCAL):
            yield Verdict(fact.value, Status.NOT_MET, fact.note, (fact,), "plain http", signal=3)


@control(
    "tls-inside",
    asvs=("12.3.1", "12.3.3"),
    api_top10=("API8",),
    cwe=(319,),
    pci=("4.2.1",),
    hipaa=("164.312(e)(1)",),
    impact=3,
    when=SERVICES,
    question="Is this connection encrypted?",
    verify="Record traffic of `{operation}`: expect nothing readable.",
    implement="TLS on every connection; sslmode=verify-full, a service mesh",
    said="transport.internal_tls",
)
def tls_inside(facts: Facts) -> Iterator[Verdict]:
    """Connections between services use TLS."""
    for fact in facts.of(Kind.FLOW):
        flow = fact.value
        protocol = flow.protocol.lower()
        if flow.tls is False or protocol in ("http", "ws", "ftp", "telnet", "amqp"):
            yield broken(
                fact, f"`{fact.subject}` is {protocol or 'without TLS'}", "plain connections"
            )
        elif flow.tls or protocol in ("https", "wss", "amqps", "grpcs", "tls", "mtls"):
            yield kept(fact)
        else:
            yield doubtful(fact, f"`{fact.subject}` does not say", "connections that do not say")


@control(
    "certificates-checked",
    asvs=("12.3.2", "12.3.4"),
    api_top10=("API8",),
    cwe=(295,),
    impact=3,
    when=SERVICES,
    question="Is the certificate of the other side verified (name and issuer)?",
    verify="Put a self-signed certificate in front of the target of `{operation}`: expect an"
    " error.",
    implement="Verification on, with the internal CA; never `insecure`, `sslmode=require`"
    " becomes `verify-full`",
)
def certificates(facts: Facts) -> Iterator[Verdict]:
    """Certificates are verified."""
    for fact in facts.of(Kind.FLOW):
        if fact.value.certificate_checked is False:
            yield broken(fact, f"`{fact.subject}` does not check", "certificates are not checked")
        elif fact.value.certificate_checked:
            yield kept(fact)


@control(
    "service-identity",
    asvs=("13.2.1", "12.3.5", "13.2.2"),
    api_top10=("API2",),
    cwe=(287, 306, 798),
    impact=3,
    when=SERVICES,
    question="How does the caller of this connection show who it is?",
    verify="Call the target of `{operation}` from another container without the identity: expect"
    " 401, or no connection.",
    implement="Workload identity or mTLS, short-lived tokens; one identity for each service",
)
def service_identity(facts: Facts) -> Iterator[Verdict]:
    """Services show who they are to each other."""
    for fact in facts.of(Kind.FLOW):
        shown = fact.value.authentication
        if shown == "none":
            yield broken(fact, f"`{fact.subject}` asks for none", "services that ask nobody")
        elif shown in ("password", "static_key"):
            why = f"`{fact.subject}` uses a {shown.replace('_', ' ')}"
            yield Verdict(
                fact.subject, Status.PARTIAL, why, (fact,), "static secrets between services"
            )
        elif shown:
            yield kept(fact)
        else:
            yield doubtful(fact, f"`{fact.subject}` does not say", "connections that do not say")


@control(
    "flows-documented",
    asvs=("13.1.1", "13.2.4"),
    api_top10=("API9",),
    cwe=(1059,),
    impact=1,
    question="Do all calls to the outside appear as flows?",
    verify="Compare the flows with a day of outbound connections.",
    implement="Write each: target, protocol, authentication, data, what happens when it fails",
    said="configuration.inventory",
)
def flows_documented(facts: Facts) -> Iterator[Verdict]:
    """Connections are written, and their ends are known components."""
    names = {fact.subject for fact in facts.of(Kind.COMPONENT)}
    for fact in facts.of(Kind.FLOW):
        flow = fact.value
        unknown = [end for end in (flow.source, flow.target) if names and end not in names]
        if unknown:
            why = f"`{unknown[0]}` of `{fact.subject}` is no component"
            yield broken(fact, why, "flows to unknown components", signal=1)
        else:
            yield kept(fact)


@control(
    "secrets-in-documents",
    asvs=("13.3.1",),
    api_top10=("API8",),
    cwe=(798, 540),
    pci=("8.6.2",),
    impact=4,
    blast=3,
    question="Was the secret real, and is it revoked?",
    verify="Call with the secret of the example: expect 401.",
    implement="Revoke it; put made-up values into examples; scan the repository and its history",
)
def secrets_in_documents(facts: Facts) -> Iterator[Verdict]:
    """Documents hold no real secrets."""
    for fact in facts.of(Kind.EXAMPLE_SECRET):
        yield Verdict(
            fact.subject, Status.PARTIAL, fact.note, (fact,), "examples that look like secrets",
            signal=3,
        )  # fmt: skip


tls_version = attested(
    "tls-version",
    "TLS is 1.2 or 1.3",
    "transport.tls_minimum",
    why="Older versions are broken.",
    question="Is TLS 1.2 the least, and 1.3 preferred?",
    verify="`openssl s_client -tls1_1`: expect a failure.",
    implement="ssl_protocols TLSv1.2 TLSv1.3",
    good=lambda value: value in ("1.2", "1.3"),
    wants="1.2, or 1.3",
    asvs=("12.1.1", "12.1.2"),
    api_top10=("API8",),
    cwe=(326, 327),
    pci=("4.2.1",),
    impact=3,
    blast=3,
)
certificates_public = attested(
    "public-certificates",
    "Certificates are trusted by everybody",
    "transport.public_certificates",
    why="Who clicks warnings away once does so for the attacker's.",
    question="Are certificates for outside issued by a public CA, and renewed by a job?",
    verify="Connect with a plain client: expect no warning; look at the end date.",
    implement="ACME; an alert two weeks before the end",
    asvs=("12.2.2",),
    cwe=(295,),
)
hsts = attested(
    "hsts",
    "Browsers never try plain http",
    "transport.hsts",
    why="The first request decides.",
    question="Is Strict-Transport-Security sent, for a year and all subdomains?",
    verify="Read the header of an answer: expect max-age=31536000.",
    implement="`Strict-Transport-Security: max-age=31536000; includeSubDomains`",
    when=BROWSERS,
    asvs=("3.4.1",),
    api_top10=("API8",),
    cwe=(523, 319),
)
webhook_secret = attested(
    "webhook-receivers-protected",
    "Webhooks that are received are verified",
    "inputs.webhook_signatures",
    why="Anyone can post to an address.",
    question="Is the signature and time of webhooks checked before anything happens?",
    verify="Post a copy with one byte changed, and one a day old: expect 401.",
    implement="HMAC over time and raw body, constant-time comparison, five minutes of tolerance",
    when=WEBHOOKS,
    asvs=("4.1.5",),
    api_top10=("API10",),
    cwe=(345, 294),
)
store = attested(
    "secrets-store",
    "Secrets are in a vault",
    "secrets.store",
    why="What is in code is in every clone, image and backup.",
    question="Are secrets kept in a vault or the cloud's manager, none in code, images or"
    " manifests?",
    verify="Search the repository and its history, images and manifests with a scanner: expect"
    " none.",
    implement="secrets",
    good=lambda value: value in ("vault", "cloud"),
    wants="vault, or cloud",
    asvs=("13.3.1", "13.3.3"),
    api_top10=("API8",),
    cwe=(798, 522),
    pci=("8.6.2",),
    impact=4,
    blast=3,
)
secrets_access = attested(
    "secrets-least-access",
    "Each service reads its own secrets only",
    "secrets.least_access",
    why="One service broken should not be all.",
    question="May each service read its own secrets only?",
    verify="With the identity of one service, read another's secret: expect a refusal.",
    implement="A policy for each service; no shared role",
    asvs=("13.3.2",),
    cwe=(272,),
    impact=3,
    blast=3,
)
secrets_rotated = attested(
    "secrets-rotated",
    "Secrets are changed",
    "secrets.rotation_days",
    why="A leak that nobody saw ends with the rotation.",
    question="Are secrets rotated on a schedule, and at once after a leak?",
    verify="Read the age of each: expect none above the period.",
    implement="A job; two valid at a time",
    good=lambda value: 0 < value <= 365,
    wants="1 to 365",
    asvs=("13.3.4", "11.1.1"),
    cwe=(324,),
    pci=("8.6.3",),
)
scanned = attested(
    "secrets-scanned",
    "Repositories are searched for secrets",
    "secrets.scanned",
    why="Everybody commits one once.",
    question="Does a scanner look at every commit?",
    verify="Push a fake key: expect a refusal.",
    implement="gitleaks or the host's push protection",
    asvs=("13.3.1",),
    cwe=(540,),
)
default_secrets = attested(
    "default-secrets",
    "No default credential works",
    "secrets.default_credentials",
    why="Defaults are in the manual.",
    question="Is it certain that no default key, password or token works anywhere?",
    verify="Try the defaults of each product: expect a refusal.",
    implement="Fail the start when a default is configured",
    good=lambda value: value is False,
    wants="no",
    asvs=("13.2.3", "6.3.2"),
    api_top10=("API8",),
    cwe=(1392,),
    pci=("2.2.2",),
    impact=4,
    blast=3,
)
inventory = attested(
    "cryptography-inventory",
    "Keys and algorithms are written",
    "cryptography.inventory",
    why="What nobody listed, nobody replaces.",
    question="Is there a list of keys, algorithms, owners and ends, with a plan to replace them?",
    verify="Compare the list with the configuration.",
    implement="A table: key, use, algorithm, where, owner, rotation, successor",
    asvs=("11.1.1", "11.1.2"),
    cwe=(320,),
    pci=("12.3.3",),
    impact=1,
)
modes = attested(
    "cryptography-modes",
    "Encryption is authenticated",
    "cryptography.modes",
    why="What can be changed unseen can be read in the end.",
    question="Are only authenticated modes used (AES-GCM, ChaCha20-Poly1305), never ECB?",
    verify="Change a byte of a ciphertext: expect an error, no plaintext.",
    implement="column-encryption",
    good=lambda value: all(
        any(mark in each.lower() for mark in ("gcm", "ccm", "poly1305", "siv", "ocb"))
        for each in value
    ),
    wants="gcm, ccm, siv or poly1305",
    asvs=("11.3.1", "11.3.2", "11.3.3"),
    cwe=(327, 353),
    impact=3,
)
at_rest = attested(
    "encrypted-at-rest",
    "Stores are encrypted",
    "cryptography.at_rest",
    why="Disks are thrown away.",
    question="Are disks, buckets and queues encrypted?",
    verify="Read the setting of each store.",
    implement="The provider's encryption with own keys; columns for what is most sensitive",
    good=lambda value: value != "none",
    wants="disk, column or application",
    asvs=("14.2.4", "11.3.2"),
    cwe=(311,),
    pci=("3.5.1",),
    gdpr=("Article 32(1)",),
    hipaa=("164.312(a)(2)(iv)",),
    impact=3,
)
sbom = attested(
    "dependencies-listed",
    "What is built in is listed",
    "dependencies.sbom",
    why="When the next library falls, the question is where it is.",
    question="Is there a list (SBOM) of all components with versions, for every release?",
    verify="Find a library by name within a minute.",
    implement="CycloneDX or SPDX from the build",
    asvs=("15.1.2",),
    cwe=(1104,),
    pci=("6.3.2",),
    impact=1,
)
updates = attested(
    "dependencies-updated",
    "Known faults are mended in time",
    "dependencies.update_days",
    why="The exploit is days behind the notice.",
    question="Are critical faults of dependencies mended within the written time (30 days at"
    " most)?",
    verify="Run a scanner on the release: expect nothing older than the time.",
    implement="A bot for updates; a scanner in CI",
    good=lambda value: 0 < value <= 30,
    wants="1 to 30",
    asvs=("15.1.1", "15.2.1"),
    api_top10=("API8",),
    cwe=(1104, 1395),
    pci=("6.3.3",),
    impact=3,
    blast=3,
)
locked = attested(
    "dependencies-locked",
    "Builds take what was reviewed",
    "dependencies.locked",
    why="A version range takes tomorrow's takeover.",
    question="Are dependencies pinned by version and hash?",
    verify="Build twice, a week apart: expect the same.",
    implement="Lock files with hashes; `npm ci`, `pip --require-hashes`",
    asvs=("15.2.4",),
    cwe=(494, 829),
)
sources = attested(
    "dependencies-trusted",
    "Packages come from known places",
    "dependencies.trusted_sources",
    why="A public package with an internal name is installed first.",
    question="Are packages taken from the expected registry only, internal names reserved?",
    verify="Publish nothing; look at the resolver's configuration.",
    implement="One proxy registry; scopes reserved",
    asvs=("15.2.4",),
    cwe=(427, 829),
)
scanner = attested(
    "dependencies-scanned",
    "Dependencies are scanned",
    "dependencies.scanned",
    why="Nobody reads all advisories.",
    question="Does a scanner compare dependencies with advisories, daily?",
    verify="Add a version with a known fault in a branch: expect CI to fail.",
    implement="osv-scanner, Dependabot or the like",
    asvs=("15.2.1",),
    cwe=(1395,),
    pci=("6.3.1",),
)
