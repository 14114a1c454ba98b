"""Model providers by dotted path: a run, its replay, limits, errors; and their check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hubbub as hb
from engine import providers
from engine.model_scenarios import talkative
from hubbub.testing import Completion, ValidModel, check_provider

HERE = "engine.providers"


def served(name: str, **limits: Any) -> hb.Scenario:
    model = {"provider": f"{HERE}:{name}", "limits": {"concurrency": 3, **limits}}
    return talkative(models={"small": model})


def test_a_run_by_a_provider_is_replayed_without_it(tmp_path: Path) -> None:
    providers.Valid.most = 0
    with hb.Simulation(served("Valid"), out=tmp_path / "run") as sim:
        sim.run()
        digest, usage = sim.digest(), sim.usage()["small"]
        assert usage.requests == usage.completions == sim.completions().num_rows > 30
    assert 1 < providers.Valid.most <= 3, "calls run at once, within the limit"
    with hb.Simulation(served("Valid"), stand_ins={"small": ValidModel(1)}) as same:
        same.run()
        assert same.digest() == digest
    with hb.Simulation(served("Broken"), replay=tmp_path / "run") as again:
        again.run()
        assert again.digest() == digest


def test_failed_attempts_are_repeated() -> None:
    with hb.Simulation(served("Moody", attempts=9)) as sim:
        sim.run(2)
        assert sim.usage()["small"].retries > 0
        assert all(row["reply"] for row in sim.completions().to_pylist())


def test_a_provider_that_does_not_work_ends_the_run_with_its_name() -> None:
    message = r"provider engine\.providers:Broken does not work: AttributeError: .*no_such_field"
    with hb.Simulation(served("Broken")) as sim, pytest.raises(hb.ModelError, match=message):
        sim.run()
    message = "engine.providers:Odd must return a str or a Completion, not int"
    with hb.Simulation(served("Odd")) as sim, pytest.raises(hb.ModelError, match=message):
        sim.run()
    message = "'engine.providers:Plain' has no method 'async def complete"
    with pytest.raises(hb.ModelError, match=message):
        hb.Simulation(served("Plain")).reset()
    with pytest.raises(hb.ScenarioError, match=r"has no 'Vald' .did you mean 'Valid'"):
        hb.Simulation(served("Vald")).reset()


def test_a_slow_provider_times_out() -> None:
    with hb.Simulation(served("Slow", timeout_seconds=0.05, attempts=1)) as sim:
        sim.step()
        failures = {row["failure"] for row in sim.completions().to_pylist()}
    assert failures == {"timeout"}


def test_one_place_is_given() -> None:
    with pytest.raises(hb.ScenarioError, match="exactly one of urls, urls_file, local, provider"):
        talkative(models={"small": {"provider": "a:B", "urls": ["http://localhost:1/v1"]}})
    kept = talkative(models={"small": {"urls": ["http://localhost:1/v1"]}})
    assert "provider" not in kept.model_dump_json()


class Textless:
    async def complete(self, request: object) -> Completion:
        return Completion(None)


class Counting:
    async def complete(self, request: object) -> Completion:
        return Completion("hi", prompt_tokens=-1)


class Open:
    async def complete(self, request: object) -> str:
        return "hi"

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (providers.Broken, "complete raises AttributeError"),
        (providers.Odd(), "must return a str or a Completion, not int"),
        (providers.Plain, "needs a method: async def complete"),
        (providers.Slow, "does not return within 0.1 s"),
        (Textless, "needs a failure"),
        (Counting, "whole numbers from 0 on"),
        (Open, "close must be async"),
    ],
)
def test_the_check_says_what_is_wrong(provider: Any, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_provider(provider, seconds=0.1)


def test_the_check_passes_what_works() -> None:
    check_provider(f"{HERE}:Valid")
    check_provider(providers.Valid, extra={"seed": 2})
