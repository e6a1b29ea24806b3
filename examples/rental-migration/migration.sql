-- The model says started_at now, and lists the rentals of a day.
ALTER TABLE rentals RENAME COLUMN begun TO started_at;
CREATE INDEX rentals_started_at_idx ON rentals (started_at);
