"""MySQL and MariaDB: parse and emit."""
