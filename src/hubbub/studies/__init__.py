"""Studies: arms x replicates of a scenario, measured, judged and reported."""
