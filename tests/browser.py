"""A page in a real browser: what it loads, what it complains about, what a reader sees.

Chromium without a window is spoken to in the DevTools protocol
(https://chromedevtools.github.io/devtools-protocol/), so no driver is needed beside it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SEEN = """({
  text: document.body.innerText,
  widths: [...document.images].map(image => image.complete ? image.naturalWidth : 0),
  beyond: document.documentElement.scrollWidth - document.documentElement.clientWidth
})"""
_SECONDS = 60


@dataclass
class Visit:
    """A page as the browser saw it.

    `complaints` are errors and warnings of the console; `requests` all addresses asked for,
    pictures within the page left out; `failed` those of them that gave nothing; `widths` are those
    of the pictures, 0 for one that cannot be shown; `beyond` is by how much the page is too wide.
    """

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    text: str = ""
    widths: list[int] = field(default_factory=list)
    beyond: int = 0

    def heard(self, method: str, said: dict[str, Any]) -> None:
        """Keep what an event of the protocol says, if it matters."""
        if method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.complaints.append(said["entry"]["text"])
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.complaints.append(str(said))
        elif method == "Network.requestWillBeSent":
            if not said["request"]["url"].startswith("data:"):
                self.requests.append(said["request"]["url"])
        elif method == "Network.loadingFailed":
            self.failed.append(said["errorText"])


def browser() -> str | None:
    """Return the path of a Chromium or Chrome, None if there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def visit(program: str, page: Path, home: Path, picture: Path | None = None) -> Visit:
    """Open a file in the browser, whose own files go to `home`; a picture of it goes to a PNG."""
    with _running(program, home) as address:
        return asyncio.run(asyncio.wait_for(_visit(address, page, picture), _SECONDS))


@contextmanager
def _running(program: str, home: Path) -> Iterator[str]:
    """Start the browser and give the address of its protocol; end all its processes at last."""
    command = [
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-background-networking", f"--user-data-dir={home}",
        "--remote-debugging-port=0", "--window-size=1000,900", "about:blank",
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdout=quiet, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if "DevTools listening on " in line:
                    yield line.split()[-1]
                    break
            else:
                raise RuntimeError(f"{program} did not start: {''.join(said)}")
        finally:
            os.killpg(process.pid, signal.SIGKILL)


async def _visit(address: str, page: Path, picture: Path | None) -> Visit:
    seen = Visit()
    async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as wire:
        numbers = itertools.count(1)
        session: dict[str, str] = {}
        loaded = False

        async def told() -> dict[str, Any]:
            nonlocal loaded
            message: dict[str, Any] = await wire.receive_json()
            loaded |= message.get("method") == "Page.loadEventFired"
            seen.heard(message.get("method", ""), message.get("params", {}))
            return message

        async def ask(method: str, **given: Any) -> dict[str, Any]:
            number = next(numbers)
            await wire.send_json({"id": number, "method": method, "params": given, **session})
            while (answer := await told()).get("id") != number:
                pass
            result: dict[str, Any] = answer["result"]
            return result

        target = await ask("Target.createTarget", url="about:blank")
        attached = await ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        session["sessionId"] = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            await ask(f"{domain}.enable")
        await ask("Page.navigate", url=page.resolve().as_uri())
        while not loaded:
            await told()
        found = await ask("Runtime.evaluate", expression=_SEEN, returnByValue=True)
        value = found["result"]["value"]
        seen.text, seen.widths, seen.beyond = value["text"], value["widths"], value["beyond"]
        if picture is not None:
            await _photograph(ask, picture)
    return seen


async def _photograph(ask: Any, picture: Path) -> None:
    from base64 import b64decode

    shot = await ask("Page.captureScreenshot", captureBeyondViewport=True, format="png",
                     clip=await _whole(ask))  # fmt: skip
    picture.write_bytes(b64decode(shot["data"]))


async def _whole(ask: Any) -> dict[str, float]:
    size = (await ask("Page.getLayoutMetrics"))["cssContentSize"]
    return {**size, "scale": 1.0}
