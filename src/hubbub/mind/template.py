"""A user's template for a part of the prompt: checked when it is read, run in a sandbox."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from hubbub.errors import ScenarioError, did_you_mean
from hubbub.mind.quoting import one_line

#: Longest value of one field in a text made by a template, in characters.
VALUE_CHARS = 2_000
_FAILURES = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


class Template:
    """A Jinja2 template from the field `place` of a scenario, which may use the names `known`.

    ScenarioError if it cannot be parsed or uses another name.
    """

    def __init__(self, source: str, place: str, known: Collection[str]) -> None:
        self._place = place
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, finalize=_on_one_line, autoescape=False
        )
        try:
            tree = environment.parse(source)
            self._template = environment.from_string(tree)
        except TemplateSyntaxError as error:
            raise ScenarioError(f"{place}, line {error.lineno}: {error.message}") from None
        used = meta.find_undeclared_variables(tree) - set(environment.globals)
        for name in sorted(used - set(known)):
            raise ScenarioError(
                f"{place}: there is no field '{name}'{did_you_mean(name, known)}; it may use "
                f"{', '.join(known)}"
            )

    def render(self, values: Mapping[str, Any], whose: str) -> str:
        """Return the text; ScenarioError, naming `whose` it is, if the template fails."""
        try:
            return self._template.render(values)
        except _FAILURES as error:
            raise ScenarioError(f"{self._place} {whose}: {error}") from None


def _on_one_line(value: Any) -> Any:
    """Return a value as text: nothing for a missing one, agents' texts made safe."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Undefined):
        return one_line(value, VALUE_CHARS)
    return value
