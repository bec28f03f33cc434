"""What can be told of a translation by looking at the two texts: pure functions."""

from .compare import compare, holds
from .facts import Found, extract

__all__ = ["Found", "compare", "extract", "holds"]
