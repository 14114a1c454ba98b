"""The reports of the studies, made as a person makes them: true to their files, fit for a browser.

Studies are small here: what counts is that pages are whole with as little as one replicate.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from browser import browser, visit
from hubbub.studies.catalogue import find_study
from hubbub.studies.report import report
from hubbub.studies.runner import run_study
from hubbub.studies.study_folder import StudyFolder
from hubbub.studies.trials import StudyOptions
from hubbub.studies.verdicts import sentences
from report_checking import report_numbers, unfounded

pytest.importorskip("matplotlib")

SMALL: Mapping[str, dict[str, Any]] = {
    "polarization": {"steps": 10},
    "herding": {"population.synthetic.agents": 60, "steps": 12},
    "rumor": {"population.synthetic.agents": 200, "population.synthetic.core": 20, "steps": 20},
    "scale": {"sizes": [60, 240], "steps": 8},
}


def reported(study: str, replicates: int, folder: Path) -> Path:
    """Run a small study and return the page of its report."""
    options, chosen = StudyOptions(replicates=replicates, overrides=SMALL[study]), find_study(study)
    results = run_study(chosen, options, folder, processes=1)
    StudyFolder.open(folder).write_findings(chosen.judge(results, options))
    return report(folder)


@pytest.mark.parametrize("study", SMALL)
def test_one_replicate_gives_a_whole_report(study: str, tmp_path: Path) -> None:
    page = reported(study, 1, tmp_path / study)
    text = page.read_text(encoding="utf-8")
    assert unfounded(text, page.parent) == []
    drawn = {path.stem for path in (page.parent / "figures").glob("*.png")}
    assert text.count("<figure>") == len(drawn) >= 3
    assert "could not be tested" in text  # one replicate shows nothing


@pytest.mark.skipif(browser() is None, reason="no Chromium or Chrome is installed")
def test_a_browser_shows_all_of_a_report(tmp_path: Path) -> None:
    page = reported("rumor", 3, tmp_path / "rumor")
    text = page.read_text(encoding="utf-8")
    assert report_numbers(text)
    assert unfounded(text, page.parent) == []
    seen = visit(str(browser()), page, tmp_path / "browser")
    assert seen.complaints == []
    assert seen.failed == []
    assert seen.requests == [page.resolve().as_uri()]  # nothing from outside, nothing beside it
    assert len(seen.widths) == text.count("<figure>") == 4
    assert min(seen.widths) > 0
    assert seen.beyond <= 0
    findings = StudyFolder.open(page.parent).findings()
    assert len(findings) == 6
    for said in sentences(findings):
        assert said in seen.text
