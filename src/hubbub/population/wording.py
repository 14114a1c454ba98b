"""How the name of a topic reads in the middle of a sentence."""

from __future__ import annotations

#: Topics that are ordinary words, as they read in a sentence: the default ones and those of OASIS's
#: files. Any other may be a proper name, so it stays as the user wrote it.
_ORDINARY = {
    "Business": "business",
    "Culture & Society": "culture and society",
    "Economics": "economics",
    "Education": "education",
    "Entertainment": "entertainment",
    "Environment": "the environment",
    "Fun": "fun",
    "General News": "general news",
    "Health": "health",
    "Politics": "politics",
    "Science & Technology": "science and technology",
    "Sports": "sports",
    "Technology": "technology",
}


def in_a_sentence(topic: str) -> str:
    """Return a topic as it reads within a sentence: 'Economics' becomes 'economics'."""
    return _ORDINARY.get(topic, topic)
