"""Databases: rights, row security, owners, routines, what scripts plant, backup."""

from __future__ import annotations

from collections.abc import Iterator

from ..control import Verdict, attested, broken, control, doubtful, kept
from ..facts import Facts, Kind
from ..gates import DATABASES


@control(
    "rows-have-owners",
    asvs=("8.2.2",),
    api_top10=("API1",),
    cwe=(639, 566),
    impact=2,
    question="Whose are the rows of this table (a person's, a tenant's, everybody's), and where is"
    " that checked?",
    verify="For `{operation}`, read a row of user A as user B by every operation that returns it:"
    " expect 404.",
    implement="row-security",
)
def rows_have_owners(facts: Facts) -> Iterator[Verdict]:
    """Tables with data about people lead to their owner.

    Where neither foreign keys nor an authorisation model show whose a row is, no query can check
    it.
    """
    for fact in facts.of(Kind.OWNER):
        about = facts.about(fact.subject, Kind.TRAIT)
        if not any(trait.value == "about people" for trait in about):
            continue
        if fact.value:
            yield kept(fact, proven=False)
        else:
            yield doubtful(fact, cause="no path to an owner")


@control(
    "row-security",
    asvs=("8.2.2", "8.4.1"),
    api_top10=("API1",),
    cwe=(284, 732, 863),
    impact=2,
    question="Does something below the application (policies, views, a schema for each tenant) keep"
    " rows apart?",
    verify="As the application's role, without its settings: `SELECT count(*) FROM {operation}`:"
    " expect 0.",
    implement="row-security",
    said="database.row_security",
)
def row_security(facts: Facts) -> Iterator[Verdict]:
    """Rows of people and tenants are kept apart by the database, too."""
    shared = any(fact.value for fact in facts.of(Kind.ROW_SECURITY))
    for fact in facts.of(Kind.ROW_SECURITY):
        traits = {trait.value for trait in facts.about(fact.subject, Kind.TRAIT)}
        tenant = facts.first(fact.subject, Kind.TENANT)
        if "open policy" in traits:
            trait = next(
                t for t in facts.about(fact.subject, Kind.TRAIT) if t.value == "open policy"
            )
            yield broken(trait, cause="policies that let everybody see all")
        elif fact.value:
            yield kept(fact, proven=True)
        elif shared and (tenant and tenant.value):
            yield broken(fact, cause="tables without row security beside tables with it", signal=2)
        elif "about people" in traits or (tenant and tenant.value):
            yield doubtful(fact, cause="tables without row security", signal=1)


@control(
    "rights-of-everybody",
    asvs=("13.2.2",),
    api_top10=("API8",),
    cwe=(732, 250),
    pci=("7.2.1", "7.2.2"),
    impact=3,
    blast=3,
    question="Is the right needed by everybody?",
    verify="As a new role without grants: `SELECT 1 FROM {operation}`: expect permission denied.",
    implement="Revoke it from PUBLIC; grant to the roles that need it, table by table",
)
def rights_of_everybody(facts: Facts) -> Iterator[Verdict]:
    """Nobody has rights by being somebody."""
    for fact in facts.of(Kind.GRANT):
        grant = fact.value
        if grant.kind != "table" or grant.grantee.lower() not in ("public", "anon"):
            continue
        secured = facts.first(fact.subject, Kind.ROW_SECURITY)
        if secured and secured.value:
            continue
        held = [f for f in facts.of(Kind.COLUMN) if f.subject.startswith(f"{fact.subject}.")]
        if grant.privilege in ("insert", "update", "delete", "truncate") or held:
            yield broken(fact, cause=f"rights of {grant.grantee}")


@control(
    "application-rights",
    asvs=("13.2.2",),
    api_top10=("API8",),
    cwe=(250, 272),
    pci=("7.2.2",),
    impact=3,
    blast=3,
    when=DATABASES,
    question="Does the application sign in with a role that owns nothing and may do only what it"
    " needs (no DDL, no superuser)?",
    verify="As the application's role: `CREATE TABLE t (); DROP TABLE users`: expect permission"
    " denied.",
    implement="One role owns and migrates, another (SELECT, INSERT, UPDATE, DELETE by table)"
    " serves;"
    " no ALL, no superuser",
    said="database.least_privilege",
)
def application_rights(facts: Facts) -> Iterator[Verdict]:
    """The application's role may do what it needs."""
    for fact in facts.of(Kind.GRANT):
        grant = fact.value
        if grant.kind in ("database", "schema", "server", "global") and grant.privilege == "all":
            yield broken(fact, cause="all rights to one role", signal=2)
        elif grant.grantable and grant.kind == "table":
            yield broken(fact, f"{fact.note} with grant option", "rights that may be passed on")


@control(
    "default-accounts-in-scripts",
    asvs=("6.3.2", "13.2.3", "13.3.1"),
    api_top10=("API8",),
    cwe=(798, 1392, 259),
    pci=("2.2.2",),
    impact=4,
    blast=3,
    question="Is the account removed, or its password changed, before production?",
    verify="Sign in with the name and password of the script: expect 401.",
    implement="Take accounts and passwords out of scripts; create the first administrator by a"
    " one-time link",
)
def planted(facts: Facts) -> Iterator[Verdict]:
    """Scripts plant no accounts and no passwords."""
    for fact in facts.of(Kind.SEED):
        cause = "passwords in scripts" if fact.value.endswith("password") else "default accounts"
        yield broken(fact, cause=cause)


