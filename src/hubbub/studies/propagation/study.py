"""Study 1(a): how a message spreads over known ties, against real cascades (OASIS's protocol)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray

from hubbub.config.scenario import Scenario
from hubbub.errors import DataError, ScenarioError
from hubbub.report.figure_data import Figure
from hubbub.studies.cascade_files import MEASURES, MINUTES, Cascade, read_cascades
from hubbub.studies.options import SPACING, RunOptions
from hubbub.studies.propagation import report as propagation_report
from hubbub.studies.propagation.baselines import REFERENCES, TIES, errors, predictions
from hubbub.studies.propagation.example_cascades import made_cascades
from hubbub.studies.propagation.fit import FEWEST, fit, folds
from hubbub.studies.propagation.pace import Pace
from hubbub.studies.propagation.report import FITTED, REAL, SHIPPED, THREE
from hubbub.studies.propagation.society import drivers, simulate, society
from hubbub.studies.statistics import Hypothesis, compare
from hubbub.studies.study import Study
from hubbub.studies.trials import VALUES, Finding, Results, StudyOptions, Trial, TrialOutcome

Curves = NDArray[np.float64]

#: A prediction is the mean of this many simulated days; and the default number of replicates.
DAYS, REPLICATES = 4, 3
_WITH_MODEL = 1, 1
#: Folds of the cascades: each is predicted by the pace fitted to the others.
FOLDS = 10
#: Number of cascades whose curves are kept, of evenly spread sizes.
EXAMPLES = 6
_SEED = 15
#: The flag to simulate only with the pace fitted to the other folds.
HELD_OUT = "held_out"
#: The flag to use only the cascades that OASIS simulated.
ONLY_OASIS = "only_oasis"


class PropagationStudy(Study):
    """The study. Input: `cascades`, a folder; flags: `only_oasis`, `held_out`.

    Overrides are those of the scenario, and `pace.NAME` for a parameter of Pace. `pace` names a
    file that `hubbub calibrate propagation` wrote, which replaces the shipped parameters. `model`
    names a language model that drives the known people (described by models.NAME...). Then a
    prediction is one day, and only the pace fitted to other cascades is used, if there is one.
    """

    name = "propagation"
    title = "Propagation of messages over known ties"
    question = "How well is the spread of real messages predicted from who follows whom?"
    version = 1
    takes = frozenset({"cascades", ONLY_OASIS, HELD_OUT})

    def trials(self, options: StudyOptions) -> Sequence[Trial]:
        """Return the predictions: simulated ones by replicate, and one of each baseline."""
        cascades, model = _cascades(options), _model(options)
        pace, scenario = split_overrides(options.overrides)
        first = SPACING * RunOptions.of(options).seed + _SEED
        days, replicates = _WITH_MODEL if model else (DAYS, REPLICATES)
        settings = {"days": days, "scenario": scenario}
        arms: dict[str, dict[str, Any]] = {}
        if HELD_OUT in options.flags or len(cascades) * (FOLDS - 1) // FOLDS >= FEWEST:
            arms[FITTED] = {**settings, "folds": FOLDS}
        if HELD_OUT not in options.flags and not (model and arms):
            arms[SHIPPED] = {**settings, "pace": pace.model_dump(mode="json")}
        society(cascades[_smallest(cascades)].ties, pace, _SEED, scenario)  # bad settings fail here
        simulated = [
            Trial(arm, i, first + i, plain)
            for arm, plain in arms.items()
            for i in range(options.replicates or replicates)
        ]
        return simulated + [Trial(name, 0, 0) for name in (REAL, *(r.name for r in REFERENCES))]

    def scenario(self, trial: Trial, options: StudyOptions) -> Scenario | None:
        """Return the society of the smallest cascade alone, on a trial's first day.

        In a trial, all cascades share the day, in circles without ties between them.
        """
        if not _simulates(trial):
            return None
        cascades = _cascades(options)
        i = _smallest(cascades)
        pace = _paces(cascades, trial)[i]
        return society(cascades[i].ties, pace, trial.seed * DAYS, trial.settings["scenario"])

    def hypotheses(self, options: StudyOptions) -> Sequence[Hypothesis]:
        """Return the predictions that the simulation errs less than each baseline."""
        return _predictions(self.trials(options)[0].arm)

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Return the errors of one prediction, its mean curves and examples."""
        cascades = _cascades(options)
        real = np.stack([c.curves() for c in cascades])
        if trial.arm == REAL:
            predicted = real
        elif _simulates(trial):
            predicted = predict(cascades, trial)
        else:
            predicted = predictions(cascades)[trial.arm]
        return _outcome(cascades, real, predicted)

    def judge(self, results: Results, options: StudyOptions) -> Sequence[Finding]:
        """Return whether the simulation errs less than each baseline, paired over cascades."""
        mine = propagation_report.simulated_arm(results)
        return compare(by_cascade(results), _predictions(mine), seed=_SEED)

    def figures(self, results: Results, options: StudyOptions) -> Sequence[Figure]:
        """Return errors beside those of the baselines, by label, mean curves and examples."""
        return propagation_report.figures(results)

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> Sequence[str]:
        """Return what was done, found and not found, and the assumptions."""
        made = "cascades" not in options.inputs
        return propagation_report.story(results, findings, made=made, model=_model(options))


