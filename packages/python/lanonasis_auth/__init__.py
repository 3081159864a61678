"""Checks the callers of a server: tokens of the LanOnasis Auth Gateway and API keys."""

from .refused import Refused
from .verifier import Caller, Verifier

__all__ = ["Caller", "Refused", "Verifier"]
