"""A share with what it is made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kbsearch.metrics.intervals import wilson


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n`; without cases there is neither value nor interval, and `reason` says why."""

    hits: int
    n: int
    empty: str

    @property
    def value(self) -> float | None:
        """In 0..1."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % (Wilson)."""
        return wilson(self.hits, self.n) if self.n else None

    @property
    def reason(self) -> str | None:
        """Why there is no value."""
        return None if self.n else self.empty

    def as_json(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"value": self.value, "n": self.n, "hits": self.hits, "interval": self.interval, "reason": self.reason}
