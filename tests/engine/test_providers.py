"""Model providers by dotted path: a run, its replay, limits, errors; and their check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hubbub as hb
from engine import providers
from engine.model_scenarios import talkative
from hubbub.config.models import ModelConfig
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


@pytest.mark.parametrize("name", ["Moody", "made", "READY", "Broke"])
def test_failed_attempts_are_repeated(name: str) -> None:
    with hb.Simulation(served(name, attempts=9)) as sim:
        sim.run(2)
        usage = sim.usage()["small"]
        assert usage.retries > 0
        assert usage.completions == usage.requests
        assert all(row["reply"] for row in sim.completions().to_pylist())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Broken", r"raised AttributeError: .*no_such_field.* \(providers\.py, line \d+\)"),
        ("Quits", r"raised SystemExit: 3 \(providers\.py, line \d+\)"),
        ("Odd", "must return a str or a Completion, not int"),
    ],
)
def test_a_provider_that_does_not_work_ends_the_run_with_its_name(name: str, message: str) -> None:
    message = rf"^model 'small': the provider engine\.providers:{name} {message}$"
    with hb.Simulation(served(name)) as sim, pytest.raises(hb.ModelError, match=message):
        sim.run()


def test_a_provider_that_fails_each_time_ends_the_run_after_the_patience() -> None:
    message = (
        r"^model 'small': the provider engine\.providers:Mute has given no reply for 0\.5 s; its "
        r"last failure: raised KeyError: 'choices' \(providers\.py, line \d+\)$"
    )
    with (
        hb.Simulation(served("Mute", patience_seconds=0.5)) as sim,
        pytest.raises(hb.ModelError, match=message),
    ):
        sim.run()


def test_what_is_no_provider_is_named_at_the_start() -> None:
    message = "'engine.providers:Plain' has no method 'async def complete"
    with pytest.raises(hb.ModelError, match=message):
        hb.Simulation(served("Plain")).reset()
    with pytest.raises(hb.ScenarioError, match=r"has no 'Vald' .did you mean 'Valid'"):
        hb.Simulation(served("Vald")).reset()
    with pytest.raises(KeyError, match="TOKEN") as raised:
        hb.Simulation(served("Keyless")).reset()
    assert "models.small.provider: 'engine.providers:Keyless'" in raised.value.__notes__[0]


@pytest.mark.parametrize("name", ["Slow", "Deaf"])
def test_a_slow_provider_times_out(name: str) -> None:
    limits = {"timeout_seconds": 0.05, "attempts": 1, "concurrency": 99}
    with hb.Simulation(served(name, **limits)) as sim:
        sim.step()
        failures = {row["failure"] for row in sim.completions().to_pylist()}
    assert failures == {"timeout"}


def test_returned_failures_are_those_of_an_endpoint() -> None:
    providers.Failing.calls = 0
    with hb.Simulation(served("Failing")) as sim:
        sim.run(2)
        usage = sim.usage()["small"]
    assert usage.rate_limited == 1
    assert usage.failures == {"refused": usage.requests}, "a refused request is not repeated"
    assert providers.Failing.calls == usage.requests + 1


def test_a_key_is_never_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = {"provider": f"{HERE}:Leaky", "key_env": "LEAKY_KEY"}
    scenario = talkative(models={"small": model})
    with pytest.raises(hb.ModelError, match=r"LEAKY_KEY .key_env. is not set"):
        hb.Simulation(scenario).reset()
    monkeypatch.setenv("LEAKY_KEY", "secret-123456")
    sim = hb.Simulation(scenario)
    sim.run(1)
    assert sim.usage()["small"].retries == 1
    message = r"could not be closed: it raised OSError: \*\*\* is stuck"
    with pytest.raises(hb.ModelError, match=message):
        sim.close()
    assert "nobody looks at this" in caplog.text, "a task left alone is only reported"


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


class Jammed:
    async def complete(self, request: object) -> str:
        return "hi"

    def close(self) -> None:
        raise OSError("the door is stuck")


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (providers.Broken, r"^engine\.providers:Broken raised AttributeError: .* line \d+\)$"),
        (providers.Odd(), r"^engine\.providers:Odd must return a str or a Completion, not int$"),
        (providers.Plain, "Plain has no method 'async def complete"),
        (f"{HERE}:Plain", "^engine.providers:Plain has no method 'async def complete"),
        (f"{HERE}:Plane", "has no 'Plane' .did you mean 'Plain'"),
        (providers.Keyless, "Keyless raised KeyError: 'TOKEN'"),
        (providers.Slow, r"Slow gave no reply within 0\.1 s"),
        (providers.Deaf, r"Deaf gave no reply within 0\.1 s"),
        (providers.Failing, "Failing returned a Completion without a text: refused"),
        (providers.Blocking, r"Blocking blocks the event loop: 9 calls .* for \d"),
        (Textless, "its failure must be one of timeout, connection, "),
        (Counting, "whole numbers from 0 on"),
        (Jammed, "Jammed could not be closed: it raised OSError: the door is stuck"),
    ],
)
def test_the_check_says_what_is_wrong(provider: Any, said: str) -> None:
    with pytest.raises(AssertionError, match=said) as raised:
        check_provider(provider, seconds=0.1)
    assert "\n" not in str(raised.value)


def test_the_check_passes_what_works() -> None:
    check_provider(f"{HERE}:Valid")
    check_provider(providers.Valid, extra={"seed": 2})
    check_provider(providers.Valid(ModelConfig(provider=f"{HERE}:Valid")))
