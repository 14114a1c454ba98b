"""Agents driven by language models: their turns, replies, budget and surveys."""
