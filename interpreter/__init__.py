"""Live, self-hosted interpretation between two people who do not share a language."""

__version__ = "0.1.0"
