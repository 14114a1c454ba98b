"""Forecasts of a run: who is awake, how many calls models get, and what they cost."""
