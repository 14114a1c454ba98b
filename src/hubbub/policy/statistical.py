"""The built-in policy: a random-utility (multinomial logit) choice over everything in view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import NO_STANCE, NOTHING, ActionBatch, ActionTable
from hubbub.actions.spec import With
from hubbub.config.scenario import BehaviourConfig, OpinionConfig
from hubbub.platform.preconditions import fails_on_target, is_on_target, stands_for
from hubbub.policy.base import Observation
from hubbub.policy.choice_kernel import (
    Shown,
    UtilityWeights,
    agent_columns,
    choose,
    item_columns,
    pull,
    recency_table,
)
from hubbub.policy.choice_set import (
    ON_AUTHOR,
    ON_COMMENT,
    ON_POST,
    ChoiceSet,
    check_utilities,
    list_options,
    register,
)
from hubbub.policy.grammar import REGISTERS, Grammar
from hubbub.policy.opinion_rules import opinion_changes, rule_of
from hubbub.world import SOURCES, World

Ints = NDArray[np.int32]
#: Uniform numbers per turn and action: the choice, the topic or group, the text.
_CHOICE, _OBJECT, _TEXT, _WIDTH = 0, 1, 2, 3
_IN_NETWORK = SOURCES.index("in_network")


class StatisticalPolicy:
    """Chooses by utility, writes from a grammar, and lets opinions move. See docs/behaviour.md."""

    def __init__(
        self,
        behaviour: BehaviourConfig,
        opinions: OpinionConfig,
        table: ActionTable,
        topics: list[str],
        max_text_length: int | None = None,
    ) -> None:
        check_utilities(table, behaviour.base)
        self._behaviour = behaviour
        self._table = table
        self._rule = rule_of(opinions)
        self._recency = recency_table(behaviour.recency, behaviour.half_life)
        self._grammar = Grammar(topics, max_text_length)
        names = [register(spec) for spec in table]
        self._register = np.array([-1 if n is None else REGISTERS.index(n) for n in names], np.int8)
        self._inserts = np.array([spec.inserts is not None for spec in table])
        self._amount = np.array([spec.arg("amount") is not None for spec in table], np.int32)
        self._options: dict[tuple[bytes, bool, bool], ChoiceSet] = {}

    def decide(self, obs: Observation) -> ActionBatch:
        """Return one batch: what each agent does, and how its opinions change."""
        options = self._options_for(obs)
        weights = self._weights(obs, options)
        first = options.columns.first
        posts = shown_posts(obs)
        comments = _shown_comments(obs) if first[2] < first[3] else _nothing_shown(obs)
        waves = self._behaviour.actions_per_turn
        numbers = obs.uniform("statistical", _WIDTH * waves)
        numbers = numbers.reshape(len(obs.agents), waves, _WIDTH)
        items, people = item_columns(obs.world.items), agent_columns(obs.world.agents)
        vectors = obs.world.texts.vectors
        option, place = choose(
            obs.agents,
            (posts.offsets, comments.offsets),
            (
                pull(posts, items, vectors, people, weights, obs.step),
                pull(comments, items, vectors, people, weights, obs.step),
            ),
            people,
            weights,
            options.columns,
            np.ascontiguousarray(numbers[:, :, _CHOICE]),
        )
        batch = self._batch(obs, options, option, place, numbers)
        if self._rule is not None:
            batch.opinions = opinion_changes(obs, posts, self._rule)
        return batch

    def _options_for(self, obs: Observation) -> ChoiceSet:
        groups, products = len(obs.world.groups) > 0, len(obs.world.products) > 0
        key = (obs.allowed.tobytes(), groups, products)
        options = self._options.get(key)
        if options is None:
            options = list_options(
                self._table, obs.allowed, self._behaviour.base, groups=groups, products=products
            )
            self._options[key] = options
        return options

    def _weights(self, obs: Observation, options: ChoiceSet) -> UtilityWeights:
        b, columns = self._behaviour, options.columns
        return UtilityWeights(
            b.similarity,
            b.herding if obs.show_score else b.social_proof,
            obs.show_score,
            b.in_network,
            b.standing,
            b.agreement,
            b.trait_spread,
            b.contrarian_share,
            self._recency,
            not bool(columns.approving[columns.first[1] :].all()),
        )

    def _batch(
        self,
        obs: Observation,
        options: ChoiceSet,
        option: Ints,
        place: NDArray[np.int64],
        numbers: NDArray[np.float64],
    ) -> ActionBatch:
        """Return the chosen actions as a batch; what would be refused becomes doing nothing."""
        row, wave = np.nonzero(option > 0)
        picked, at, draws = option[row, wave], place[row, wave], numbers[row, wave]
        agent, code = obs.agents[row], options.code[picked]
        target, reply_to = _targets(obs, options, picked, at)
        self._pick_objects(obs.world, agent, code, target, draws[:, _OBJECT])
        keep = possible(obs.world, agent, code, target)
        row, wave, code, draws = row[keep], wave[keep], code[keep], draws[keep]
        batch = ActionBatch.blank(obs.agents[row], code)
        batch.wave[:] = wave
        batch.target[:], batch.reply_to[:] = target[keep], reply_to[keep]
        batch.amount[:] = self._amount[code]
        self._write(obs.world, batch, draws)
        quiet = self._table.idle
        if quiet >= 0 and obs.allowed[quiet]:
            idle = np.ones(len(obs.agents), np.bool_)
            idle[row[wave == 0]] = False
            batch = ActionBatch.concat([batch, ActionBatch.blank(obs.agents[idle], quiet)])
        return batch

    def _pick_objects(
        self, world: World, agent: Ints, code: Ints, target: Ints, draw: NDArray[np.float64]
    ) -> None:
        """Fill in the groups and products, of which a turn considers one each."""
        for c in np.unique(code).tolist():
            spec = self._table[c]
            if spec.target_kind not in ("group", "product"):
                continue
            rows = np.flatnonzero(code == c)
            own = next((r.pairs for r in spec.requires if isinstance(r, With)), None)
            if own is None:
                many = len(world.groups if spec.target_kind == "group" else world.products)
                target[rows] = (draw[rows] * many).astype(np.int32)
                continue
            offsets, partners = world.sets[own.name].rows(agent[rows])
            count = np.diff(offsets)
            some = count > 0
            at = offsets[:-1][some] + (draw[rows[some]] * count[some]).astype(np.int64)
            target[rows[some]] = partners[at]

    def _write(self, world: World, batch: ActionBatch, draws: NDArray[np.float64]) -> None:
        """Fill in topic, stance and text of the rows that need a text."""
        rows = np.flatnonzero(self._register[batch.action] >= 0)
        if not len(rows):
            return
        agent, kind = batch.agent[rows], self._register[batch.action[rows]]
        topic = own_topic(world, agent, draws[rows, _OBJECT])
        answers = np.flatnonzero((kind == _QUOTE) | (kind == _COMMENT))
        post = np.where(batch.reply_to[rows] >= 0, batch.reply_to[rows], batch.target[rows])
        topic[answers] = _topic_of(world, post[answers])
        known = topic >= 0
        stance = np.full(len(rows), NO_STANCE, np.int16)
        stance[known] = world.agents["opinion"][agent[known], topic[known]]
        batch.text[rows], batch.texts = self._grammar.write(kind, topic, stance, draws[rows, _TEXT])
        inserts = self._inserts[batch.action[rows]]
        batch.topic[rows[inserts]], batch.stance[rows[inserts]] = topic[inserts], stance[inserts]


_QUOTE, _COMMENT = REGISTERS.index("quote"), REGISTERS.index("comment")


def own_topic(world: World, agent: Ints, draw: NDArray[np.float64]) -> NDArray[np.int16]:
    """Return one of each agent's topics of interest, else the one nearest to its taste, int16[n].

    `draw` float64[n] in [0, 1) chooses among the topics.
    """
    bits = world.agents["topics"][agent]
    shifts = np.arange(len(world.topics), dtype=np.uint64)
    has = ((bits[:, None] >> shifts) & np.uint64(1)).astype(np.int64)
    rank = (draw * has.sum(axis=1)).astype(np.int64)
    chosen = (np.cumsum(has, axis=1) > rank[:, None]).argmax(axis=1)
    taste = world.agents["taste"][agent].astype(np.int32)
    nearest = (taste @ world.texts.topic_vectors.T).argmax(axis=1)
    topic: NDArray[np.int16] = np.where(has.any(axis=1), chosen, nearest).astype(np.int16)
    return topic


def possible(world: World, agent: Ints, code: Ints, target: Ints) -> NDArray[np.bool_]:
    """Return which of these asks a platform would not refuse for what they refer to, bool[n].

    Rating one's own item counts as refused, whatever the platform says. Of equal asks only the
    first is kept.
    """
    keep = np.ones(len(agent), np.bool_)
    resolved = target.copy()
    for c in np.unique(code).tolist():
        spec = world.table[c]
        rows = np.flatnonzero(code == c)
        who, what = agent[rows], stands_for(world, spec, target[rows])
        fine = what >= 0 if spec.target_kind else np.ones(len(rows), np.bool_)
        for check in filter(is_on_target, spec.requires):
            fine &= ~fails_on_target(world, check, who, what, allow_self_rating=False)
        resolved[rows], keep[rows] = what, fine
    if len(agent) and (agent[1:] > agent[:-1]).all():  # one ask of each
        return keep
    asks = np.stack([agent, code, resolved])
    first = np.zeros(len(agent), np.bool_)
    first[np.unique(asks, axis=1, return_index=True)[1]] = True
    return keep & first


def shown_posts(obs: Observation) -> Shown:
    """Return the posts on the slates."""
    slate = obs.slate
    return Shown(slate.agents, slate.offsets, slate.items, slate.sources == _IN_NETWORK)


def _shown_comments(obs: Observation) -> Shown:
    offsets, comments = obs.comments
    near = np.zeros(len(comments), np.bool_)
    return Shown(obs.agents, offsets[obs.slate.offsets], comments, near)


def _nothing_shown(obs: Observation) -> Shown:
    nobody = np.zeros(len(obs.agents) + 1, np.int64)
    return Shown(obs.agents, nobody, np.empty(0, np.int32), np.empty(0, np.bool_))


def _targets(
    obs: Observation, options: ChoiceSet, option: Ints, at: NDArray[np.int64]
) -> tuple[Ints, Ints]:
    """Return target and reply_to (int32[n]) of chosen options at these positions."""
    slate, (offsets, comments) = obs.slate, obs.comments
    kind, reply = options.kind[option], options.reply[option]
    target = np.full(len(option), NOTHING, np.int32)
    reply_to = target.copy()
    post, author, comment = kind == ON_POST, kind == ON_AUTHOR, kind == ON_COMMENT
    target[post] = slate.items[at[post]]
    shown = obs.world.targets(slate.items[at[author]])
    target[author] = obs.world.items["author"][shown]
    target[comment & ~reply] = comments[at[comment & ~reply]]
    reply &= comment
    reply_to[reply] = comments[at[reply]]
    target[reply] = slate.items[np.searchsorted(offsets, at[reply], side="right") - 1]
    return target, reply_to


def _topic_of(world: World, item: Ints) -> NDArray[np.int16]:
    """Return what an answer to these items is about: their topic, else that of their text."""
    answered = world.targets(item)
    topic: NDArray[np.int16] = world.items["topic"][answered].copy()
    text = world.items["text"][answered]
    unknown = (topic < 0) & (text >= 0)
    topic[unknown] = world.texts.topic[text[unknown]]
    return topic
