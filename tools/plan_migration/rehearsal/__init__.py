"""Plans and scripts run on a private PostgreSQL, and what is seen of them."""
