ALTER TABLE orders ADD COLUMN tenant_id bigint;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;

CREATE TABLE notes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_type text NOT NULL,
    owner_id   bigint NOT NULL,
    body       text NOT NULL
);
CREATE POLICY notes_of_owner ON notes USING (owner_id = current_setting('app.user_id')::bigint);
