"""Whether false messages spread further than true ones."""
