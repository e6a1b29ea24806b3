-- Bicycles for hire: what production has.
CREATE TABLE riders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    joined_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE bikes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    frame_number text NOT NULL UNIQUE,
    retired_at timestamptz
);

CREATE TABLE rentals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rider_id bigint NOT NULL REFERENCES riders (id),
    bike_id bigint NOT NULL REFERENCES bikes (id),
    begun timestamptz NOT NULL DEFAULT now(),
    ended timestamptz,
    price numeric(8, 2)
);
CREATE INDEX rentals_rider_id_idx ON rentals (rider_id);
CREATE INDEX rentals_bike_id_idx ON rentals (bike_id);
