-- SQLite: every clause that the model covers.
PRAGMA foreign_keys = ON;
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    "full name" TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    balance NUMERIC(12, 2) DEFAULT (0) CHECK (balance >= 0),
    initials TEXT GENERATED ALWAYS AS (substr("full name", 1, 1)) VIRTUAL,
    CONSTRAINT email_has_at CHECK (email LIKE '%@%')
);
CREATE TABLE products (
    sku TEXT PRIMARY KEY ON CONFLICT REPLACE,
    price INTEGER NOT NULL,
    tags ANY,
    UNIQUE (sku, price) ON CONFLICT IGNORE
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers ON DELETE CASCADE ON UPDATE SET NULL,
    sku TEXT,
    placed_at TEXT,
    FOREIGN KEY (sku) REFERENCES products (sku) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX orders_customer ON orders (customer_id, placed_at DESC);
CREATE UNIQUE INDEX orders_open ON orders (customer_id) WHERE placed_at IS NULL;
CREATE INDEX customers_lower ON customers (lower(email), "full name" COLLATE NOCASE);
CREATE VIEW open_orders (id, email) AS
    SELECT o.id, c.email FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.placed_at IS NULL;
CREATE TRIGGER orders_touch AFTER UPDATE OF placed_at ON orders FOR EACH ROW
WHEN new.placed_at IS NOT NULL
BEGIN
    UPDATE customers SET balance = balance + 1 WHERE id = new.customer_id;
    SELECT CASE WHEN new.sku IS NULL THEN RAISE(ABORT, 'no sku') END;
END;
CREATE TEMP TABLE basket (id INTEGER PRIMARY KEY, note TEXT);
ALTER TABLE orders ADD COLUMN note TEXT DEFAULT 'none';
ALTER TABLE orders RENAME COLUMN note TO remark;
ALTER TABLE basket RENAME TO baskets;
CREATE TABLE gone (a, b);
DROP TABLE gone;
