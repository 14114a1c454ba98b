"""The budget for models: completions are booked as they come in, requests checked before a step."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hubbub.config.models import BudgetConfig, ModelConfig
from hubbub.errors import RunError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.tokens import estimate_tokens

#: Tokens assumed per reply in estimates.
_REPLY = 30


class BudgetSpent(RunError):  # noqa: N818 - not a fault: the run pauses at a whole step
    """The budget cannot pay for the next step. The run is at a whole step and can go on."""


class Budget:
    """Counts requests, tokens and money. Recorded replies cost nothing."""

    def __init__(
        self,
        limits: BudgetConfig,
        models: Mapping[str, ModelConfig],
    ) -> None:
        """Start with the limits of a run and nothing spent."""
        self.limits = limits
        self._models = models
        self.requests, self.tokens, self.money = 0, 0, 0.0
        self._begun = self._made = 0  # turns of this session, and the calls they came to

    def renew(self, spent: tuple[int, int, float]) -> None:
        """Reset to what the run has spent, after a step that was interrupted."""
        self.requests, self.tokens, self.money = spent

    def book(self, request: ChatRequest, completion: Completion) -> float:
        """Book a completion and return its cost."""
        money = cost(self._models[request.model], completion)
        self._made += 1
        if not completion.recorded:
            self.requests += 1
            self.tokens += completion.prompt_tokens + completion.completion_tokens
            self.money += money
        return money

    def check(
        self, what: str, requests: Collection[ChatRequest], out: Collection[ChatRequest] = ()
    ) -> None:
        """Raise BudgetSpent if these requests, for `what`, are estimated to exceed the budget.

        `out` are earlier requests that are still unanswered and unpaid.
        """
        limits = self.limits
        calls = max(1.0, self._made / self._begun) if self._begun else 1.0
        if limits.requests is not None:
            needed = round((len(requests) + len(out)) * calls)
            self._compare(what, "requests", limits.requests, self.requests, needed)
        if limits.tokens is not None or limits.money is not None:
            self._check_tokens(what, [*out, *requests], calls)
        self._begun += len(requests)

    def _check_tokens(self, what: str, requests: Collection[ChatRequest], calls: float) -> None:
        limits = self.limits
        tokens, money = 0, 0.0
        for request in requests:
            prompt = estimate_tokens(request.system) + estimate_tokens(request.user)
            price = self._models[request.model].price
            tokens += prompt + _REPLY
            money += (prompt * price.input + _REPLY * price.output) / 1e6
        if limits.tokens is not None:
            self._compare(what, "tokens", limits.tokens, self.tokens, round(tokens * calls))
        if limits.money is not None:
            self._compare(what, "money", limits.money, self.money, money * calls)

    @staticmethod
    def _compare(what: str, unit: str, limit: float, spent: float, needed: float) -> None:
        if needed and spent + needed > limit:
            raise BudgetSpent(
                f"the budget of {limit:,.12g} {unit} is not enough for {what}: {spent:,.6g} are "
                f"spent, and it needs about {needed:,.6g} more"
            )


def cost(model: ModelConfig, completion: Completion) -> float:
    """Return the cost of a completion, in the currency of the model's prices."""
    price = model.price
    cached = price.input if price.cached is None else price.cached
    fresh = completion.prompt_tokens - completion.cached_tokens
    spent = fresh * price.input + completion.cached_tokens * cached
    return (spent + completion.completion_tokens * price.output) / 1e6
