"""The asking half of a simulation: surveys and interviews."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

import pyarrow.compute as pc

from hubbub.config.prompts import SurveyConfig
from hubbub.config.scenario import Scenario
from hubbub.engine.hold_survey import hold_survey
from hubbub.engine.looking import Looking
from hubbub.engine.models.budget import BudgetSpent
from hubbub.engine.models.surveys import as_survey, named_anew
from hubbub.mind.survey import due
from hubbub.store.table import Table


class Surveying(Looking):
    """A simulation whose agents can be asked questions."""

    scenario: Scenario

    @abstractmethod
    def _open_models(self, also: str | None = None) -> None:
        """Open the models that agents or surveys name, and this one."""

    @abstractmethod
    def _undone_on_error(
        self, *, but: type[BaseException] | tuple[()] = ()
    ) -> AbstractContextManager[None]:
        """Go back to what was committed at an error, `but` one before which nothing changed."""

    def survey(
        self,
        survey: SurveyConfig | str | Sequence[str],
        agents: Sequence[int | str] | None = None,
        *,
        model: str | None = None,
    ) -> Table:
        """Put questions to agents now, and return their answers, which are kept with the run.

        `survey` is a SurveyConfig, or one or more questions in words. `agents` (ids or user names)
        take the place of its conditions on who is asked, `model` that of its model. The world and
        the digest stay as they are, unless the survey says that agents remember it.
        """
        config = as_survey(survey, model)
        self._ready()
        if config.model is not None:
            self._open_models(config.model)
        chosen = None if agents is None else [self._agent(agent) for agent in agents]
        config = named_anew(config, self.store.surveys_held(), self.t)
        self._hold(config, chosen)
        held = self.store.answers()
        mine = pc.and_(pc.equal(held["survey"], config.name), pc.equal(held["step"], self.t))
        return Table(held.filter(mine))

    def _hold(self, survey: SurveyConfig, agents: Sequence[int] | None = None) -> None:
        society = self._ready()
        with self._undone_on_error(but=BudgetSpent):
            hold_survey(society, self.store, survey, agents)

    def _hold_due(self) -> None:
        """Hold the surveys that are due after the step the run is at, and were not held.

        If the budget does not reach for one, the run can't go on before it is held.
        """
        society, t = self._ready(), self.t
        held = self.store.surveys_held() if self.scenario.surveys else set()
        for survey in due(self.scenario.surveys, t):
            if (survey.name, t) in held:
                continue
            try:
                self._hold(survey)
            except BudgetSpent as spent:
                society.short = spent
                return