def study() -> PropagationStudy:
    return PropagationStudy()


def _predictions(simulated: str) -> list[Hypothesis]:
    return [
        Hypothesis(
            f"The simulation predicts {measure.replace('_', ' ')} with a smaller error than "
            f"the reference that knows {reference.knows}.",
            f"error {measure}", simulated, reference.name, "less", "paired",
        )
        for reference in THREE
        for measure in MEASURES
        if (reference, measure) != (TIES, "scale")  # the whole tree's scale is its users: SIZE
    ]  # fmt: skip


def _model(options: StudyOptions) -> str | None:
    """Return the model that drives the known people; ScenarioError for several, or for a judge."""
    asked = RunOptions.of(options)
    if asked.judge or len(asked.models) > 1:
        raise ScenarioError("the study 'propagation' takes one model, and no judge of texts")
    return asked.models[0] if asked.models else None


def _smallest(cascades: Sequence[Cascade]) -> int:
    return min(range(len(cascades)), key=lambda i: len(cascades[i].ties))


def _simulates(trial: Trial) -> bool:
    return "days" in trial.settings


def split_overrides(given: Mapping[str, Any]) -> tuple[Pace, dict[str, Any]]:
    """Split overrides by dotted name into the pace they describe and those of the scenario.

    `pace` is a file of parameters, `pace.NAME` one of them; `model` drives the known people. The
    study's `seed` belongs to neither.
    """
    pace: dict[str, Any] = {}
    scenario: dict[str, Any] = {}
    for name, value in given.items():
        if name == "pace":
            pace = {**read_pace(Path(str(value))).model_dump(), **pace}
        elif name.startswith("pace."):
            pace[name.removeprefix("pace.")] = value
        elif name == "model":
            scenario["agents"] = drivers(str(value))
        elif name != "seed":
            scenario[name] = value
    return Pace(**pace), scenario


def read_pace(path: Path) -> Pace:
    """Return the pace in a file of parameters; DataError if it cannot be read."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("pace"), dict):
        raise DataError(f"{path}: there is no 'pace:' with parameters in it")
    return Pace(**content["pace"])


def predict(cascades: Sequence[Cascade], trial: Trial) -> Curves:
    """Return the mean curves of the trial's simulated days, float64[c, 3, 51]."""
    settings, paces = trial.settings, _paces(cascades, trial)
    ties = [c.ties for c in cascades]
    days = range(trial.seed * DAYS, trial.seed * DAYS + settings["days"])
    drawn = [simulate(ties, paces, seed, settings["scenario"]) for seed in days]
    mean: Curves = np.mean(drawn, axis=0)
    return mean


