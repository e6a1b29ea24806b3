"""Configuration and inventory: versions, technical pages, errors, what is shown of the inside."""

from __future__ import annotations

from collections.abc import Iterator

from ..control import Verdict, attested, broken, control, doubtful
from ..facts import Facts, Kind


@control(
    "technical-operations",
    asvs=("13.4.2", "13.4.5", "15.2.3"),
    api_top10=("API8", "API9", "API5"),
    cwe=(489, 215, 497, 1188),
    pci=("6.5.6",),
    impact=3,
    blast=3,
    question="Is this gone in production, or behind the operators' network?",
    verify="Send `{request}` to production without a token: expect 404, or 401/403.",
    implement="Leave it out of production builds, or serve it on a port of its own that only"
    " operators reach",
    said="configuration.debug_off",
)
def technical_operations(facts: Facts) -> Iterator[Verdict]:
    """Debugging, set-up and documentation are not for everybody."""
    for fact in facts.of(Kind.TECHNICAL):
        call = facts.call(fact.subject)
        debugging = "debug or set up" in facts.purposes(fact.subject)
        if call is not None and call.anonymous and debugging:
            yield broken(fact, f"{fact.note}; {call.anonymous}", "debugging for anyone")
        else:
            yield doubtful(fact, cause="operations for operators", signal=1)


@control(
    "state-changing-get",
    asvs=("3.5.3",),
    api_top10=("API8",),
    cwe=(650, 352, 749),
    impact=2,
    question="Does this call change anything?",
    verify="Send `{request}` twice and compare the state: expect no change; and 405 once it is a"
    " POST.",
    implement="Make it POST, PUT, PATCH or DELETE, with the checks of these",
)
def state_changing_get(facts: Facts) -> Iterator[Verdict]:
    """GET changes nothing."""
    for fact in facts.of(Kind.CHANGES_BY_GET):
        call = facts.call(fact.subject)
        if call is not None and call.anonymous:
            yield broken(fact, f"{fact.note}; {call.anonymous}", "a GET changes data")
        else:
            yield doubtful(fact, cause="a GET seems to change data")


@control(
    "trace-method",
    asvs=("13.4.4", "4.1.4"),
    api_top10=("API8",),
    cwe=(749,),
    question="Is TRACE off?",
    verify="Send TRACE: expect 405.",
    implement="Turn TRACE off in the server and the proxy",
)
def trace(facts: Facts) -> Iterator[Verdict]:
    """TRACE is off."""
    for fact, call in facts.calls():
        if call.method in ("trace", "track"):
            yield broken(fact, "TRACE is declared", "TRACE is declared")


@control(
    "error-details",
    asvs=("16.5.1",),
    api_top10=("API8",),
    cwe=(209, 210, 497),
    pci=("6.2.4",),
    impact=1,
    question="Are details of the inside left out of errors in production?",
    verify="Make `{operation}` fail (wrong type, huge value): expect a plain message and an id, no"
    " stack, query or path.",
    implement="errors",
    said="errors.generic_answers",
)
def error_details(facts: Facts) -> Iterator[Verdict]:
    """Errors tell nothing of the inside."""
    for fact in facts.of(Kind.ERROR_FIELD):
        yield broken(fact, cause="errors hold details of the inside", signal=2)


@control(
    "cross-origin",
    asvs=("3.4.2", "3.5.2"),
    api_top10=("API8",),
    cwe=(942, 183),
    question="Are the origins that may read answers listed?",
    verify="Send `Origin: https://example.org` with `{request}`: expect no"
    " `Access-Control-Allow-Origin` with it.",
    implement="cors",
    said="transport.cors",
    good=lambda value: value in ("none", "allow_list"),
    wants="none, or allow_list",
)
def cross_origin(facts: Facts) -> Iterator[Verdict]:
    """Other origins read nothing that needs a credential."""
    for fact in facts.of(Kind.CORS):
        call = facts.call(fact.subject)
        if call is not None and call.protected:
            yield broken(fact, cause="every origin may read protected answers")


@control(
    "versions-inventory",
    asvs=("13.1.1",),
    api_top10=("API9",),
    cwe=(1059,),
    impact=1,
    question="Is there an inventory of hosts and versions, with the end of each?",
    verify="Compare the inventory with DNS, gateway routes and the logs of a week.",
    implement="A list per host and version: owner, data, exposure, end of life; retire what is old",
    said="configuration.inventory",
)
def versions_inventory(facts: Facts) -> Iterator[Verdict]:
    """Hosts and versions are known."""
    for fact in facts.of(Kind.VERSIONS):
        if fact.value[0] == "ordinary":
            yield doubtful(fact, cause="several live versions", signal=1)


debug = attested(
    "debug-off",
    "Debug modes are off in production",
    "configuration.debug_off",
    why="A debugger in a page is a shell for anyone.",
    question="Are debug modes, consoles and verbose errors off in production?",
    verify="Ask for a page that fails: expect a plain error.",
    implement="errors",
    asvs=("13.4.2",),
    api_top10=("API8",),
    cwe=(489, 215),
)
hardened = attested(
    "hardened",
    "Nothing is shipped that is not needed",
    "configuration.hardened",
    why="Samples, listings and version headers help attackers only.",
    question="Are sample code, directory listings, version headers and unused features gone?",
    verify="Ask for `/`, an unknown path and `/icons/`: expect no listing, no `Server` version.",
    implement="Minimal images; turn off listings, version headers, unused modules",
    asvs=("13.4.3", "13.4.6", "13.4.7", "15.2.3"),
    api_top10=("API8",),
    cwe=(548, 497),
    pci=("2.2.4",),
    impact=1,
)
source_control = attested(
    "source-control-hidden",
    "Source control cannot be fetched",
    "configuration.source_control_exposed",
    why="`.git` holds the code and every secret it ever had.",
    question="Is it certain that .git and the like are not served?",
    verify="Ask for `/.git/HEAD` and `/.svn/entries`: expect 404.",
    implement="Deploy artefacts, not checkouts; deny dot files in the proxy",
    good=lambda value: value is False,
    wants="no",
    asvs=("13.4.1",),
    api_top10=("API8",),
    cwe=(527,),
)
environments = attested(
    "environments-separate",
    "Environments are separate",
    "configuration.separate_environments",
    why="Test systems have real data and no guards.",
    question="Are test and production separate in accounts, secrets and data?",
    verify="Use a secret of the test system in production: expect 401.",
    implement="Separate accounts and keys; made-up data in tests",
    asvs=("13.1.4",),
    api_top10=("API9",),
    cwe=(1188,),
    pci=("6.5.3", "6.5.5"),
    impact=2,
)
retired = attested(
    "old-versions-retired",
    "Old versions are taken down",
    "configuration.old_versions_retired",
    why="The version without the fix is the one that is attacked.",
    question="Are old versions and hosts taken down at a known date?",
    verify="Call the last version before the current: expect 410, or its written end.",
    implement="`Deprecation` and `Sunset` headers, a date, then 410",
    asvs=("13.1.1",),
    api_top10=("API9",),
    cwe=(1059,),
    impact=1,
)
