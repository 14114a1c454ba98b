"""How agents decide.

A policy decides for all agents of an observation at once. `make_policy` returns the policy of a
scenario: a mix of the statistical policy, scripts, idle agents and custom classes.
"""

from hubbub.policy.base import Observation, Policy
from hubbub.policy.custom_rule import SeenPosts
from hubbub.policy.mix import PolicyMix, load_policy, make_policy
from hubbub.policy.scripted import IdlePolicy, ScriptedPolicy
from hubbub.policy.statistical import StatisticalPolicy
from hubbub.policy.view import AgentView, CommentView, GroupView, Notice, PostView, view

__all__ = [
    "AgentView",
    "CommentView",
    "GroupView",
    "IdlePolicy",
    "Notice",
    "Observation",
    "Policy",
    "PolicyMix",
    "PostView",
    "ScriptedPolicy",
    "SeenPosts",
    "StatisticalPolicy",
    "load_policy",
    "make_policy",
    "view",
]
