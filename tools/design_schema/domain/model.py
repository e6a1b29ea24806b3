"""The domain model that `design_schema` takes: entities, their relations, rules and uses.

Every field has a description for whoever fills it in; the JSON Schema of `Domain` is the reference.
Expressions are SQL over attribute names (`expressions.py` says which).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

MAX_ENTITIES: Final = 500
MAX_ATTRIBUTES: Final = 500  # of one entity
MAX_TEXT: Final = 2_000  # characters of a purpose or an expression

Identifier = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,47}$",
        description="snake_case, at most 48 characters: `order_line`",
    ),
]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Expression = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_TEXT,
        description="SQL condition over attribute names: `ends_at > starts_at`,"
        " `status in ('paid', 'sent')`; of a period its `lower(p)` and `upper(p)`",
    ),
]
Multiplicity = Annotated[
    str,
    Field(
        pattern=r"^(1|0\.\.1|0\.\.\*|1\.\.\*|[01]\.\.[1-9][0-9]{0,3})$",
        description="As in UML: `1`, `0..1`, `0..*`, `1..*`, or at most N: `0..5`",
    ),
]
Share = Annotated[float, Field(ge=0, le=1)]
Scalar: TypeAlias = bool | int | float | str

LogicalType = Literal[
    "text",
    "email",
    "url",
    "integer",
    "decimal",
    "money",
    "quantity",
    "date",
    "time",
    "instant",
    "period",
    "date_period",
    "duration",
    "enum",
    "boolean",
    "uuid",
    "json",
    "binary",
    "point",
    "ip",
]
Sensitivity = Literal["none", "internal", "personal", "special", "secret", "payment"]


class Part(BaseModel):
    """What all parts of a domain model have in common: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Distribution(Part):
    """How the values of an attribute are spread, where that is known."""

    distinct: float | None = Field(None, gt=0, description="How many different values there are")
    nulls: Share = Field(0.0, description="Share of the rows without a value")
    common: dict[str, Share] = Field(
        default_factory=dict, max_length=100, description='Frequent values: {"paid": 0.9}'
    )
    minimum: Scalar | None = None
    maximum: Scalar | None = None
    follows_insertion: bool = Field(False, description="Grows with time, as `created_at` does")


class Attribute(Part):
    """A property of an entity."""

    name: Identifier
    type: LogicalType
    purpose: Text = ""
    array: bool = Field(False, description="A list of values of `type`")
    required: bool = True
    unique: bool = Field(False, description="No two rows of one tenant with the same value")
    default: Scalar | None = Field(None, description="A constant; `now` for dates and instants")
    computed: Expression | None = Field(None, description="Always this; never written")
    immutable: bool = Field(False, description="Not changed once written")
    sensitivity: Sensitivity = "none"
    min_length: int | None = Field(None, ge=0, le=1_000_000, description="Of text, in characters")
    max_length: int | None = Field(None, ge=1, le=10_000_000, description="Text; binary in bytes")
    pattern: str | None = Field(None, max_length=500, description="Regular expression of text")
    case_insensitive: bool = Field(False, description="Text that is equal in any case")
    minimum: float | None = Field(None, description="Of numbers")
    maximum: float | None = None
    precision: int | None = Field(None, ge=1, le=38, description="Digits of a decimal, in all")
    scale: int | None = Field(None, ge=0, le=18, description="Digits behind the point")
    currency: str | None = Field(
        None, max_length=48, description="ISO 4217 code, or `each`: a currency in every row"
    )
    unit: str | None = Field(None, max_length=48, description="Of a quantity: `kg`, `kWh`")
    values: list[Annotated[str, Field(min_length=1, max_length=63)]] = Field(
        default_factory=list, max_length=500, description="Of an enum"
    )
    growth: Literal["fixed", "rare", "often"] = Field(
        "rare", description="How often values are added to an enum"
    )
    distribution: Distribution | None = None


class Unique(Part):
    """A natural key, or a uniqueness with a condition."""

    attributes: list[Identifier] = Field(
        min_length=1, max_length=16, description="Attributes and relationships"
    )
    when: Expression | None = Field(None, description="Only among rows for which this is true")


class Check(Part):
    """A condition that every row satisfies."""

    kind: Literal["check"] = "check"
    name: Identifier
    expression: Expression


class RequiredWhen(Part):
    """An attribute that must have a value when a condition is true."""

    kind: Literal["required_when"] = "required_when"
    attribute: Identifier
    when: Expression


