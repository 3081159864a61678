"""Refusals of requests, with their responses (RFC 6750 section 3.1)."""

from __future__ import annotations

ALGORITHMS = 'algs="ES256 ES384 PS256 RS256 EdDSA Ed25519"'


class Refused(Exception):
    """Why a request is refused, with the status, headers and body to answer with."""

    def __init__(self, status: int, code: str | None, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, str]:
        return {"error": self.code, "error_description": str(self)} if self.code else {}


def _challenge(scheme: str, *parameters: str) -> dict[str, str]:
    every = [*parameters, ALGORITHMS] if scheme == "DPoP" else parameters
    return {"WWW-Authenticate": f"{scheme} {', '.join(every)}"}


def unauthenticated() -> Refused:
    """No credentials, so no error code either."""
    return Refused(401, None, "Authentication required", {"WWW-Authenticate": f"Bearer, DPoP {ALGORITHMS}"})


def invalid_request(message: str) -> Refused:
    return Refused(400, "invalid_request", message, _challenge("Bearer", 'error="invalid_request"'))


def invalid_token(reason: str, scheme: str = "Bearer", code: str = "invalid_token") -> Refused:
    return Refused(401, code, reason, _challenge(scheme, f'error="{code}"'))


def insufficient_scope(needed: list[str], scheme: str) -> Refused:
    scope = " ".join(needed)
    headers = _challenge(scheme, 'error="insufficient_scope"', f'scope="{scope}"')
    return Refused(403, "insufficient_scope", f"This needs the scope {scope}.", headers)


def unavailable() -> Refused:
    """A failure of the server or the gateway is never reported as invalid credentials."""
    return Refused(503, "temporarily_unavailable", "Credentials cannot be checked at the moment.")
