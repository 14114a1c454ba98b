"""Holding a survey: agents answer on the world as it stands, and the run keeps what they say."""

from __future__ import annotations

from collections.abc import Sequence

from hubbub.config.prompts import SurveyConfig
from hubbub.engine.models.surveys import SurveySitting
from hubbub.engine.society import Society
from hubbub.errors import ModelError
from hubbub.platform import apply
from hubbub.store import RunStore


def hold_survey(
    society: Society, store: RunStore, survey: SurveyConfig, agents: Sequence[int] | None = None
) -> None:
    """Hold a survey among `agents`, or those it selects itself, and commit the answers.

    ModelError if the society has no models. BudgetSpent, before anything is asked, if the budget
    cannot pay for it. The replies that came before any other error are kept: they are paid for.
    """
    turns, world = society.model_turns, society.world
    if turns is None:
        raise ModelError(
            "no model drives anyone in this run; name one for the survey (its `model`)"
        )
    sitting = SurveySitting(survey, turns.panel(survey.name), agents)
    try:
        sitting.hold()
    except BaseException:
        store.keep(sitting.completions)
        raise
    calls, answers = sitting.completions, sitting.answers()
    remembered = sitting.remembered() if survey.remember else None
    if remembered is None or not len(remembered):
        store.add_answers(answers, calls)
        return
    rules, step = society.decider.platform.without_limits(), world.step
    events = apply(rules, world, remembered, step, environment=True)
    society.remember(step, events, None)
    society.changed(step, events, None)
    store.commit(world, step, events, None, finished=False, completions=calls, answers=answers)
