"""What language models did in a run, as tables and texts in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from hubbub.analysis.model_calls import ModelFigures, Said, TurnAction, exchanges
from hubbub.cli.screen import amount, clean, cut, heading, show, table
from hubbub.store import RunStore
from hubbub.store.read.model_calls import Exchange

#: Columns of a text by itself.
_LONG = 200


def print_models(
    screen: Console, figures: Sequence[ModelFigures], examples: Sequence[Said]
) -> None:
    """Print how each model answered and what it cost, and some of what was said."""
    if not figures:
        return
    headers = ("model", "calls", "replies", "no reply", "because", "from a record", "retries")
    calls = [
        (
            f.model,
            f.calls,
            f.replies,
            f.calls - f.replies,
            _kinds(f.failures),
            f.recorded,
            f.retries,
        )
        for f in figures
    ]
    table(screen, "Language models", headers, calls)
    columns = ("model", "prompt tokens", "cached", "reply tokens", "cost", "p50", "p90", "p99")
    tokens = [
        (f.model, f.prompt_tokens, f"{f.cached_share:.0%}", f.reply_tokens, amount(f.cost))
        + (("-", "-", "-") if f.latency is None else f.latency)
        for f in figures
    ]
    table(screen, "Tokens, cost, and seconds per reply", columns, tokens)
    if examples:
        heading(screen, "What the models said")
    for turn in examples:
        who = f"step {turn.step}, {turn.user_name} ({turn.model}): {_decided(turn.actions)}"
        show(screen, Text(f"{cut(who, _LONG)}\n  {cut(_words(turn), _LONG)}"))


def print_exchanges(screen: Console, store: RunStore, agent: int, prompts: int) -> None:
    """Print an agent's last `count` prompts and replies in full; for 0 its last reply only."""
    found = exchanges(store, agent, prompts or 1)
    if not found:
        if prompts:
            screen.print(f"\nNo language model was asked for a turn of agent {agent}.")
        return
    rules = ""
    for call in found:
        whole = "" if call.step <= store.steps else " (a step that is not whole yet)"
        title = f"Step {call.step}{whole}, call {call.number + 1} of the turn, model {call.model}"
        if not prompts:
            heading(screen, clean(f"Last reply: {title[0].lower()}{title[1:]}"))
            _print_text(screen, _reply(call))
            continue
        heading(
            screen, clean(f"{title}: {call.prompt_tokens:,} tokens in, {call.reply_tokens:,} out")
        )
        _print_text(screen, call.system if call.system != rules else "(the same rules as above)")
        _print_text(screen, f"\n{call.prompt}\n\nReply:\n{_reply(call)}")
        rules = call.system


def _reply(call: Exchange) -> str:
    return f"(no reply: {call.failure})" if call.reply is None else call.reply


def _print_text(screen: Console, text: str) -> None:
    """Print a text of several lines, without what would steer a terminal."""
    screen.print("\n".join(clean(line).rstrip() for line in text.split("\n")), soft_wrap=True)


def _kinds(failures: dict[str, int]) -> str:
    return ", ".join(f"{kind} {number:,}" for kind, number in failures.items())


def _decided(actions: Sequence[TurnAction]) -> str:
    return "; ".join(
        d.action
        + (f" {d.target}" if d.target >= 0 else "")
        + (f" (refused: {d.reason})" if d.reason != "ok" else "")
        for d in actions
    )


def _words(turn: Said) -> str:
    """Return what was written in a turn; where nothing was, the reply as it came."""
    written = [d.text for d in turn.actions if d.text and d.reason == "ok"]
    return " / ".join(written) or turn.reply
