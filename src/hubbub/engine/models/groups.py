"""Groups of agents driven by models: what each is told, and the form of its replies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hubbub.config.prompts import PromptConfig
from hubbub.config.scenario import Scenario
from hubbub.mind.lookup import Lookup
from hubbub.mind.prompt import Prompter
from hubbub.mind.reply import ReplyForm
from hubbub.mind.turn import TurnContext
from hubbub.platform import Platform
from hubbub.policy import Observation
from hubbub.policy.mix import PolicyMix
from hubbub.time import Clock
from hubbub.world import World

#: Tokens of the JSON around the texts of a reply, and characters per token.
_FRAME, _CHARS = 24, 3
_SHORTEST = 40
_AT_ONCE = 4_096  # personas that are checked at a time


@dataclass(frozen=True, slots=True)
class PromptProfile:
    """What the agents of one group share: the model, the prompt, the form of the reply."""

    model: str
    max_tokens: int
    prompt: PromptConfig
    prompter: Prompter
    form: ReplyForm


class ModelGroups:
    """The prompt profiles of all groups under the settings in force."""

    def __init__(
        self, world: World, scenario: Scenario, platform: Platform, mix: PolicyMix, clock: Clock
    ) -> None:
        """Build the profiles and check templates; ScenarioError if one uses an unknown field."""
        self._world, self._scenario, self._mix = world, scenario, mix
        self._platform, self._clock = platform, clock
        self._products = [world.texts[int(t)] for t in world.products["text"]]
        self._prompters: dict[str, Prompter] = {}
        self._forms: dict[int, ReplyForm] = {}
        self.profiles = {
            g: self._manner(group.model, group.prompt or scenario.prompt)
            for g, group in enumerate(scenario.agents)
            if group.model is not None
        }

    def _manner(self, model: str, prompt: PromptConfig) -> PromptProfile:
        max_tokens = self._scenario.models[model].max_tokens
        if max_tokens not in self._forms:
            self._forms[max_tokens] = self._form(max_tokens)
        form = self._forms[max_tokens]
        return PromptProfile(model, max_tokens, prompt, self._prompter(prompt, form), form)

    def _form(self, max_tokens: int) -> ReplyForm:
        """Return the form of replies that fit into this number of tokens."""
        actions = self._scenario.turns.max_actions
        room = max(_SHORTEST, (max_tokens - _FRAME * actions) * _CHARS // actions)
        return ReplyForm(
            self._world.table,
            self._platform.allowed,
            max_actions=actions,
            products=self._products,
            queries=self._scenario.turns.max_calls > 1,
            max_text=min(self._platform.max_text_length, room),
        )

    def _prompter(self, prompt: PromptConfig, form: ReplyForm) -> Prompter:
        key = prompt.model_dump_json()
        if key not in self._prompters:
            preset = self._scenario.platform.preset
            self._prompters[key] = Prompter(
                self._world, prompt=prompt, form=form, preset=preset, clock=self._clock
            )
        return self._prompters[key]

    @property
    def stale(self) -> bool:
        """Whether the world now offers more than the forms of replies allow for."""
        return len(self._world.products) != len(self._products)

    def renewed(self) -> ModelGroups:
        """Return the groups for the world as it is now."""
        return ModelGroups(self._world, self._scenario, self._platform, self._mix, self._clock)

    def group_of(self, agents: NDArray[np.int32]) -> NDArray[np.int16]:
        """Return the group of each agent, int16[k], -1 for none."""
        return self._mix.assignment(self._world)[agents]

    def drives(self, agents: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which of the agents are driven by a model, bool[k]."""
        return self.modelled()[agents]

    def modelled(self) -> NDArray[np.bool_]:
        """Return which agents are driven by a model, bool[n]."""
        return self._mix.modelled(self._world)

    def model_of(self, agent: int) -> str | None:
        """Return the name of the model that drives an agent, None if none does."""
        profile = self.profiles.get(int(self.group_of(np.array([agent]))[0]))
        return profile.model if profile else None

    def persona(self, agent: int) -> str:
        """Return the description of an agent that its prompts contain."""
        profile = self.profiles.get(int(self.group_of(np.array([agent]))[0]))
        if profile is not None:
            return profile.prompter.persona(agent)
        return self._strangers.persona(agent)

    @cached_property
    def _strangers(self) -> Prompter:
        """For agents without a model, whom a survey asks through another model."""
        return self._prompter(self._scenario.prompt, self._form(200))

    def check(self) -> None:
        """Raise ScenarioError if a template fails on an agent of its group."""
        group_of = self._mix.assignment(self._world)
        for g, profile in self.profiles.items():
            if profile.prompt.persona is not None:
                members = np.flatnonzero(group_of == g).tolist()
                for first in range(0, len(members), _AT_ONCE):
                    profile.prompter.personas.of(members[first : first + _AT_ONCE])

    def context(self, profile: PromptProfile, seen: Observation) -> TurnContext:
        """Return what the turns of these agents, all of one group, share."""
        return TurnContext(
            model=profile.model,
            system=profile.prompter.system,
            form=profile.form,
            lookup=Lookup(seen, profile.prompter, self._platform),
            post_of=lambda comment: int(self._world.items["ref"][comment]),
            max_calls=self._scenario.turns.max_calls,
            max_tokens=profile.max_tokens,
        )