def _paces(cascades: Sequence[Cascade], trial: Trial) -> list[Pace]:
    """Return the pace that a trial gives each cascade."""
    if "folds" in trial.settings:
        return paces_by_fold(cascades, trial.settings["folds"])
    return [Pace(**trial.settings["pace"])] * len(cascades)


def paces_by_fold(cascades: Sequence[Cascade], count: int) -> list[Pace]:
    """Return for each cascade the pace fitted to the other folds."""
    fold = folds(len(cascades), count, _SEED)
    fitted = [fit([c for c, f in zip(cascades, fold, strict=True) if f != k]) for k in range(count)]
    return [fitted[k] for k in fold]


def by_cascade(results: Results) -> pa.Table:
    """Return the errors by cascade as VALUES, with the cascade's number as replicate.

    They are means over the replicates of an arm.
    """
    table = results.tables["cascades"]
    mean = table.group_by(["arm", "cascade", "measure"], use_threads=False).aggregate(
        [("error", "mean")]
    )
    number = {name: i for i, name in enumerate(sorted(set(mean["cascade"].to_pylist())))}
    replicate = [number[name] for name in mean["cascade"].to_pylist()]
    measure = [f"error {name}" for name in mean["measure"].to_pylist()]
    columns = [mean["arm"], replicate, [0] * len(mean), measure, mean["error_mean"]]
    return pa.table(dict(zip(VALUES.names, columns, strict=True)), schema=VALUES)


@cache
def _read(folder: Path, *, only_oasis: bool) -> list[Cascade]:
    return read_cascades(folder, only_oasis=only_oasis)


def _cascades(options: StudyOptions) -> list[Cascade]:
    """Return the cascades of a study: those given, or made-up ones."""
    folder, only_oasis = options.inputs.get("cascades"), ONLY_OASIS in options.flags
    if folder is None:
        if only_oasis:
            raise ScenarioError(
                "--only-oasis picks some of real cascades: give --cascades DIR, too"
            )
        return made_cascades()
    return _read(Path(folder), only_oasis=only_oasis)


def _outcome(cascades: Sequence[Cascade], real: Curves, predicted: Curves) -> TrialOutcome:
    found = errors(predicted, real)
    rows = [
        {
            "cascade": c.ties.name,
            "label": c.label,
            "users": len(c.ties),
            "measure": measure,
            "real": float(real[i, m, -1]),
            "predicted": round(float(predicted[i, m, -1]), 6),
            "error": round(float(found[i, m]), 9),
        }
        for i, c in enumerate(cascades)
        for m, measure in enumerate(MEASURES)
        if real[i, m, -1] > 0
    ]
    values = {
        f"error {measure}": float(np.nanmean(found[:, m]))
        for m, measure in enumerate(MEASURES)
        if np.isfinite(found[:, m]).any()
    }
    return TrialOutcome(values, _curves(cascades, real, predicted), {"cascades": rows})


def _curves(
    cascades: Sequence[Cascade], real: Curves, predicted: Curves
) -> dict[str, list[tuple[float, float]]]:
    """Return the mean curves as shares of the real values at 150 minutes, and the examples."""
    curves = {}
    for m, measure in enumerate(MEASURES):
        some = real[:, m, -1] > 0
        shares = predicted[some, m] / real[some, m, -1:]
        if some.any():
            curves[f"mean {measure}"] = _points(shares.mean(axis=0))
    by_size = sorted(range(len(cascades)), key=lambda i: (len(cascades[i].ties), i))
    places = np.linspace(0, len(by_size) - 1, min(EXAMPLES, len(by_size))).round().astype(int)
    for i in (by_size[p] for p in places):
        curves[f"scale of {cascades[i].ties.name}"] = _points(predicted[i, 0])
    return curves


def _points(y: NDArray[np.float64]) -> list[tuple[float, float]]:
    return [(float(t), round(float(v), 6)) for t, v in zip(MINUTES, y, strict=True)]
