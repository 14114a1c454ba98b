"""`hubbub actions`: the action table for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.table import Table
from rich.text import Text

from hubbub.actions import SOCIAL, ActionSpec
from hubbub.cli.screen import console, heading, show
from hubbub.cli.user_code import look_beside
from hubbub.errors import ActionError, did_you_mean
from hubbub.platform import PRESETS

_SWITCH = (
    "An action that is not switched on is refused as not_allowed. "
    "Switch on others with platform.actions in the scenario."
)


def show_actions(platform: str | None = None) -> None:
    """Print all actions, or those switched on by default on one platform."""
    if platform is not None and platform not in PRESETS:
        hint = did_you_mean(platform, PRESETS)
        raise ActionError(
            f"there is no platform '{platform}'{hint}; there are {' and '.join(PRESETS)}"
        )
    if platform is None:
        _print(
            "Actions, and the platforms where they are on by default",
            ((spec, _on(spec)) for spec in SOCIAL),
        )
    else:
        allowed = [spec for spec in SOCIAL if spec.name in PRESETS[platform].actions]
        _print(f"Actions switched on by default on {platform}", ((s, "") for s in allowed))


def show_scenario(path: Path) -> None:
    """Print the actions that are switched on in a scenario, the user's own among them."""
    from hubbub.config import load_scenario
    from hubbub.platform import Platform, action_table

    scenario = load_scenario(path)
    look_beside(path)
    specs = action_table(scenario.platform.extra_actions)
    allowed = Platform.from_config(scenario.platform, specs).allowed
    named = [(spec, "") for spec, is_on in zip(specs, allowed, strict=True) if is_on]
    _print(f"Actions switched on in {path}", named)


def _on(spec: ActionSpec) -> str:
    where = on(spec)
    if not where:
        return "off by default"
    return where if spec.environment_only else f"on: {where}"


def _print(title: str, rows: Iterable[tuple[ActionSpec, str]]) -> None:
    screen = console()
    heading(screen, title)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for spec, where in rows:
        grid.add_row(Text(spec.name, style="bold"), Text("\n".join(_lines(spec, where))))
    show(screen, grid)
    show(screen, Text(f"\n{_SWITCH}"))


def _lines(spec: ActionSpec, where: str) -> Iterator[str]:
    yield spec.summary
    if spec.args:
        yield f"arguments: {arguments(spec)}"
    reasons = ", ".join(reason.name for reason in spec.reasons)
    details = [where] if where else []
    if reasons:
        details.append(f"refused: {reasons}")
    if details:
        yield "; ".join(details)


def arguments(spec: ActionSpec) -> str:
    """Return the names of the arguments, optional ones in brackets."""
    return ", ".join(a.name if a.required else f"[{a.name}]" for a in spec.args)


def on(spec: ActionSpec) -> str:
    """Return the platforms where the action is on by default, or whose it is."""
    if spec.environment_only:
        return "environment only"
    return ", ".join(name for name, preset in PRESETS.items() if spec.name in preset.actions)
