-- MySQL and MariaDB: what both read, clause by clause.
CREATE TABLE customers (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  email VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL,
  full_name VARCHAR(100) NOT NULL DEFAULT '' COMMENT 'as on the passport',
  state ENUM('new','active','gone') NOT NULL DEFAULT 'new',
  flags SET('a','b','c') DEFAULT NULL,
  active TINYINT(1) NOT NULL DEFAULT 1,
  balance DECIMAL(12,2) NOT NULL DEFAULT 0.00,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  bio TEXT,
  avatar MEDIUMBLOB,
  initial CHAR(1) GENERATED ALWAYS AS (LEFT(full_name, 1)) STORED,
  PRIMARY KEY (id),
  UNIQUE KEY customers_email (email),
  KEY customers_name (full_name(20), created_at),
  FULLTEXT KEY customers_bio (bio),
  CONSTRAINT balance_positive CHECK (balance >= 0)
) ENGINE=InnoDB AUTO_INCREMENT=100 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='people';

CREATE TABLE orders (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id BIGINT UNSIGNED NOT NULL,
  parent_id BIGINT UNSIGNED NULL,
  placed_on DATE NOT NULL,
  total DOUBLE NOT NULL DEFAULT 0,
  INDEX (customer_id, placed_on),
  CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE,
  FOREIGN KEY (parent_id) REFERENCES orders (id) ON DELETE SET NULL ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE events (
  id BIGINT NOT NULL,
  happened_on DATE NOT NULL,
  payload LONGTEXT,
  PRIMARY KEY (id, happened_on)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4
PARTITION BY RANGE (YEAR(happened_on)) (
  PARTITION p2025 VALUES LESS THAN (2026),
  PARTITION rest VALUES LESS THAN MAXVALUE
);

ALTER TABLE orders ADD COLUMN note VARCHAR(50) NULL AFTER placed_on, ADD INDEX orders_note (note);
ALTER TABLE orders MODIFY COLUMN note VARCHAR(80) NOT NULL DEFAULT '', CHANGE total amount DOUBLE NOT NULL;
ALTER TABLE orders DROP INDEX orders_note;
CREATE UNIQUE INDEX orders_day ON orders (customer_id, placed_on, note);
RENAME TABLE events TO happenings;
CREATE VIEW open_orders AS SELECT id, customer_id FROM orders WHERE note = '';
DELIMITER $$
CREATE TRIGGER orders_before BEFORE INSERT ON orders FOR EACH ROW
BEGIN
  SET NEW.note = TRIM(NEW.note);
END$$
DELIMITER ;