@control(
    "dynamic-sql",
    asvs=("1.2.4",),
    api_top10=("API8",),
    cwe=(89,),
    impact=4,
    blast=3,
    question="Can none of the parts come from a client?",
    verify="Call `{operation}` with `x'; DROP TABLE t; --`: expect an error of the value, nothing"
    " dropped.",
    implement="`EXECUTE format('… %I … %L', …)` or `EXECUTE … USING`",
)
def dynamic_sql(facts: Facts) -> Iterator[Verdict]:
    """Routines put no SQL together from texts."""
    for fact in facts.of(Kind.ROUTINE):
        if fact.value == "dynamic sql":
            yield broken(fact, cause="routines that put SQL together")


@control(
    "definer-search-path",
    asvs=("13.2.2",),
    api_top10=("API8",),
    cwe=(426, 250),
    impact=3,
    blast=3,
    question="Is the function safe from objects that callers put in front?",
    verify="As another role: create a table of the same name in a schema of the search path, call"
    " `{operation}`: expect the original to be used.",
    implement="`SET search_path = pg_catalog, pg_temp` on the function, names with their schema",
)
def definer(facts: Facts) -> Iterator[Verdict]:
    """Functions with their owner's rights fix their search path."""
    for fact in facts.of(Kind.ROUTINE):
        if fact.value == "definer":
            yield broken(fact, cause="SECURITY DEFINER without a search path")


@control(
    "concurrent-changes",
    asvs=("2.3.3", "2.3.4"),
    api_top10=("API6",),
    cwe=(362, 662),
    impact=2,
    question="Is a change of several rows one transaction, with a lock on what is used up?",
    verify="Buy the last piece twenty times at once: expect one success.",
    implement="Transactions; a CHECK on stock ≥ 0; SELECT … FOR UPDATE or a version column",
)
def concurrent(facts: Facts) -> Iterator[Verdict]:
    """Changes of money and stock are one transaction."""
    for fact in facts.of(Kind.TRAIT):
        if fact.value == "no transactions":
            yield broken(fact, cause="tables without transactions")


reachable = attested(
    "database-not-reachable",
    "Databases cannot be reached from the internet",
    "database.reachable_from_internet",
    why="A port that is open is tried within the hour.",
    question="Is every database reachable from its services only?",
    verify="From outside, connect to the port: expect no answer.",
    implement="Private network, security groups by service; no public address",
    good=lambda value: value is False,
    wants="no",
    when=DATABASES,
    asvs=("13.2.5",),
    api_top10=("API8",),
    cwe=(668,),
    pci=("1.4.4",),
    impact=4,
    blast=3,
)
defaults = attested(
    "database-default-credentials",
    "No default credentials are left",
    "database.default_credentials",
    why="`postgres:postgres` is in every list.",
    question="Is it certain that no default names and passwords of databases, brokers and consoles"
    " are left?",
    verify="Try the vendors' defaults on each datastore: expect a refusal.",
    implement="secrets",
    good=lambda value: value is False,
    wants="no",
    when=DATABASES,
    asvs=("13.2.3",),
    api_top10=("API8",),
    cwe=(1392, 798),
    pci=("2.2.2",),
    impact=4,
    blast=3,
)
migrations = attested(
    "migrations-own-role",
    "Migrations run as another role than the application",
    "database.separate_migrations_role",
    why="An injection with the owner's rights drops tables.",
    question="Do migrations run as a role of their own?",
    verify="`SELECT current_user` in both: expect two names; the application's owns no table.",
    implement="One role owns and migrates, another serves",
    when=DATABASES,
    asvs=("13.2.2",),
    cwe=(250,),
)
backup = attested(
    "backups-made",
    "Backups are made as often as data may be lost",
    "backups.every_hours",
    why="What was never copied cannot come back.",
    question="Are there backups at least daily, as often as the loss that is bearable?",
    verify="Read the time of the last one.",
    implement="Continuous archiving (WAL, binlog) and daily base backups",
    good=lambda value: 0 < value <= 24,
    wants="1 to 24",
    when=DATABASES,
    asvs=("14.1.2",),
    cwe=(1053,),
    hipaa=("164.308(a)(7)",),
    gdpr=("Article 32(1)",),
    blast=3,
)
backup_encrypted = attested(
    "backups-encrypted",
    "Backups are encrypted and guarded like the data",
    "backups.encrypted",
    why="A copy has all the data and none of the checks.",
    question="Are backups encrypted, with keys elsewhere, and who may read them limited?",
    verify="Open one without the key: expect nothing readable.",
    implement="Encrypt with a key of the KMS; another account; no delete right for services",
    when=DATABASES,
    asvs=("14.2.4",),
    cwe=(311,),
    gdpr=("Article 32(1)",),
    impact=3,
    blast=3,
)
backup_elsewhere = attested(
    "backups-unchangeable",
    "Backups cannot be changed by who changes the data",
    "backups.unchangeable",
    why="Ransom takes the copies first.",
    question="Are backups kept elsewhere, where the application's accounts cannot delete them?",
    verify="With an administrator's key of production, delete a backup: expect a refusal.",
    implement="Object lock, another account",
    when=DATABASES,
    asvs=("14.1.2",),
    cwe=(693,),
    blast=3,
)
restore = attested(
    "restore-tested",
    "Restoring is practised",
    "backups.restore_tested_days",
    why="A backup is a restore that worked.",
    question="Was a restore practised within half a year, and timed?",
    verify="Restore the last backup into an empty system, count the rows, note the time.",
    implement="A job that restores and checks every month",
    good=lambda value: 0 < value <= 180,
    wants="1 to 180 days ago",
    when=DATABASES,
    asvs=("14.1.2",),
    cwe=(1053,),
    gdpr=("Article 32(1)",),
    blast=3,
)
