"""The lock and pyproject.toml agree: one pin for each dependency, within its bounds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS = [line for line in LOCK.splitlines() if line and not line.startswith("#")]
PINNED = {
    canonicalize_name(name): Version(version)
    for name, version in (pin.split("==") for pin in PINS if pin.count("==") == 1)
}
#: Ray is left out: it is large, and CI does not install it.
EXTRAS = [all_ for name, all_ in PROJECT["optional-dependencies"].items() if name != "ray"]
DIRECT = sorted(set(PROJECT["dependencies"]).union(*EXTRAS))


def test_the_lock_has_one_pin_for_each_package_and_nothing_else() -> None:
    assert [pin for pin in PINS if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin)] == []
    assert "/" not in "".join(PINS)
    assert "://" not in LOCK
    assert len(PINNED) == len(PINS)


@pytest.mark.parametrize("needed", DIRECT)
def test_a_direct_dependency_is_pinned_within_its_bounds(needed: str) -> None:
    requirement = Requirement(needed)
    assert PINNED[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("needed", DIRECT)
def test_a_package_below_version_1_has_an_upper_bound(needed: str) -> None:
    requirement = Requirement(needed)
    if PINNED[canonicalize_name(requirement.name)] < Version("1"):
        assert "<" in {clause.operator for clause in requirement.specifier}


def test_a_package_needed_twice_has_the_same_bounds() -> None:
    names = [canonicalize_name(Requirement(needed).name) for needed in DIRECT]
    assert len(names) == len(set(names))
