"""A headless browser that is asked over two pipes (Chrome DevTools Protocol, `--remote-debugging-pipe`)."""

from __future__ import annotations

import base64
import json
import os
import shlex
import signal
import subprocess  # noqa: TID251 - the browser is a judge
import tempfile
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 120  # seconds for a browser to start on a busy machine and to answer
# A page of ours in a machine of ours: containers seldom allow the namespaces of the sandbox.
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server")
# Whatever the machine is set to, a screenshot has the same width.
PLAIN = ("--hide-scrollbars", "--force-device-scale-factor=1", "--font-render-hinting=none")


class Browser:
    """One browser with one page; `heard` are the events of the page that has been open last."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        read, write = os.pipe(), os.pipe()
        argv = [program, *FLAGS, *QUIET, *PLAIN, f"--user-data-dir={self._profile.name}", "--remote-debugging-pipe"]
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {shlex.join(argv)} about:blank 3</dev/fd/{read[0]} 4>/dev/fd/{write[1]}"],
            pass_fds=(read[0], write[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read[0])
        os.close(write[1])
        self._to, self._from = os.fdopen(read[1], "wb"), os.fdopen(write[0], "rb")
        self._rest, self._number, self._session = b"", 0, None
        self.heard: list[dict[str, Any]] = []
        self._guard = threading.Timer(PATIENCE, self._kill)
        self._guard.start()
        targets = self("Target.getTargets")["targetInfos"]
        page = next(t["targetId"] for t in targets if t["type"] == "page")
        self._session = self("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **parameters: object) -> dict[str, Any]:
        """Ask something and wait for the answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            output = self._next()
            if output.get("id") == self._number:
                assert "error" not in output, f"{method}: {output['error']}"
                return output["result"]
            self.heard.append(output)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._from.fileno(), 1 << 20)
            assert more, f"the browser ended, or said nothing within {PATIENCE} s"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def open(self, file: Path, *, width: int = 1280, dark: bool = False, media: str = "screen") -> None:
        """Show a file in a window of that width, and wait until all of it is there."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.heard.clear()
        self("Page.navigate", url=file.absolute().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.heard):
            self.heard.append(self._next())

    def evaluate(self, script: str) -> Any:
        """What an expression comes to in the page."""
        output = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in output, output["exceptionDetails"]
        return output["result"].get("value")

    def picture(self, file: Path, *, height: int | None = None) -> None:
        """Keep a picture of the page from its top, all of it unless `height` says how much."""
        size = self("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        output = self("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(output["data"]))

    def complaints(self) -> list[str]:
        """What the console was told, errors of scripts, and whatever was loaded beside the page itself."""
        spoken = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
        output = [json.dumps(event["params"]) for event in self.heard if event.get("method") in spoken]
        asked = [event["params"] for event in self.heard if event.get("method") == "Network.requestWillBeSent"]
        return output + [request["request"]["url"] for request in asked if request["type"] != "Document"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.cancel()
        self._kill()
        self._process.wait()
        self._to.close()
        self._from.close()
        self._profile.cleanup()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
