"""A budget: items of memory, each in bytes, and their sum."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Bytes by item, on one device.

    Args:
        items: what for -> bytes.
    """

    items: Mapping[str, int]

    @property
    def total(self) -> int:
        """Bytes of all items together."""
        return sum(self.items.values())

    def fits(self, card: int) -> bool:
        """Say whether all of it fits into a card's bytes; what the card's own software takes is not counted."""
        return self.total <= card

    def __str__(self) -> str:
        rows = [*self.items.items(), ("total", self.total)]
        return "\n".join(f"{name:22}{size / 1e9:12,.2f} GB" for name, size in rows)
