"""Language models over OpenAI-compatible HTTP: many endpoints, hundreds of requests at once.

Knows nothing of the simulator.
"""
