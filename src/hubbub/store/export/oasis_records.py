"""The numbers of likes, follows, reports, ... in an OASIS export."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubbub.store.export.oasis_source import OasisSource
from hubbub.store.ledger import Ids, Ledger, Standing
from hubbub.world import keys_of


class RecordNumbers:
    """The numbers of the records of one pair set, as OASIS counts them up from 1.

    Records on posts and on comments are counted separately; those from before step 1 come first. A
    record that ended leaves a gap.
    """

    def __init__(self, ledger: Ledger, pair_set: str, source: OasisSource) -> None:
        self.changes = ledger.changes(pair_set)
        made = self.changes.sign > 0
        post = np.ones(len(made), np.bool_)
        if ledger.pair_sets[pair_set] == "item":
            post = source.is_post[self.changes.right]
        self._events = [self.changes.event[made & chosen] for chosen in (post, ~post)]
        is_follow = pair_set == "follow"
        self._start = keys_of(*ledger.follows) if is_follow else np.empty(0, np.int64)

    def of(self, pairs: Standing) -> list[int]:
        """Return the numbers of pairs that stand."""
        numbers = self.numbers(pairs.event)
        start = pairs.event == 0
        keys = keys_of(pairs.left[start], pairs.right[start])
        numbers[start] = 1 + np.searchsorted(self._start, keys)
        return list(numbers.tolist())

    def numbers(self, events: Ids) -> NDArray[np.int64]:
        """Return the numbers of the records that these events made."""
        result = np.zeros(len(events), np.int64)
        for known in self._events:
            if len(known):
                at = np.searchsorted(known, events)
                found = known[np.minimum(at, len(known) - 1)] == events
                result[found] = 1 + len(self._start) + at[found]
        return result

    def concerned(self, events: Ids) -> NDArray[np.int64]:
        """Return the numbers of the records that these events made or ended."""
        return self.numbers(self.changes.made[np.searchsorted(self.changes.event, events)])
