"""Promises of constraints: kept on private engines, and broken when their object is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.domain.model import Attribute, Domain
from backend_architect.tools.design_schema.logical.model import (
    Field,
    Logical,
    Reference,
    Relation,
    Role,
)
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.promises import postgres, sqlite
from backend_architect.tools.design_schema.promises.constraints import promises
from backend_architect.tools.design_schema.promises.model import Kept, NotApplied, Promise, Step
from backend_architect.tools.design_schema.promises.rows import Rows
from backend_architect.tools.postgres.cluster import Cluster
from backend_architect.tools.postgres.sandbox import Limits

DDL = """
CREATE EXTENSION btree_gist;
CREATE TABLE rooms (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CONSTRAINT rooms_name_check CHECK (char_length(name) BETWEEN 1 AND 20)
);
CREATE UNIQUE INDEX rooms_name_key ON rooms (lower(name));
CREATE TABLE guests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL CONSTRAINT guests_email_key UNIQUE,
    tier text NOT NULL DEFAULT 'free',
    CONSTRAINT guests_tier_check CHECK (tier IN ('free', 'paid'))
);
CREATE TABLE bookings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id bigint NOT NULL CONSTRAINT bookings_room_id_fkey REFERENCES rooms ON DELETE RESTRICT,
    guest_id bigint NOT NULL CONSTRAINT bookings_guest_id_fkey REFERENCES guests ON DELETE CASCADE,
    moved_id bigint CONSTRAINT bookings_moved_id_fkey REFERENCES bookings ON DELETE SET NULL,
    stay tstzrange NOT NULL,
    code text NOT NULL,
    price numeric(19,4) NOT NULL,
    paid numeric(19,4) NOT NULL,
    open numeric(19,4) GENERATED ALWAYS AS (price - paid) STORED,
    cancelled_at timestamptz,
    reason text,
    CONSTRAINT bookings_code_check CHECK (code ~ '^[A-Z]{2}-[0-9]{4}$'),
    CONSTRAINT bookings_paid_check CHECK (paid >= 0 AND paid <= price),
    CONSTRAINT bookings_reason_check CHECK ((cancelled_at IS NULL) = (reason IS NULL)),
    CONSTRAINT bookings_stay_check CHECK (upper(stay) - lower(stay) <= interval '30 days'),
    CONSTRAINT bookings_stay_excl EXCLUDE USING gist (room_id WITH =, stay WITH &&)
        WHERE (cancelled_at IS NULL)
);
CREATE UNIQUE INDEX bookings_code_key ON bookings (code) WHERE cancelled_at IS NULL;
"""
LITE = """
CREATE TABLE rooms (
    id INTEGER CONSTRAINT rooms_pkey PRIMARY KEY,
    name TEXT NOT NULL CONSTRAINT rooms_name_check CHECK (length(name) BETWEEN 1 AND 20)
) STRICT;
CREATE UNIQUE INDEX rooms_name_key ON rooms (lower(name));
CREATE TABLE guests (
    id INTEGER CONSTRAINT guests_pkey PRIMARY KEY,
    email TEXT NOT NULL CONSTRAINT guests_email_key UNIQUE,
    tier TEXT NOT NULL DEFAULT 'free' CONSTRAINT guests_tier_check CHECK (tier IN ('free', 'paid'))
) STRICT;
CREATE TABLE bookings (
    id INTEGER CONSTRAINT bookings_pkey PRIMARY KEY,
    room_id INTEGER NOT NULL CONSTRAINT bookings_room_id_fkey
        REFERENCES rooms ON DELETE RESTRICT,
    guest_id INTEGER NOT NULL CONSTRAINT bookings_guest_id_fkey
        REFERENCES guests ON DELETE CASCADE,
    moved_id INTEGER CONSTRAINT bookings_moved_id_fkey
        REFERENCES bookings ON DELETE SET NULL,
    stay_start TEXT NOT NULL,
    stay_end TEXT NOT NULL,
    code TEXT NOT NULL CONSTRAINT bookings_code_check CHECK (code GLOB '[A-Z]*'),
    price INTEGER NOT NULL,
    paid INTEGER NOT NULL,
    open INTEGER GENERATED ALWAYS AS (price - paid) STORED,
    cancelled_at TEXT,
    reason TEXT,
    CONSTRAINT bookings_paid_check CHECK (paid >= 0 AND paid <= price),
    CONSTRAINT bookings_reason_check CHECK ((cancelled_at IS NULL) = (reason IS NULL)),
    CONSTRAINT bookings_stay_check CHECK (stay_end > stay_start)
) STRICT;
CREATE UNIQUE INDEX bookings_code_key ON bookings (code) WHERE cancelled_at IS NULL;
"""


def field(
    name: str, kind: str, role: Role = "attribute", required: bool = True, **more: object
) -> Field:
    return Field(
        name, Attribute.model_validate({"name": name, "type": kind, **more}), required, role
    )


def to(name: str, target: str, on_delete: str) -> Reference:
    return Reference(name, (f"{name}_id",), target, ("id",), on_delete)  # type: ignore[arg-type]


def relation(name: str, *fields: Field, references: tuple[Reference, ...] = ()) -> Relation:
    key = field("id", "integer", "key")
    by_name = {each.name: each for each in (key, *fields)}
    return Relation(name, "entity", name[:-1], by_name, ("id",), references=references)


def blueprint(ddl: str, dialect: Dialect) -> Blueprint:
    relations = [
        relation("rooms", field("name", "text", max_length=20)),
        relation("guests", field("email", "email"), field("tier", "enum", values=["free", "paid"])),
        relation(
            "bookings",
            *(field(f"{name}_id", "integer", "reference") for name in ("room", "guest")),
            field("moved_id", "integer", "reference", required=False),
            field("stay", "period"),
            field("code", "text", pattern="^[A-Z]{2}-[0-9]{4}$", max_length=20),
            *(field(name, "money") for name in ("price", "paid", "open")),
            field("cancelled_at", "instant", required=False),
            field("reason", "text", required=False),
            references=(
                to("room", "rooms", "restrict"),
                to("guest", "guests", "cascade"),
                to("moved", "bookings", "set null"),
            ),
        ),
    ]
    domain = Domain.model_validate({"name": "hotel", "entities": [{"name": "room"}]})
    schema = load({"schema.sql": ddl}, dialect).schema
    assert not schema.unread
    return Blueprint(Logical(domain, {r.name: r for r in relations}), (18,), schema)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def design() -> Blueprint:
    return blueprint(DDL, Dialect.POSTGRES)


def tried(cluster: Cluster, design: Blueprint, *asked: Promise) -> list[Kept]:
    with postgres.Stage(cluster, design) as stage:
        return list(stage.tried(asked))


def failures(every: list[Kept]) -> dict[str, str]:
    return {k.promise.name: k.failure or k.untried for k in every if not k.is_kept}


def test_every_promise_is_kept(cluster: Cluster, design: Blueprint) -> None:
    asked = list(promises(design, Rows(design)))
    assert failures(tried(cluster, design, *asked)) == {}
    assert len(asked) == 33


def test_every_promise_is_kept_on_sqlite() -> None:
    design = blueprint(LITE, Dialect.SQLITE)
    asked = list(promises(design, Rows(design)))
    assert failures(list(sqlite.kept(design, asked))) == {}
    assert len(asked) == 30


def of(*steps: Step, doubt: str = "") -> Promise:
    return Promise("it", ("/tables/rooms",), "it is so", steps, doubt)


ROOM = "INSERT INTO rooms (name) VALUES ('Ada')"


@pytest.mark.parametrize(
    ("steps", "failure"),
    [
        ((Step(ROOM),), ""),
        ((Step(ROOM, refused_by="23505"),), "not refused by 23505"),
        ((Step(ROOM), Step(ROOM, refused_by="rooms_name_key")), ""),
        ((Step(ROOM), Step(ROOM)), "refused: INSERT"),
        ((Step(ROOM), Step(ROOM, refused_by="23502")), "refused, not by 23502"),
        ((Step(ROOM), Step("SELECT name FROM rooms", returns=[["Ada"]])), ""),
        ((Step(ROOM), Step("SELECT name FROM rooms", returns=[["Bob"]])), "answered [('Ada',)]"),
        ((Step("SELECT name FROM rooms", returns=[]),), ""),
    ],
)
def test_a_step_does_what_it_says(
    cluster: Cluster, design: Blueprint, steps: tuple[Step, ...], failure: str
) -> None:
    (kept,) = tried(cluster, design, of(*steps))
    assert kept.failure.startswith(failure)
    assert kept.is_kept == (not failure)
    assert not kept.untried


def test_a_refused_step_leaves_the_rest_as_it_was(cluster: Cluster, design: Blueprint) -> None:
    again = Step("SELECT count(*) FROM rooms", returns=[["1"]])
    (kept,) = tried(
        cluster, design, of(Step(ROOM), Step(ROOM, refused_by="23505"), again, Step("SELECT 1"))
    )
    assert kept.is_kept


def test_promises_leave_nothing_behind(cluster: Cluster, design: Blueprint) -> None:
    nothing = of(Step("SELECT count(*) FROM rooms", returns=[["0"]]))
    assert all(k.is_kept for k in tried(cluster, design, of(Step(ROOM)), nothing, of(Step(ROOM))))


def test_what_a_doubtful_row_meets_shows_nothing(cluster: Cluster, design: Blueprint) -> None:
    (kept,) = tried(cluster, design, of(Step(ROOM), Step(ROOM), doubt="rooms: not understood"))
    assert (kept.failure, kept.untried) == ("", "rooms: not understood")


LATE = """
CREATE TABLE rooms (id int PRIMARY KEY, other int CONSTRAINT rooms_other_fkey
    REFERENCES rooms DEFERRABLE INITIALLY DEFERRED);
