"""The rules of a platform: which actions it allows and what they come to."""

from hubbub.platform.rules import PRESETS, Platform, action_table

__all__ = ["PRESETS", "Platform", "action_table"]
