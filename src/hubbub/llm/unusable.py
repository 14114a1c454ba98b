"""Error messages for a model that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

from hubbub.config.models import ModelConfig
from hubbub.errors import ModelError
from hubbub.llm.endpoint import Endpoint
from hubbub.llm.wire import Refusal

#: Most endpoints that a message names.
_SHOWN = 5


def refused(name: str, config: ModelConfig, url: str, outcome: Refusal) -> ModelError:
    """Return the error for an answer of an endpoint after which retrying makes no sense."""
    match outcome.trouble:
        case "key" if config.key_env is None:
            why = "it wants an API key: name the environment variable that holds it (key_env)"
        case "key":
            why = f"it does not accept the key in the environment variable {config.key_env}"
        case "money":
            why = "its account has no credit left"
        case "model":
            why = (
                f"it does not know the model '{config.model}', or the base URL is wrong "
                "(it often ends in /v1)"
            )
        case "moved":
            why = "it redirects elsewhere; give the final address as base URL"
        case _:
            why = "it refused the first request; check model, reply and extra"
    return ModelError(f"model '{name}' at {url}: {why}\n  it said: {outcome.said}")


def unanswered(
    name: str, config: ModelConfig, endpoints: Sequence[Endpoint], waited: float
) -> ModelError:
    """Return the error for endpoints of which none has answered for `waited` seconds."""
    if config.provider is not None:
        said = next((e.said for e in endpoints if e.said), "no call has ended yet")
        return ModelError(
            f"model '{name}': the provider {config.provider} has given no reply for {waited:g} s; "
            f"its last failure: {said}"
        )
    lines = [f"model '{name}': no endpoint has answered for {waited:g} s"]
    lines += [f"  {e.url}: {e.said or 'nothing yet'}" for e in endpoints[:_SHOWN]]
    if len(endpoints) > _SHOWN:
        lines.append(f"  and {len(endpoints) - _SHOWN} more")
    if not endpoints:
        lines.append("  its urls_file names none")
    lines.append("  are they running? (limits.patience_seconds is how long they are waited for)")
    return ModelError("\n".join(lines))
