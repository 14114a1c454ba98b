"""What a language model is told of an agent's situation, and what its reply means.

Nothing here talks to a model; `hubbub.llm` does.
"""
