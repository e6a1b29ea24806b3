INSERT INTO rentals (rider_id, bike_id, begun) VALUES ($1, $2, $3) RETURNING id;
UPDATE rentals SET ended = $2, price = $3 WHERE id = $1 AND ended IS NULL;
SELECT id, bike_id, begun, ended, price FROM rentals WHERE rider_id = $1 ORDER BY begun DESC LIMIT 20;