"""


def test_the_end_of_a_transaction_is_tried_without_ending_it(cluster: Cluster) -> None:
    empty = blueprint(DDL, Dialect.POSTGRES)
    design = replace(empty, schema=load({"schema.sql": LATE}, Dialect.POSTGRES).schema)
    dangling, root = "INSERT INTO rooms VALUES (1, 2)", "INSERT INTO rooms VALUES (2, 2)"
    every = tried(
        cluster,
        design,
        of(Step(dangling), Step(root, commit=True), Step("DELETE FROM rooms", commit=True)),
        of(Step(dangling, refused_by="rooms_other_fkey", commit=True)),
        of(Step(root, commit=True), Step(dangling), Step("DELETE FROM rooms", commit=True)),
        of(Step(dangling, commit=True)),
    )
    assert [kept.is_kept for kept in every] == [True, True, True, False]


def test_a_design_that_the_server_refuses_says_which_statement(
    cluster: Cluster, design: Blueprint
) -> None:
    bad = replace(design, rows=("INSERT INTO nowhere VALUES (1)",))
    with pytest.raises(NotApplied, match="nowhere"):
        tried(cluster, bad)


def test_a_promise_that_takes_too_long_is_not_tried(
    cluster: Cluster, design: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LIMITS", Limits(statement=0.2, total=30))
    kept = tried(cluster, design, of(Step("SELECT pg_sleep(30)")), of(Step(ROOM)))
    assert all("limit" in each.untried for each in kept)
