"""The offline check of an access token (RFC 9068 section 4)."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Callable

import httpx
import jwt

from .refused import invalid_token, unavailable

_SKEW_SECONDS = 5
# As long as the gateway lets the key set be cached: a removed key is not accepted for longer.
_KEY_SET_SECONDS = 300
# An unknown key may be new, but invented key ids must not cause a flood of requests.
_UNKNOWN_KEY_SECONDS = 10
_TEXTS = ("sub", "client_id", "jti")


class TokenCheck:
    """Checks that a token was issued by the gateway, for this service, and has not expired."""

    def __init__(self, issuer: str, audience: str, client: httpx.AsyncClient, clock: Callable[[], float]):
        self._issuer, self._audience, self._client, self._clock = issuer, audience, client, clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def _read(self, older_than: float) -> None:
        async with self._reading:
            if self._read_at is not None and self._clock() - self._read_at < older_than:
                return
            try:
                response = await self._client.get(f"{self._issuer}/oauth/jwks.json")
                response.raise_for_status()
                listed = [one for one in response.json()["keys"] if one.get("alg") == "ES256" and "kid" in one]
                self._keys = {one["kid"]: jwt.PyJWK(one) for one in listed}
            except (httpx.HTTPError, jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
                raise unavailable() from error
            self._read_at = self._clock()

    async def _key(self, kid: str) -> jwt.PyJWK | None:
        await self._read(_KEY_SET_SECONDS)
        if kid not in self._keys:
            await self._read(_UNKNOWN_KEY_SECONDS)
        return self._keys.get(kid)

    async def check(self, token: str, scheme: str) -> dict[str, Any]:
        """Returns the claims. Raises Refused for any other token."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "ES256" or str(header.get("typ")).lower() not in ("at+jwt", "application/at+jwt"):
                raise invalid_token("not an access token", scheme)
            if "crit" in header or not isinstance(header.get("kid"), str):
                raise invalid_token("unsupported header", scheme)
            key = await self._key(header["kid"])
            if key is None:
                raise invalid_token("unknown key", scheme)
            claims = json.loads(jwt.api_jws.PyJWS().decode(token, key.key, algorithms=["ES256"]))
        except (jwt.PyJWTError, ValueError) as error:
            raise invalid_token(str(error), scheme) from error
        problem = self._problem(claims)
        if problem:
            raise invalid_token(problem, scheme)
        return claims

    def _problem(self, claims: Any) -> str | None:
        if not isinstance(claims, dict) or not all(isinstance(claims.get(name), str) for name in _TEXTS):
            return "a claim is missing"
        if claims.get("iss") != self._issuer:
            return "another issuer"
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            return "another audience"
        times = [claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)]
        if any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in times):
            return "a time is missing"
        now = self._clock()
        if times[0] <= now - _SKEW_SECONDS:
            return "expired"
        return "not valid yet" if times[2] > now + _SKEW_SECONDS else None
