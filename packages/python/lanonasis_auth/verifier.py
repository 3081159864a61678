"""The check of a server's callers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from typing import Any, Callable, Literal, Mapping
from urllib.parse import urlsplit

import httpx

from .refused import Refused, insufficient_scope, invalid_request, invalid_token, unauthenticated, unavailable
from .scope import satisfies
from .tokens import TokenCheck

_KEY = re.compile(r"(lano|vx|lns|lms|pk|sk|vibe|master|vsec)_\S*")
_SCHEME = re.compile(r"(bearer|dpop|apikey)(?: +(.*))?", re.IGNORECASE)
_WAIT_SECONDS = 5
# Headers for the bindings and signatures of keys.
_CALLER_HEADERS = [
    *(f"x-lanonasis-{name}" for name in ("timestamp", "nonce", "content-sha256", "signature")),
    *(f"x-lanonasis-{name}" for name in ("client-id", "audience", "installation-id")),
    *("x-client-id", "x-auth-audience", "x-service-audience", "x-installation-id", "x-project-scope"),
]


@dataclass(frozen=True)
class Caller:
    """The caller of a request, with the member names of RFC 9068 and RFC 8693."""

    kind: Literal["person", "service"]
    sub: str
    scope: list[str]
    client_id: str | None = None
    act: dict[str, Any] | None = None
    organization_id: str | None = None
    api_key_id: str | None = None
    expires_at: int | None = None


def _caller(found: Mapping[str, Any], kind: Literal["person", "service"]) -> Caller:
    names = ("client_id", "act", "organization_id", "api_key_id")
    members = {name: found.get(name) for name in names}
    return Caller(kind, found["sub"], (found.get("scope") or "").split(), **members, expires_at=found.get("exp"))


def _credential(headers: Mapping[str, str]) -> tuple[str, str]:
    """Returns the scheme (Bearer, DPoP or ApiKey) and value of the credential; never from the query."""
    authorization = headers.get("authorization", "").strip()
    named = _SCHEME.fullmatch(authorization)
    if named:
        scheme, value = named[1].lower(), named[2] or ""
        if not re.fullmatch(r"[^\s,]+", value):
            raise invalid_request("The Authorization header is malformed.")
        if scheme == "apikey" or _KEY.fullmatch(value):
            return "ApiKey", value
        return ("DPoP" if scheme == "dpop" else "Bearer"), value
    key = headers.get("x-api-key") or (authorization if _KEY.fullmatch(authorization) else "")
    if not key:
        raise unauthenticated()
    return "ApiKey", key


def _check_body(method: str, headers: Mapping[str, str], body: bytes | None) -> None:
    """A signature covers a digest of the body, which only the service can compare with the body."""
    stated = headers.get("x-lanonasis-content-sha256")
    if stated is None or "x-lanonasis-signature" not in headers:
        return
    if body is None and method not in ("GET", "HEAD"):
        raise invalid_request("Signed requests with a body are not accepted here.")
    digest = hashlib.sha256(body or b"").digest()
    forms = (digest.hex(), base64.b64encode(digest).decode())
    presented = (stated.lower(), stated)
    if not any(hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(forms, presented)):
        raise invalid_token("digest of another body")


class Verifier:
    """
    Checks the callers of a server. In the mode ``online`` the gateway is asked each time, so that a revocation takes effect with
    the next request; ``offline`` checks only the token, and accepts neither API keys nor tokens that are bound to a key.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        mode: Literal["online", "offline"] = "online",
        base_url: str | None = None,
        service: str | None = None,
        client: httpx.AsyncClient | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self._issuer, self._audience, self._mode, self._service = issuer.rstrip("/"), audience, mode, service
        origin = urlsplit(audience)
        self._base_url = (base_url or f"{origin.scheme}://{origin.netloc}").rstrip("/")
        self._client = client or httpx.AsyncClient(timeout=_WAIT_SECONDS)
        self._tokens = TokenCheck(self._issuer, audience, self._client, clock)

    async def verify(
        self, method: str, uri: str, headers: Mapping[str, str], scope: str = "", body: bytes | None = None
    ) -> Caller:
        """
        Returns the caller of a request. ``uri`` is path and query as requested, ``scope`` one or more scopes separated by spaces,
        all of which are required. Raises Refused.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        needed = scope.split()
        scheme, value = _credential(lower)
        if scheme == "ApiKey":
            scheme, caller = "Bearer", await self._by_key(value, method, uri, lower, needed, body)
        else:
            caller = await self._by_token(value, scheme, method, uri, lower, needed)
        if not all(satisfies(caller.scope, one) for one in needed):
            raise insufficient_scope(needed, scheme)
        return caller

    async def _by_key(self, key: str, method: str, uri: str, headers: Mapping[str, str], needed: list[str], body: bytes | None):
        if self._mode == "offline":
            raise invalid_token("API keys are not accepted here")
        _check_body(method, headers, body)
        passed = {name: headers[name] for name in _CALLER_HEADERS if headers.get(name)}
        use = {"audience": self._audience, "method": method, "path": uri.split("?", 1)[0], "scope": needed}
        if self._service:
            use["service"] = self._service
        return _caller(await self._ask({"x-api-key": key, **passed}, use, "Bearer", needed), "person")

    async def _by_token(self, token: str, scheme: str, method: str, uri: str, headers: Mapping[str, str], needed: list[str]):
        claims = await self._tokens.check(token, scheme)
        proof = self._proof(claims.get("cnf"), scheme, method, uri, headers)
        if self._mode == "offline":
            return _caller(claims, "service" if claims.get("sub_type") == "client" else "person")
        question = {**proof, "audience": self._audience, "scope": needed}
        verified = await self._ask({"authorization": f"{scheme} {token}"}, question, scheme, needed)
        return _caller(verified, "service" if verified.get("actor_type") == "service" else "person")

    def _proof(self, confirmation: Any, scheme: str, method: str, uri: str, headers: Mapping[str, str]) -> dict[str, str]:
        """What the gateway needs to check that the holder presents a bound token; it also accepts each proof only once."""
        if confirmation is None:
            if scheme == "DPoP":
                raise invalid_token("unbound token as DPoP", scheme)
            return {}
        if not isinstance(confirmation, dict) or set(confirmation) != {"jkt"}:
            raise invalid_token("a kind of binding that is not supported", scheme)
        if scheme != "DPoP":
            raise invalid_token("DPoP-bound token as Bearer", "DPoP")
        if not headers.get("dpop"):
            raise invalid_token("no DPoP proof", scheme, "invalid_dpop_proof")
        if self._mode == "offline":
            raise invalid_token("bound tokens are not accepted here", scheme)
        return {"dpop_proof": headers["dpop"], "dpop_htm": method, "dpop_htu": self._base_url + uri}

    async def _ask(self, headers: dict[str, str], question: dict[str, Any], scheme: str, needed: list[str]) -> dict[str, Any]:
        try:
            response = await self._client.post(f"{self._issuer}/v1/auth/verify", headers=headers, json=question)
            answer = response.json() if response.status_code == 200 else {}
        except (httpx.HTTPError, ValueError) as error:
            raise unavailable() from error
        if response.status_code != 200:
            raise _refusal(response, scheme, needed)
        if not isinstance(answer, dict) or answer.get("valid") is not True or not answer.get("sub"):
            raise unavailable()
        return answer


def _refusal(response: httpx.Response, scheme: str, needed: list[str]) -> Refused:
    if response.status_code == 401:
        return invalid_token("refused by the gateway", scheme)
    if response.status_code == 400:
        return invalid_request("The credentials are malformed.")
    if response.status_code == 403:
        if "insufficient_scope" in response.headers.get("www-authenticate", ""):
            return insufficient_scope(needed, scheme)
        return Refused(403, "access_denied", "The credentials cannot be used for this request.")
    if response.status_code == 429:
        after = response.headers.get("retry-after")
        return Refused(429, "rate_limited", "Too many requests.", {"Retry-After": after} if after else {})
    return unavailable()
