"""A package that is installed and extends hubbub at every point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "extension_package"
PROGRAM = """
import json
import hubbub as hb, hubbub_extras as extras
from hubbub.studies import StudyOptions, find_study, run_study
from hubbub import testing

assert "extension_package" not in extras.__file__
testing.check_ranker("hubbub_extras:newest")
testing.check_source("hubbub_extras:commented_by_followees")
testing.check_filter("hubbub_extras:no_shouting")
testing.check_policy("hubbub_extras:Pinner", extra_actions=[extras.PIN])
testing.check_opinion_rule("hubbub_extras:half_way")
testing.check_graph("hubbub_extras:ring")
testing.check_encoder("hubbub_extras:Lengths")
testing.check_provider("hubbub_extras:Liker")
testing.check_study("hubbub_extras:Pinned")

if __name__ == "__main__":
    with hb.Simulation(hb.Scenario(**extras.SCENARIO)) as sim:
        sim.run()
        counts = {
            "pins": int(sim.world.items["pins"].sum()),
            "replies": sum(row["reply"] is not None for row in sim.completions().to_pylist()),
            "follows": len(sim.world.sets["follow"]),
            "dims": int(sim.world.agents["taste"].shape[1]),
            "sources": sorted(set(sim.store.slates()["source"].to_pylist()) - {None}),
        }
    results = run_study(find_study("hubbub_extras:Pinned"), StudyOptions(), "out", processes=2)
    rows = results.values.to_pylist()
    counts["study"] = {row["arm"]: row["value"] for row in rows}
    print(json.dumps(counts))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package, without a network, and return the folder it is in."""
    target = tmp_path_factory.mktemp("installed")
    command = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    command += ["--target", str(target), str(PACKAGE)]
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    return target


def test_an_installed_package_extends_hubbub_at_every_point(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    path = os.pathsep.join(p for p in (str(installed), os.environ.get("PYTHONPATH")) if p)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["pins"] > 10
    assert found["replies"] > 3
    assert found["follows"] >= 60
    assert found["dims"] == 2
    assert "commented_by_followees" in found["sources"]
    assert found["study"]["none"] == 0 < found["study"]["some"]
