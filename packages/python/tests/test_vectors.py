"""The language-neutral vectors of the verifiers, and a gateway if the environment names one. Run: python3 -m unittest discover tests"""

import asyncio
import json
import os
import unittest
from pathlib import Path

import httpx
from fastapi import Depends, FastAPI

from lanonasis_auth import Caller, Refused, Verifier
from lanonasis_auth.fastapi import protect

DATA = json.loads((Path(__file__).parents[2] / "vectors" / "verifier.json").read_text())


async def outcome(verifier, step):
    try:
        caller = await verifier.verify(step["method"], step["path"], step["headers"], step.get("scope", ""))
        return {"status": 200, "sub": caller.sub, "kind": caller.kind, "scope": caller.scope}
    except Refused as refused:
        return {"status": refused.status, **({"error": refused.code} if refused.code else {})}


async def play(case, vector):
    current, questions = {}, []

    def answer(request):
        if request.url.path == "/oauth/jwks.json":
            return httpx.Response(200, json=DATA["keys"][current["keys"]])
        questions.append(json.loads(request.content))
        given = current.get("gateway", {"status": 599})
        return httpx.Response(given["status"], headers=given.get("headers"), json=given.get("body", {}))

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    verifier = Verifier(
        DATA["issuer"], DATA["audience"], mode=vector["mode"], client=client, clock=lambda: current["now"]
    )
    for step in vector["steps"]:
        current = step
        questions.clear()
        case.assertEqual(await outcome(verifier, step), step["expect"])
        case.assertEqual(bool(questions), "gateway" in step)
        asks = step.get("asks", {})
        case.assertEqual({name: questions[-1].get(name) for name in asks} if asks else {}, asks)


class Vectors(unittest.TestCase):
    def test_vectors(self):
        for vector in DATA["vectors"]:
            with self.subTest(f"{vector['mode']}: {vector['name']}"):
                asyncio.run(play(self, vector))

    def test_fastapi(self):
        step = next(v for v in DATA["vectors"] if v["mode"] == "offline")["steps"][0]
        keys = httpx.MockTransport(lambda _: httpx.Response(200, json=DATA["keys"]["first"]))
        client = httpx.AsyncClient(transport=keys)
        verifier = Verifier(
            DATA["issuer"], DATA["audience"], mode="offline", client=client, clock=lambda: step["now"]
        )
        app = FastAPI()

        @app.get("/notes")
        async def notes(caller: Caller = Depends(protect(verifier, "notes:read"))):
            return caller.sub

        async def ask(headers):
            async with httpx.AsyncClient(app=app, base_url="http://test") as browser:
                return await browser.get("/notes", headers=headers)

        fine, none = asyncio.run(ask(step["headers"])), asyncio.run(ask({}))
        self.assertEqual((fine.status_code, fine.json()), (200, step["expect"]["sub"]))
        self.assertEqual((none.status_code, none.headers["www-authenticate"][:6]), (401, "Bearer"))

    @unittest.skipUnless("LIVE_ISSUER" in os.environ, "without a gateway")
    def test_live(self):
        verifier = Verifier(os.environ["LIVE_ISSUER"], os.environ["LIVE_AUDIENCE"])

        async def ask():
            tokens = os.environ["LIVE_TOKENS"].split()
            steps = [{"method": "GET", "path": "/", "headers": {"Authorization": f"Bearer {one}"}} for one in tokens]
            return [(await outcome(verifier, step))["status"] for step in steps]

        self.assertEqual(asyncio.run(ask()), [200, 401])


if __name__ == "__main__":
    unittest.main()
