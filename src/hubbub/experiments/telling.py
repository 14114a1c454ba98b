"""The paragraphs of a report that say what was found, and as plainly what was not."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from hubbub.experiments.records import Finding


def found_and_not(findings: Sequence[Finding]) -> list[str]:
    """Return a paragraph for each kind of verdict that occurs; the numbers are in the findings."""
    untested = [f.hypothesis for f in findings if isnan(f.p)]
    by_verdict = {
        verdict: [f.hypothesis for f in findings if f.verdict == verdict and not isnan(f.p)]
        for verdict in ("supported", "opposite", "not found")
    }
    kinds = {
        "The results support these predictions:": by_verdict["supported"],
        "The opposite of these predictions was found:": by_verdict["opposite"],
        "No support was found for these predictions, which is not to say that they are false:":
            by_verdict["not found"],
        "These could not be tested:": untested,
    }  # fmt: skip
    return [f"{opening} {' '.join(texts)}" for opening, texts in kinds.items() if texts]
