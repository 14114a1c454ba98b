"""Do people write more if their posts are praised at once? A study with its own driver."""

from __future__ import annotations

import numpy as np

import hubbub as hb
from hubbub.actions import Kind
from hubbub.studies import Hypothesis, Study, StudyOptions, Trial, TrialOutcome

#: The agent that the study drives.
COACH = 0


class Nudges(Study):
    """In one arm the coach comments on each new post, in the other one it is silent."""

    name = "nudges"
    title = "Nudges"
    question = "Do people write more if their posts are praised at once?"
    arms = {"silent": {"praise": False}, "nudged": {"praise": True}}
    replicates = 12

    def hypotheses(self, options: StudyOptions) -> list[Hypothesis]:
        """Predict more posts and comments of the others with praise."""
        return [Hypothesis("people write more if praised", "texts", "nudged", "silent", "greater")]

    def scenario(self, trial: Trial, options: StudyOptions) -> hb.Scenario:
        """Return the society of a trial, with the settings given by --set."""
        society = {
            "name": "nudges",
            "seed": trial.seed,
            "steps": 60,
            "platform": {"actions": "all"},
            "population": {"synthetic": {"agents": 200, "core": 5}},
            "time": {"activity": {"rate": 0.05, "core_rate": 0.05}, "wake_rate": 1.0},
            "encoder": {"kind": "hashing"},
        }
        return self.build_scenario(society, options)

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Drive the coach step by step; count what the others write."""
        written = []
        # one thread: trials run side by side
        with hb.Simulation(self.scenario(trial, options), threads=1) as sim:
            sim.reset()
            start = before = len(sim.world.items)
            for step in range(1, sim.scenario.steps + 1):
                kind, author = sim.world.items["kind"], sim.world.items["author"]
                new = np.arange(len(kind)) >= before
                posts = np.flatnonzero(new & (kind == Kind.post) & (author != COACH))
                before = len(kind)
                praise = [
                    hb.Action("create_comment", post_id=int(post), content="Well said!")
                    for post in posts
                ]
                sim.step({COACH: praise if trial.settings["praise"] else []})
                authors = sim.world.items["author"][start:]
                written.append((step, float(np.count_nonzero(authors != COACH))))
        return TrialOutcome({"texts": written[-1][1]}, {"texts": written})
