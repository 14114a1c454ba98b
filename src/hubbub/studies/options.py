"""The options of a built-in study: seed, settings, models, a judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hubbub.config.load import apply_overrides
from hubbub.errors import ScenarioError, did_you_mean
from hubbub.studies.drivers import STATISTICAL
from hubbub.studies.trials import StudyOptions, Trial

#: The overrides that are not a scenario's: what drives the agents, and what judges their texts.
MODEL, JUDGE = "model", "judge"
#: Replicates of a study with the seed s have the seeds s * SPACING + 0, 1, ...
SPACING = 10_000


@dataclass(frozen=True, slots=True)
class RunOptions:
    """A user's overrides, sorted by their purpose.

    `settings` are for the scenarios of all arms. `models` are the names of the models that drive
    agents (none: the statistical policy does). `judge` is the name of the model that judges texts.
    """

    seed: int
    settings: Mapping[str, Any]
    models: tuple[str, ...]
    judge: str | None
    replicates: int | None

    @property
    def drivers(self) -> tuple[str | None, ...]:
        """The models that drive agents, or only None for the statistical policy."""
        return self.models or (None,)

    @property
    def who(self) -> str:
        """What drives the agents, as part of a sentence."""
        return f"language models ({', '.join(self.models)})" if self.models else f"a {STATISTICAL}"

    @classmethod
    def of(cls, options: StudyOptions) -> RunOptions:
        """Return the options in these overrides.

        The override `model` is a name or a list of names, `judge` a name. ScenarioError for a name
        that no override ``models.NAME...`` describes, a bad seed, or less than one replicate.
        """
        settings = dict(options.overrides)
        seed, wanted = settings.pop("seed", 0), settings.pop(MODEL, [])
        judge = settings.pop(JUDGE, None)
        models = tuple([wanted] if isinstance(wanted, str) else wanted)
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**48:
            raise ScenarioError(f"seed: must be a whole number from 0 to 2**48, not {seed!r}")
        if options.replicates is not None and options.replicates < 1:
            raise ScenarioError(f"a study needs at least 1 replicate, not {options.replicates}")
        _check_described(
            settings, [*((MODEL, m) for m in models), *([(JUDGE, judge)] * bool(judge))]
        )
        return cls(seed, settings, models, judge, options.replicates)

    def trials(self, arms: Mapping[str, Mapping[str, Any]], replicates: int) -> list[Trial]:
        """Return a trial per arm and replicate, with the settings of the arm.

        Replicate r has one seed in all arms, so that arms can be compared in pairs. `replicates` is
        the number of them unless the user gives one.
        """
        count = self.replicates or replicates
        return [
            Trial(arm, r, self.seed * SPACING + r, settings)
            for arm, settings in arms.items()
            for r in range(count)
        ]


def _check_described(settings: Mapping[str, Any], names: list[tuple[str, Any]]) -> None:
    data = apply_overrides({}, {k: v for k, v in settings.items() if k.startswith("models")})
    known = list(data.get("models", {}))
    for key, name in names:
        if name not in known:
            raise ScenarioError(
                f"{key}: no model '{name}' is described{did_you_mean(str(name), known)}; describe "
                f"it, for example: models.{name}.urls=[http://localhost:8000/v1]"
            )
