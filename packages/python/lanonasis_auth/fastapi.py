"""Protects routes of FastAPI."""

from __future__ import annotations

from typing import Awaitable, Callable

from fastapi import HTTPException, Request

from .refused import Refused
from .verifier import Caller, Verifier


def protect(verifier: Verifier, scope: str = "") -> Callable[[Request], Awaitable[Caller]]:
    """
    Returns a dependency whose value is the caller: ``caller: Caller = Depends(protect(verifier, "notes:read"))``.
    It answers with the status and challenge of a refusal, whose code is in ``detail``.
    """

    async def caller_of(request: Request) -> Caller:
        signed = "x-lanonasis-signature" in request.headers
        query = request.url.query
        uri = request.url.path + (f"?{query}" if query else "")
        try:
            body = await request.body() if signed else None
            return await verifier.verify(request.method, uri, request.headers, scope, body)
        except Refused as refused:
            raise HTTPException(refused.status, refused.body, refused.headers) from refused

    return caller_of
