"""Does a daily nudge make people post more? A study with its own driver: it writes the nudges."""

from __future__ import annotations

import hubbub as hb
from hubbub.studies import Hypothesis, Study, StudyOptions, Trial, TrialOutcome


class Nudges(Study):
    """Two arms: every tenth step, the agent `coach` praises the last post; or it stays silent."""

    name = "nudges"
    title = "Nudges"
    question = "Do people post more if somebody comments on the latest post?"
    arms = {"silent": {"nudge": False}, "nudged": {"nudge": True}}
    replicates = 8

    def hypotheses(self, options: StudyOptions) -> list[Hypothesis]:
        """Predict more posts with nudges."""
        return [
            Hypothesis(
                "posts are more frequent with nudges", "posts", "nudged", "silent", "greater"
            )
        ]

    def scenario(self, trial: Trial, options: StudyOptions) -> hb.Scenario:
        """Return the society of a trial."""
        return hb.Scenario(
            name="nudges",
            seed=trial.seed,
            steps=trial.settings.get("steps", 60),
            platform={"actions": "all"},
            population={"synthetic": {"agents": 200, "core": 5}},
            time={"activity": {"rate": 0.2, "core_rate": 0.2}, "wake_rate": 1.0},
            encoder={"kind": "hashing"},
        )

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Drive the society step by step, with or without nudges, and count the posts."""
        scenario = self.scenario(trial, options)
        curve = []
        with hb.Simulation(scenario, threads=1) as sim:
            sim.reset()
            coach = 0
            for step in range(1, scenario.steps + 1):
                posts = sim.world.items["kind"] == 0
                curve.append((step, float(posts.sum())))
                if trial.settings["nudge"] and step % 10 == 0:
                    latest = int(posts.nonzero()[0][-1])
                    praise = hb.Action("create_comment", post_id=latest, content="Well said!")
                    sim.step({coach: praise})
                else:
                    sim.step()
            total = float((sim.world.items["kind"] == 0).sum())
        return TrialOutcome({"posts": total}, {"posts": curve})
