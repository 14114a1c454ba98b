"""Language models over OpenAI-compatible HTTP: many endpoints, hundreds of requests at once.

This package knows nothing of agents, posts or steps.
"""
