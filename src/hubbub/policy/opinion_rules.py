"""How opinions move with what agents see."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hubbub.actions import NO_STANCE, SCALE, Kind, OpinionChanges
from hubbub.config.scenario import OpinionConfig
from hubbub.policy.base import Observation
from hubbub.policy.choice_kernel import ItemColumns, Shown, item_columns
from hubbub.policy.custom_rule import CustomRule, load_rule

_MODELS = ("bounded-confidence", "friedkin-johnsen", "biased-assimilation")
_NO_STANCE, _SCALE, _REPOST = NO_STANCE, SCALE, int(Kind.repost)


class Rule(NamedTuple):
    """A model (a row of _MODELS) and its parameters; `power` is y**bias for y = 0, ..., 1."""

    model: int
    step: float
    confidence: float
    stubbornness: float
    power: NDArray[np.float64]


def rule_of(config: OpinionConfig) -> Rule | CustomRule | None:
    """Return the compiled or custom rule of the scenario's opinion model, None for no movement.

    ScenarioError for a custom rule that cannot be imported.
    """
    if config.model == "none":
        return None
    if ":" in config.model:
        return load_rule(config)
    y = np.arange(2 * SCALE + 1) / (2 * SCALE)
    power = np.round(y**config.bias, 12)  # the last bit of a library's power must not matter
    model = _MODELS.index(config.model)
    return Rule(model, config.step, config.confidence, config.stubbornness, power)


def opinion_changes(obs: Observation, shown: Shown, rule: Rule | CustomRule) -> OpinionChanges:
    """Return how the opinions x of the agents move, post by post in the order of the slates.

    A post on topic T with stance s moves a viewer's opinion x on T by, with mu = step,

    - bounded-confidence (Deffuant et al. 2000; Hegselmann and Krause 2002):
      mu (s - x) if |s - x| <= confidence, else not at all;
    - friedkin-johnsen (Friedkin and Johnsen 1990), g = stubbornness, x0 the opinion at the start:
      mu ((1 - g)(s - x) + g (x0 - x)), whose rest point is g x0 + (1 - g) mean(s);
    - biased-assimilation (Dandekar, Goel and Lee 2013), b = bias, on y = (x + 1)/2, z = (s + 1)/2:
      y becomes (y + mu y^b z) / (1 + mu (y^b z + (1 - y)^b (1 - z))).

    Each result is rounded to 1/SCALE. Posts of unknown topic or stance move nobody. Each (agent,
    topic) is returned at most once, in the order first seen, and only if it changed.
    """
    if isinstance(rule, CustomRule):
        return rule.changes(obs.world, obs.step, shown)
    people = obs.world.agents
    agent, topic, value = _move(
        shown, item_columns(obs.world.items), people["opinion"], people["opinion_start"], rule
    )
    return OpinionChanges(agent, topic, value)


@njit(cache=True, nogil=True)
def _move(
    shown: Shown,
    items: ItemColumns,
    opinion: NDArray[np.int16],
    start: NDArray[np.int16],
    rule: Rule,
) -> tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.int16]]:
    agents = np.empty(len(shown.items), np.int32)
    topics = np.empty(len(shown.items), np.int16)
    values = np.empty(len(shown.items), np.int16)
    done = 0
    for row in range(len(shown.agents)):
        agent, mine = shown.agents[row], done
        for at in range(shown.offsets[row], shown.offsets[row + 1]):
            item = shown.items[at]
            if items.kind[item] == _REPOST:
                item = items.ref[item]
            topic, stance = items.topic[item], items.stance[item]
            if topic < 0 or stance == _NO_STANCE:
                continue
            slot = mine
            while slot < done and topics[slot] != topic:
                slot += 1
            if slot == done:
                agents[slot], topics[slot], values[slot] = agent, topic, opinion[agent, topic]
                done += 1
            values[slot] = _moved(values[slot], stance, start[agent, topic], rule)
        kept = mine
        for slot in range(mine, done):
            if values[slot] != opinion[agent, topics[slot]]:
                agents[kept], topics[kept] = agent, topics[slot]
                values[kept] = values[slot]
                kept += 1
        done = kept
    return agents[:done].copy(), topics[:done].copy(), values[:done].copy()


@njit(cache=True, nogil=True, inline="always")
def _moved(x: int, s: int, x0: int, rule: Rule) -> int:
    """Return the opinion x after a post of stance s, all fixed-point."""
    if rule.model == 0:
        new = float(x)
        if abs(s - x) <= rule.confidence * _SCALE:
            new += rule.step * (s - x)
    elif rule.model == 1:
        g = rule.stubbornness
        new = x + rule.step * ((1.0 - g) * (s - x) + g * (x0 - x))
    else:
        y, z = (x + _SCALE) / (2 * _SCALE), (s + _SCALE) / (2 * _SCALE)
        up = rule.step * rule.power[x + _SCALE] * z
        down = rule.step * rule.power[_SCALE - x] * (1.0 - z)
        new = (y + up) / (1.0 + up + down) * (2 * _SCALE) - _SCALE
    return min(max(int(np.floor(new + 0.5)), -_SCALE), _SCALE)
