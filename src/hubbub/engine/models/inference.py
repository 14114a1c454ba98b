"""Where replies come from: models over HTTP or in this process, and the record of a run."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hubbub.config.scenario import Scenario
from hubbub.engine.models.replay import Replay
from hubbub.errors import ModelError, did_you_mean
from hubbub.llm.chat import Inferencer
from hubbub.mind.turn_records import Call
from hubbub.store import RunStore

if TYPE_CHECKING:
    from hubbub.llm.inferencer import Answering, LiveInferencer
    from hubbub.llm.local import LocalServer
    from hubbub.llm.usage import ModelUsage


@dataclass(frozen=True, slots=True)
class Replies:
    """Where a simulation takes replies from.

    `stand_ins` answer in this process in place of models, by name. With `replay`, the folder of a
    run, replies come from its record; what is not there is an error, unless `only_missing` says to
    ask the model for it.
    """

    stand_ins: Mapping[str, Answering] = field(default_factory=dict)
    replay: Path | None = None
    only_missing: bool = False


class Inference:
    """The open connections of a simulation: one inferencer in front of all sources of replies."""

    def __init__(
        self,
        scenario: Scenario,
        names: Collection[str],
        replies: Replies,
        base: Path,
    ) -> None:
        """Open what these models need.

        ModelError if one can't be used, or there is none of that name; RunError for a bad record.
        """
        for name in names:
            if name not in scenario.models:
                hint = did_you_mean(name, scenario.models)
                raise ModelError(f"the scenario has no model '{name}'{hint}")
        self.names = frozenset(names)
        self._servers: list[LocalServer] = []
        self._record: RunStore | None = None
        self._live: LiveInferencer[Call] | None = None
        try:
            if replies.replay is None or replies.only_missing:
                self._open_live(scenario, names, replies, base)
            if replies.replay is not None:
                self._record = RunStore.open(replies.replay)
        except BaseException:
            self.close()
            raise

    def _open_live(
        self, scenario: Scenario, names: Collection[str], replies: Replies, base: Path
    ) -> None:
        # HTTP takes a quarter of a second to import, which a run without models need not pay
        from hubbub.llm.inferencer import LiveInferencer
        from hubbub.llm.local import start_local_models
        from hubbub.llm.weights import cache_folder

        models = {name: scenario.models[name] for name in names}
        real = {n: m for n, m in models.items() if n not in replies.stand_ins}
        cache = cache_folder(os.environ)
        real, self._servers = start_local_models(real, cache=cache, base=base)
        stand_ins = {n: d for n, d in replies.stand_ins.items() if n in models}
        self._live = LiveInferencer({**models, **real}, stand_ins=stand_ins, base=base)

    def inferencer(self, own: RunStore | None) -> Inferencer[Call]:
        """Return the inferencer; of a run that was cut off, replies it has already come first."""
        source: Inferencer[Call] | None = self._live
        if self._record is not None:
            folder = str(self._record.folder)
            source = Replay(self._record.recorded(), source, source=folder)
        if own is not None:
            source = Replay(own.kept(), source, source="the run", failures=False)
        assert source is not None  # noqa: S101 - there is a record, or else live models
        return source

    def usage(self) -> dict[str, ModelUsage]:
        """Return how the endpoints of each model are doing."""
        return {} if self._live is None else self._live.usage()

    def close(self) -> None:
        """Close connections, local models and the record."""
        if self._live is not None:
            self._live.close()
        for server in self._servers:
            server.close()
        if self._record is not None:
            self._record.close()
        self._live = self._record = None
        self._servers = []
