"""The rules of a platform: which actions it allows, and their effects."""

from hubbub.platform.action_table import action_table
from hubbub.platform.apply import apply
from hubbub.platform.rules import PRESETS, Platform

__all__ = ["PRESETS", "Platform", "action_table", "apply"]