class NoOverlap(Part):
    """Periods that do not overlap among rows that agree on `per`."""

    kind: Literal["no_overlap"] = "no_overlap"
    period: Identifier
    per: list[Identifier] = Field(
        default_factory=list, max_length=8, description="Attributes and relationships"
    )
    when: Expression | None = None


class Balance(Part):
    """The sum of an attribute over an entity's children, kept at the end of each transaction."""

    kind: Literal["balance"] = "balance"
    children: Identifier = Field(description="Their entity, or its relationship to this one")
    sum_of: Identifier = Field(description="The children's attribute")
    is_: Literal["=", "<=", ">="] = Field("=", alias="is")
    to: Identifier | int = Field(0, description="An attribute of this entity, or a number")


class AtMost(Part):
    """No more than so many children, of those for which `when` is true."""

    kind: Literal["at_most"] = "at_most"
    children: Identifier = Field(description="Their entity, or its relationship to this one")
    count: int = Field(ge=1, le=10_000)
    when: Expression | None = None


class Acyclic(Part):
    """A relationship of the entity to itself that never leads back: a tree."""

    kind: Literal["acyclic"] = "acyclic"
    relationship: Identifier


class AppendOnly(Part):
    """Rows are added, never changed or deleted."""

    kind: Literal["append_only"] = "append_only"


Invariant = Annotated[
    Check | RequiredWhen | NoOverlap | Balance | AtMost | Acyclic | AppendOnly,
    Field(discriminator="kind"),
]


class StateMachine(Part):
    """The states of an enum attribute, and which may follow which."""

    attribute: Identifier
    initial: list[str] = Field(min_length=1, max_length=50)
    transitions: dict[str, list[str]] = Field(description='{"draft": ["sent"], "sent": ["paid"]}')


class Dependency(Part):
    """Attributes that determine others: rows that agree on the one agree on the other."""

    determinant: list[Identifier] = Field(max_length=16)
    dependent: list[Identifier] = Field(min_length=1, max_length=100)


class Volume(Part):
    """How many rows there are, and will be."""

    rows: int = Field(ge=0, le=10**13)
    growth_per_month: int = Field(0, ge=0, le=10**12, description="Rows added in a month")


class Retention(Part):
    """How long rows are kept, and what erasure of a person means for them."""

    keep_days: int | None = Field(None, ge=1, le=40_000, description="None: for ever")
    after: Identifier | None = Field(None, description="Date or instant from which days count")
    on_erasure: Literal["delete", "anonymise", "keep"] | None = Field(
        None, description="When the person asks for it (GDPR article 17)"
    )
    basis: Text = Field("", description="Why it is kept: a law, a contract")


class Key(Part):
    """What identifies an entity."""

    kind: Literal["surrogate", "natural"] = "surrogate"
    attributes: list[Identifier] = Field(
        default_factory=list, max_length=8, description="Of a natural key"
    )
    public_id: bool = Field(
        False, description="Shown outside: not to be guessed and telling no number of rows"
    )


class SubtypeOf(Part):
    """The entity of which this one is a special case."""

    entity: Identifier
    exclusive: bool = Field(True, description="No row of the general entity is of two subtypes")


class Entity(Part):
    """A thing that the system keeps."""

    name: Identifier = Field(description="snake_case, singular: `order_line`")
    plural: Identifier | None = Field(None, description="If it is irregular: `people`")
    purpose: Text = ""
    area: Identifier | None = Field(None, description="Part of the model, for diagrams")
    attributes: list[Attribute] = Field(default_factory=list, max_length=MAX_ATTRIBUTES)
    key: Key = Field(default_factory=Key)
    unique: list[Unique] = Field(default_factory=list, max_length=50)
    invariants: list[Invariant] = Field(default_factory=list, max_length=100)
    states: StateMachine | None = None
    subtype_of: SubtypeOf | None = None
    dependencies: list[Dependency] = Field(
        default_factory=list, max_length=200, description="Functional dependencies, if known"
    )
    volume: Volume | None = None
    retention: Retention | None = None
    audit: Literal["none", "who_when", "history"] | None = Field(
        None, description="history: every version of every row is kept"
    )
    concurrency: Literal["none", "optimistic", "queue", "counter"] = Field(
        "none", description="counter: many writers add to one number; queue: workers claim rows"
    )
    soft_delete: bool = Field(False, description="Deleted rows stay, marked")
    shared: bool = Field(False, description="Of all tenants, where there are tenants")


