"""A run in other formats: Parquet, GraphML and the OASIS database."""
