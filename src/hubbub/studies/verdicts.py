"""Findings in plain sentences; what was not found is said as plainly as what was."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isnan

from hubbub.report.tables import number
from hubbub.studies.trials import Finding

_DIFFERENCES = {"difference of means", "difference of proportions"}


def sentences(findings: Sequence[Finding]) -> list[str]:
    """Return a sentence or two for each finding of a study; all were corrected together."""
    return [sentence(finding, tests=len(findings)) for finding in findings]


def sentence(finding: Finding, *, tests: int = 1) -> str:
    """Say what was predicted, what was found, and how sure that is.

    `tests` is the number of tests for which p was corrected. Each number is a field of the finding,
    rounded as in the tables; only the size of an effect that is not excluded is given without sign.
    """
    prediction = finding.hypothesis.rstrip().rstrip(".")
    if isnan(finding.p):
        why = finding.test.removeprefix("not tested: ")
        return f"{prediction}. This could not be tested: {why}."
    sure = _certainty(finding, tests)
    return f"{prediction}. {_opening(finding)}: {_amount(finding)} ({sure}){_unlikely(finding)}."


def _opening(finding: Finding) -> str:
    if finding.verdict == "supported":
        return "Supported"
    if finding.verdict == "opposite":
        return "The opposite was found"
    if finding.test.startswith("two one-sided tests"):
        return "It was not shown that they agree"
    if finding.what not in _DIFFERENCES and finding.what != "ratio of means":
        return "Not found"
    if finding.low <= _no_effect(finding) <= finding.high:
        return "No difference was found"
    return "Not certain enough for the number of tests"


def _amount(finding: Finding) -> str:
    measure, value = finding.measure.replace("_", " "), number(finding.estimate)
    than = f"in {finding.against}" if finding.n[1] else finding.against
    if finding.what == "ratio of means":
        return f"{measure} in {finding.arm} was {value} times that {than}"
    if finding.what in _DIFFERENCES:
        if finding.estimate == 0:
            return f"{measure} in {finding.arm} was as {than}, difference 0"
        way = "higher" if finding.estimate > 0 else "lower"
        return f"{measure} in {finding.arm} was {way} than {than}, difference {value}"
    return f"{finding.what} of {measure}, {finding.arm} against {finding.against}, was {value}"


def _certainty(finding: Finding, tests: int) -> str:
    bounds = f"95 % interval {number(finding.low)} to {number(finding.high)}"
    if tests == 1:
        return f"{bounds}; p = {finding.p:.2g}"
    return f"{bounds}; p = {finding.corrected:.2g} after Holm's correction for {tests} tests"


def _unlikely(finding: Finding) -> str:
    """Say how large an effect is not excluded where none was found."""
    if finding.verdict != "not found" or not isfinite(finding.low + finding.high):
        return ""
    if finding.what in _DIFFERENCES:
        most = max(abs(finding.low), abs(finding.high))
        return f"; a difference of more than {number(most)} is unlikely"
    if finding.what == "ratio of means":
        low, high = number(finding.low), number(finding.high)
        return f"; a ratio below {low} or above {high} is unlikely"
    return ""


def _no_effect(finding: Finding) -> float:
    return 1.0 if finding.what == "ratio of means" else 0.0
