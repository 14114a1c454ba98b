"""Surveys of a stored run: whom to ask, and the answers."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from rich.console import Console

from hubbub.cli.progress import RunProgress
from hubbub.cli.screen import clean, console, heading, table
from hubbub.config import load_survey
from hubbub.config.prompts import QuestionConfig, SurveyConfig
from hubbub.config.text import parse_value
from hubbub.engine import Simulation
from hubbub.engine.models.surveys import as_survey
from hubbub.errors import ModelError, RunError, ScenarioError
from hubbub.mind.survey import asked
from hubbub.mind.survey_reply import labels

#: Answers in an agent's own words that are printed per question.
_SHOWN = 5

Rows = list[dict[str, Any]]


def survey_of(
    questions: Path | None,
    ask: Sequence[str],
    where: Sequence[str],
    model: str | None,
) -> SurveyConfig:
    """Return the survey of a file, or of questions given by themselves, as the options change it.

    ScenarioError if there are no questions, or both.
    """
    if (questions is None) == (not ask):
        raise ScenarioError("give a file of questions, or --ask 'What do you think of ...?'")
    survey = as_survey(ask if questions is None else load_survey(questions), model)
    if where:
        survey = survey.model_copy(update={"where": dict(map(_condition, where))})
    return survey


def hold(
    folder: Path,
    survey: SurveyConfig,
    *,
    agents: str | None,
    out: Path | None,
    overrides: Mapping[str, Any],
) -> None:
    """Hold a survey after the last step of a run, keep the answers with it, and print them."""
    progress = RunProgress()
    with progress.busy(f"reading {folder} ..."):
        sim = Simulation.resume(folder, overrides=overrides)
    with sim:
        _check_models(sim, survey, folder)
        names = None if agents is None else [_who(name) for name in agents.split(",")]
        with progress.busy("asking ..."):
            rows: Rows = sim.survey(survey, agents=names).arrow.to_pylist()
        _say_who(sim, survey, rows, named=names is not None, progress=progress)
    print_answers(survey, rows, console())
    if out is not None:
        _write_csv(rows, out)
        progress.say(f"wrote {out}")


def print_answers(survey: SurveyConfig, rows: Rows, screen: Console) -> None:
    """Print what was answered, question by question; what could not be read is counted apart."""
    for question in survey.questions:
        given = [row for row in rows if row["question"] == question.name]
        valid = [row for row in given if row["valid"]]
        title = f"{question.name}: {' '.join(question.ask.split())}"
        match question.kind:
            case "text":
                answers = [(r["agent"], r["user_name"], r["answer"]) for r in valid[:_SHOWN]]
                table(screen, clean(title), ["agent", "name", "answer"], answers)
                if len(valid) > _SHOWN:
                    screen.print(f"and {len(valid) - _SHOWN:,} more", soft_wrap=True)
            case "choice" | "likert":
                table(screen, clean(title), ["answer", "agents", "share"], _counts(question, valid))
            case "number":
                heading(screen, clean(title))
        screen.print(_figures(question, given, valid), soft_wrap=True)


def _counts(question: QuestionConfig, valid: Rows) -> list[tuple[str, int, str]]:
    known = labels(question)
    first = 1 if question.kind == "likert" else 0
    counts = Counter(int(row["value"]) - first for row in valid)
    names = [f"{i} {label}" for i, label in enumerate(known, 1)] if first else known
    total = max(len(valid), 1)
    return [(name, counts[i], f"{counts[i] / total:.0%}") for i, name in enumerate(names)]


def _figures(question: QuestionConfig, given: Rows, valid: Rows) -> str:
    """Return the line below a question: how many answered, the mean, and what failed."""
    parts = [f"n {len(valid):,}"]
    values = [row["value"] for row in valid]
    if values and question.kind in ("likert", "number"):
        parts.append(f"mean {fmean(values):,.2f}")
    if values and question.kind == "number":
        parts.append(f"from {min(values):,.6g} to {max(values):,.6g}")
    failed = Counter(row["reason"] for row in given if not row["valid"])
    if failed:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(failed.items()))
        parts.append(f"without a valid answer {failed.total():,} ({reasons})")
    return ", ".join(parts)


def _check_models(sim: Simulation, survey: SurveyConfig, folder: Path) -> None:
    models = sim.scenario.models
    if not models:
        raise ModelError(
            f"{folder} has no language model that could answer; name one:  "
            "--model NAME --set models.NAME.urls=[http://localhost:8000/v1]"
        )
    if survey.model is not None and survey.model not in models:
        raise ModelError(f"there is no model '{survey.model}'; the run has {', '.join(models)}")


def _say_who(
    sim: Simulation, survey: SurveyConfig, rows: Rows, *, named: bool, progress: RunProgress
) -> None:
    """Say who was asked and how many could not be; ModelError if that is all of them."""
    world = sim.world
    n = len({row["agent"] for row in rows})
    without = 0
    if not named and survey.model is None:
        nobody = np.zeros(len(world.agents), np.bool_)
        held = survey.model_copy(update={"name": rows[0]["survey"] if rows else survey.name})
        without = len(asked(held, world, world.streams, nobody)[1]) - n
    if not n and without:
        raise ModelError(
            f"none of the {without:,} agents is driven by a model; name one that answers for "
            f"them:  --model {next(iter(sim.scenario.models))}"
        )
    if not n:
        raise ScenarioError(f"no agent meets {survey.where or 'the conditions'}")
    left = f"; left out, because no model drives them: {without:,}" if without else ""
    name = clean(rows[0]["survey"])
    progress.say(f"survey '{name}' after step {sim.t:,}, agents asked: {n:,}{left}")


def _who(name: str) -> int | str:
    name = name.strip()
    return int(name) if name.isdecimal() else name


def _condition(text: str) -> tuple[str, Any]:
    field, equals, value = text.partition("=")
    if not equals or not field.strip():
        raise ScenarioError(f"'{text}' is not a condition: write it like --where country=Norway")
    return field.strip(), parse_value(value, f"the value of {field.strip()}")


def _write_csv(rows: Rows, out: Path) -> None:
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror}") from None
