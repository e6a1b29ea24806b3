INSERT INTO rentals (rider_id, bike_id, started_at) VALUES ($1, $2, $3) RETURNING id;
UPDATE rentals SET ended = $2, price = $3 WHERE id = $1 AND ended IS NULL;
SELECT id, bike_id, started_at, ended, price FROM rentals WHERE rider_id = $1 ORDER BY started_at DESC LIMIT 20;
SELECT id, rider_id, bike_id FROM rentals WHERE started_at >= $1 AND started_at < $2;