class Relationship(Part):
    """A relation of two entities, told from `source` to `target`."""

    name: Identifier = Field(
        description="snake_case, as the source calls the target: `customer`, `parent`"
    )
    source: Identifier
    target: Identifier
    targets_per_source: Multiplicity = "1"
    sources_per_target: Multiplicity = "0..*"
    purpose: Text = ""
    on_delete: Literal["restrict", "cascade", "set_null"] | None = Field(
        None, description="What deleting the target does to its sources"
    )
    owned: bool = Field(False, description="The source is part of the target, and goes with it")
    ordered: bool = Field(False, description="Sources of one target have an order")
    attributes: list[Attribute] = Field(
        default_factory=list, max_length=50, description="Of the relation itself (many to many)"
    )
    immutable: bool = False


Operator = Literal[
    "=", "<>", "<", "<=", ">", ">=", "between", "in", "is null", "is not null",
    "starts with", "contains", "matches", "overlaps",
]  # fmt: skip


class Filter(Part):
    """A condition of a query; its value is a parameter unless `value` is given."""

    attribute: str = Field(
        max_length=200, description="Attribute or relationship; of a joined entity `line.sku`"
    )
    operator: Operator = "="
    value: Scalar | list[Scalar] | None = Field(None, description="A constant that is always asked")
    selectivity: Share | None = Field(None, description="Share of the rows that pass, if known")


class Sort(Part):
    """A column of an order."""

    attribute: str = Field(max_length=200)
    descending: bool = False


class Aggregate(Part):
    """A figure over the rows found."""

    function: Literal["count", "sum", "avg", "min", "max"]
    attribute: str | None = Field(None, max_length=200)


class AccessPattern(Part):
    """What the application asks or writes, and how often."""

    name: Identifier
    entity: Identifier
    purpose: Text = ""
    kind: Literal["read", "insert", "update", "delete"] = "read"
    filters: list[Filter] = Field(default_factory=list, max_length=20)
    joins: list[Identifier] = Field(
        default_factory=list, max_length=8, description="Relationships that are followed"
    )
    fields: list[str] = Field(
        default_factory=list, max_length=100, description="What is read or set; empty: everything"
    )
    aggregates: list[Aggregate] = Field(default_factory=list, max_length=20)
    group_by: list[str] = Field(default_factory=list, max_length=8)
    sort: list[Sort] = Field(default_factory=list, max_length=8)
    page: Literal["none", "keyset", "offset"] = "none"
    limit: int | None = Field(None, ge=1, le=100_000)
    sql: Text | None = Field(
        None, description="The statement itself, on the tables of the design, instead of the above"
    )
    per_second: float = Field(1.0, ge=0, le=10_000_000)
    latency_ms: float | None = Field(None, gt=0, description="Target")
    freshness_seconds: float | None = Field(None, ge=0, description="How old an answer may be")


class Tenancy(Part):
    """Whether customers share the database."""

    kind: Literal["none", "shared", "schema", "database"] = Field(
        "none", description="shared: one set of tables, rows of a tenant behind row-level security"
    )
    entity: Identifier | None = Field(None, description="The entity that is the tenant")


class Naming(Part):
    """Naming conventions."""

    tables: Literal["plural", "singular"] = "plural"
    key: Literal["id", "entity_id"] = Field("id", description="Name of surrogate keys")
    prefix: str = Field("", pattern=r"^([a-z][a-z0-9_]{0,15})?$", description="Of all tables")


class Domain(Part):
    """A domain model: what a schema is designed from."""

    name: Identifier
    purpose: Text = ""
    dialect: Literal["postgres", "mysql", "mariadb", "sqlite"] | None = None
    engine_version: str = Field(
        "", pattern=r"^(\d{1,3}(\.\d{1,3}){0,2})?$", description="16, or 8.0.36; empty: the newest"
    )
    entities: list[Entity] = Field(min_length=1, max_length=MAX_ENTITIES)
    relationships: list[Relationship] = Field(default_factory=list, max_length=2_000)
    access_patterns: list[AccessPattern] = Field(default_factory=list, max_length=1_000)
    tenancy: Tenancy = Field(default_factory=Tenancy)
    audit: Literal["none", "who_when", "history"] = Field(
        "none", description="For entities that say nothing of it"
    )
    naming: Naming = Field(default_factory=Naming)


def children(domain: Domain, entity: str, name: str) -> Relationship | None:
    """The relationship by which the `children` of an invariant refer to an entity.

    It has the name, or comes from the entity of the name; None if there is none, or several.
    """
    near = [each for each in domain.relationships if each.target == entity]
    for found in (
        [each for each in near if each.name == name],
        [each for each in near if each.source == name],
    ):
        if len(found) == 1:
            return found[0]
    return None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a domain model (2020-12)."""
    return Domain.model_json_schema(by_alias=True)
