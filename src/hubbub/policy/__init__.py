"""How agents decide: a policy decides for all agents of an observation at once."""

from hubbub.policy.base import Observation, Policy
from hubbub.policy.custom_rule import RuleFunction, SeenPosts
from hubbub.policy.scripted import IdlePolicy
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
    "PostView",
    "RuleFunction",
    "SeenPosts",
    "StatisticalPolicy",
    "view",
]
