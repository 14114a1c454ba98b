"""Many profiles at once."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from hubbub.world.profiles import Profiles


@given(st.lists(st.integers(0, 4)))
def test_rows_are_what_each_agent_is(agents: list[int]) -> None:
    early = {"user_name": ["a", "b", "c"], "name": ["A", None, "C"], "age": [1, 2, None]}
    profiles = Profiles(pa.table({**early, "bio": pa.array(["x", "y", "x"]).dictionary_encode()}))
    profiles.append({"user_name": "d", "job": "cook", "bio": None})
    profiles.append({"user_name": "e"})
    assert profiles.rows(agents) == [profiles[a] for a in agents]
    assert profiles.user_names(agents) == ["abcde"[a] for a in agents]
    some = profiles.rows(agents, ("user_name", "age"))
    assert [r.get("age") for r in some] == [profiles[a].get("age") for a in agents]
