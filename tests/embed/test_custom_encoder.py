"""Custom encoders, named by dotted paths."""

from __future__ import annotations

import numpy as np
import pytest

import hubbub as hb
from engine.scenarios import small
from hubbub.config.scenario import EncoderConfig
from hubbub.embed import make_encoder
from hubbub.errors import ScenarioError

HERE = "embed.test_custom_encoder"


class Letters:
    """Counts the letters of a text."""

    dims = 26

    def encode(self, texts):
        codes = [[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts]
        return np.array(codes, float)


class Sized:
    """Takes the number of dimensions from the scenario."""

    def __init__(self, dims):
        self.dims = dims

    def encode(self, texts):
        vectors = np.zeros((len(texts), self.dims), np.int8)
        vectors[:, 0] = [127 if text else 0 for text in texts]
        return vectors


def letters_of(answer, dims=2):
    """Return a class of encoders that give this answer."""
    return type("Faulty", (), {"dims": dims, "encode": lambda self, texts: answer})


NoDims = type("NoDims", (), {"encode": Letters.encode})
NoEncode = type("NoEncode", (), {"dims": 3})
Flat = letters_of(np.zeros(2))
Wide = letters_of(np.zeros((1, 3)))
Words = letters_of(np.array([["a", "b"]]))
Short = letters_of(np.array([[3, 4]], np.int8))
Endless = letters_of(np.array([[np.inf, 1.0]]))


def test_floats_are_scaled_to_length_127():
    encoder = make_encoder(f"{HERE}:Letters", 64)
    assert encoder.dims == 26
    vectors = encoder.encode(["aab", "", "b"])
    assert vectors.dtype == np.int8
    assert vectors[0, :3].tolist() == [114, 57, 0]  # 127 * (2, 1) / sqrt(5)
    assert not vectors[1].any()
    assert vectors[2, 1] == 127
    assert encoder.encode([]).shape == (0, 26)


def test_a_class_that_takes_an_argument_gets_the_dims_of_the_scenario():
    encoder = make_encoder(f"{HERE}:Sized", 128)
    assert encoder.encode(["x", ""]).sum(axis=1).tolist() == [127, 0]
    assert encoder.dims == 128


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NoDims", "`dims` must be a whole number from 1 to 4096, not None"),
        ("NoEncode", r"has no method encode\(texts\)"),
        ("HERE", "is not a class"),
        ("Letter", "did you mean 'Letters'"),
        ("Flat", r"of shape \(1, 2\); it returned an array of shape \(2,\)"),
        ("Wide", r"it returned an array of shape \(1, 3\)"),
        ("Words", "int8 .* or floats .*, not <U1"),
        ("Short", "the vector of 'hello' has length 5.0; int8 vectors must have length 127"),
        ("Endless", "the vector of 'hello' is not finite"),
    ],
)
def test_a_wrong_encoder_is_named(name, message):
    with pytest.raises(ScenarioError, match=f"encoder.kind.*{message}"):
        make_encoder(f"{HERE}:{name}", 64).encode(["hello"])


@pytest.mark.parametrize("kind", ["hashin", "word llama"])
def test_a_misspelt_name_has_a_hint(kind):
    with pytest.raises(ScenarioError) as error:
        EncoderConfig(kind=kind)
    assert str(error.value).startswith(
        f"EncoderConfig: kind: must be wordllama, hashing or a dotted path 'module:name', not "
        f"'{kind}' (did you mean '"
    )


def test_a_society_with_a_custom_encoder_runs_alike_in_processes_and_is_resumed(tmp_path):
    scenario = small(encoder={"kind": f"{HERE}:Letters"})
    with hb.Simulation(scenario) as sim:
        sim.run()
        digest = sim.digest()
        assert sim.world.agents["taste"].shape[1] == 26
        assert sim.world.agents["taste"].any()
    with hb.Simulation(scenario, out=tmp_path / "run", workers="processes:2") as sim:
        sim.run(5)
    with hb.Simulation.resume(tmp_path / "run") as sim:
        sim.run()
        assert sim.digest() == digest
