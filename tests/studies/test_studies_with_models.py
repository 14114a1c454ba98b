"""The studies with language models behind HTTP: outcomes, reports, failures, budgets, resuming."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hubbub.errors import RunError, ScenarioError
from hubbub.llm.chat import ChatRequest
from hubbub.studies.catalogue import find_study
from hubbub.studies.lost_replies import LOST, UNREAD
from hubbub.studies.polarization.dilemma import NUMBER
from hubbub.studies.report import report
from hubbub.studies.runner import StudyHook, run_study
from hubbub.studies.study_folder import StudyFolder
from hubbub.studies.trials import Results, StudyOptions, Trial
from hubbub.testing import Faults, ModelServer, ValidModel
from report_checking import unfounded

pytest.importorskip("matplotlib")

EDGES = "cascade_id,parent_user,child_user,delay_min,parent_delay_min,kind,in_tree\n" + "".join(
    f"{name},{root},{root + i},{5 * i}.5,0.0,rt,1\n"
    for root, name in ((10, "a"), (20, "b"))
    for i in range(1, 5)
)
LABELS = """cascade_id,label,root_user,start_utc,oasis_topic
a,true,10,2014-05-01T13:45Z,
b,false,20,2014-05-01T13:47Z,
"""
SMALL: dict[str, dict[str, Any]] = {
    "propagation": {},
    "polarization": {NUMBER: 8, "steps": 10, "judge": "small"},
    "herding": {NUMBER: 6, "steps": 3, "judge": "small"},
    "rumor": {NUMBER: 24, "population.synthetic.core": 8, "steps": 4},
    "scale": {
        "sizes": [4, 12],
        "steps": 4,
        "time.activity.rate": 1,
        "time.activity.core_rate": 1,
        "judge": "small",
    },
}
SCALE = {**SMALL["scale"], "sizes": [2, 4]}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def cascades(tmp_path: Path) -> Path:
    folder = tmp_path / "cascades"
    folder.mkdir()
    (folder / "x_edges.csv").write_text(EDGES)
    (folder / "x_labels.csv").write_text(LABELS)
    return folder


class Watcher(StudyHook):
    """A hook that keeps what it is told, and may do something after the first trial."""

    def __init__(self, server: ModelServer | None = None) -> None:
        self.kept = 0
        self.done: list[str] = []
        self._server = server

    def began(self, total: int, kept: int) -> None:
        self.kept = kept

    def finished(self, trial: Trial) -> None:
        self.done.append(trial.arm)
        if self._server is not None:
            self._server.faults = Faults(errors=1.0)


def options(server: ModelServer, *given: Mapping[str, Any], **inputs: Path) -> StudyOptions:
    model = {
        "models.small.urls": [server.url],
        "models.small.limits.attempts": 1,
        "models.small.limits.patience_seconds": 1,
        "model": "small",
    }
    overrides = {k: v for settings in (model, *given) for k, v in settings.items()}
    return StudyOptions(replicates=1, overrides=overrides, inputs=inputs)


def reported(name: str, options: StudyOptions, out: Path) -> tuple[Results, str]:
    """Run a study, judge it and write its report; return the results and the page."""
    study = find_study(name)
    results = run_study(study, options, out)
    StudyFolder.open(out).write_findings(study.judge(results, options))
    return results, report(out).read_text(encoding="utf-8")


def _fields(request: ChatRequest) -> Mapping[str, Any]:
    assert request.shape is not None
    fields: Mapping[str, Any] = request.shape.schema["properties"]
    return fields


def measured(results: Results, measure: str) -> list[float]:
    rows = results.values.to_pylist()
    return [row["value"] for row in rows if row["measure"] == measure]


@pytest.mark.parametrize("name", list(SMALL))
def test_a_study_runs_and_its_report_has_no_number_of_its_own(
    name: str, server: ModelServer, cascades: Path, tmp_path: Path
) -> None:
    inputs = {"cascades": cascades} if name == "propagation" else {}
    results, page = reported(name, options(server, SMALL[name], **inputs), tmp_path / name)
    assert server.counts["ok"] > 0
    assert results.values.num_rows
    assert unfounded(page, tmp_path / name) == []
    assert "small" in page
    if name != "propagation":
        assert set(measured(results, LOST)) == {0.0}
        assert "turns of language models 0 % ended without a reply" in page
    if "judge" in SMALL[name]:
        assert set(measured(results, UNREAD)) == {0.0}


def test_a_study_cut_off_goes_on_to_the_same_files(server: ModelServer, tmp_path: Path) -> None:
    study, asked = find_study("polarization"), options(server, SMALL["polarization"])
    whole = run_study(study, asked, tmp_path / "whole")
    requests = sum(server.counts.values())
    first, rest = Watcher(server), Watcher()
    with pytest.raises(RunError, match="1 of 2 trials failed; the others are kept"):
        run_study(study, asked, tmp_path / "cut", hooks=[first])
    server.faults = Faults()
    failed = server.counts["errors"]
    assert run_study(study, asked, tmp_path / "cut", hooks=[rest]).values.equals(whole.values)
    assert (first.done, rest.kept, rest.done) == (["small, homophilous"], 1, ["small, mixed"])
    assert sum(server.counts.values()) - failed == 2 * requests  # none was asked twice
    for name in ("values.csv", "curves.csv", "tables/opinions.csv"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    ("faults", "name", "words"),
    [
        (Faults(errors=1.0), "polarization", "model 'small': no endpoint has answered"),
        (Faults(errors=1.0), "scale", "none ended in a reply that could be read; the last: no_re"),
        (Faults(nonsense=1.0), "scale", "none ended in a reply .* the last: invalid_reply"),
        (Faults(nonsense=1.0), "polarization", "after step 0 none of 8 agents had said"),
    ],
)
def test_a_model_that_fails_ends_the_study_at_once(
    faults: Faults, name: str, words: str, server: ModelServer, tmp_path: Path
) -> None:
    server.faults = faults
    with pytest.raises(RunError, match=rf"1 of 2 trials failed; 0 are kept:\n.*{words}"):
        run_study(
            find_study(name),
            options(server, SMALL[name], SCALE if name == "scale" else {}),
            tmp_path / "out",
        )
    assert not (tmp_path / "out" / "values.csv").exists()


def _answers(request: ChatRequest) -> str:
    """Answer what is seen; who sees nothing does nothing. Judge everything alike."""
    if "do" not in _fields(request):
        return '{"score": 7}'
    if "You see" not in request.user:
        return '{"do":[{"action":"do_nothing"}]}'
    return '{"do":[{"action":"create_comment","id":1,"text":"Run more buses."}]}'


def test_a_judge_that_cannot_be_read_is_no_judge(tmp_path: Path) -> None:
    with ModelServer(_answers) as server, ModelServer(lambda _: "No comment.") as silent:
        asked = options(server, SCALE, {"models.wise.urls": [silent.url], "judge": "wise"})
        with pytest.raises(RunError, match="judge 'wise': none of its 1 judgements could be read"):
            run_study(find_study("scale"), asked, tmp_path / "out")


def test_a_budget_holds_for_the_judge_and_more_of_it_repeats_nothing(tmp_path: Path) -> None:
    study, watcher, out = find_study("scale"), Watcher(), tmp_path / "out"
    with ModelServer(_answers) as server:

        def run(budget: int) -> None:
            asked = options(server, SCALE, {"budget.requests": budget})
            run_study(study, asked, out, hooks=[watcher])

        with pytest.raises(RunError, match="paused after step 3 of 4: the budget of 7 requests"):
            run(7)
        assert server.counts["ok"] == 6
        # two agents: eight turns and one judgement; four agents: sixteen turns, and no more
        with pytest.raises(RunError, match="budget of 16 requests is not enough for the judgemen"):
            run(16)
        assert server.counts["ok"] == 6 + 9 + 16
        run(100)
        assert watcher.kept == 1
        assert watcher.done == ["small, 2 agents", "small, 4 agents"]
        assert server.counts["ok"] == 6 + 9 + 16 + (16 + 3)


def test_each_model_is_an_arm(server: ModelServer) -> None:
    two = {"models.other.urls": [server.url], "model": ["small", "other"]}
    asked = options(server, SMALL["herding"], two)
    arms = [trial.arm for trial in find_study("herding").trials(asked)]
    kinds = ("score-blind feed", "false claims")
    assert arms == [f"{model}, {kind}" for model in ("small", "other") for kind in kinds]
    alone = options(server, {"model": "small"})
    assert [t.arm for t in find_study("herding").trials(alone)] == ["small, score-blind feed"]
    measures = [h.measure for h in find_study("scale").hypotheses(alone)]
    assert not {"support", "support_spread", "helpfulness"} & set(measures)


def _does_nothing(request: ChatRequest) -> str:
    turn = "do" in _fields(request)
    return '{"do":[{"action":"do_nothing"}]}' if turn else ValidModel()(request)


@pytest.mark.parametrize("name", ["herding", "scale"])
def test_agents_that_do_nothing_make_a_report_without_findings(name: str, tmp_path: Path) -> None:
    with ModelServer(_does_nothing) as server:
        _, page = reported(name, options(server, SMALL[name]), tmp_path / "out")
    assert "could not be tested" in page
    assert unfounded(page, tmp_path / "out") == []


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("propagation", {"judge": "small"}, "takes one model, and no judge"),
        ("propagation", {"model": "smal"}, "no model 'smal' is described"),
        ("propagation", {"models.small.url": "x"}, "did you mean 'urls'"),
        ("polarization", {"steps": 9}, "steps: at least 10"),
        ("polarization", {NUMBER: 1}, "must be a whole number from 2"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_asked(
    name: str, given: dict[str, Any], words: str, server: ModelServer
) -> None:
    with pytest.raises(ScenarioError, match=words):
        find_study(name).trials(options(server, given))
    assert not server.counts
