"""Readings of run.db beyond the tables of `RunStore`: what analyses and the CLI need, as rows."""
