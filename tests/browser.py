"""A real Chromium, headless, driven through its DevTools by a pipe: what a page asks for, shows, says to screen readers, prints.

It is not installed with the project: `make browser` finds one on PATH or fails saying what to install. It gets a profile of its
own, thrown away afterwards, and a proxy that does not exist: a page that asked for anything outside would be seen asking.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Browser", "Tab", "browser"]

BASH = "/bin/bash"  # the pipe has numbers above nine, which a plain shell does not take
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_HELP = "no Chromium on PATH: install one (Debian, Ubuntu: apt-get install chromium), then make browser"
_LONGEST = 1 << 26  # bytes of one answer
_COLOURS = (Path(__file__).parent / "page_checks.js").read_text("utf-8")


class Browser:
    """A browser that runs; see `browser`."""

    def __init__(self, process: subprocess.Popen[bytes], read: int, write: int) -> None:
        self.process, self._read, self._write = process, read, write
        self._number, self._held = 0, b""
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; events that come meanwhile are kept."""
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            command["sessionId"] = session
        os.write(self._write, json.dumps(command).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told["error"]
                return dict(told["result"])
            self.events.append(told)

    def until(self, event: str, session: str) -> None:
        """Wait for an event of a tab."""
        while not any(one.get("method") == event and one.get("sessionId") == session for one in self.events):
            self.events.append(self._next())

    @contextmanager
    def tab(self, page: Path, *, width: int = 1280) -> Iterator[Tab]:
        """A page opened in a tab of its own."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events.clear()
        for domain in ("Page", "Network", "Log", "Runtime", "Accessibility"):
            self.ask(f"{domain}.enable", session)
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", session, **metrics)
        self.ask("Page.navigate", session, url=page.as_uri())
        self.until("Page.loadEventFired", session)
        try:
            yield Tab(self, session)
        finally:
            self.ask("Target.closeTarget", targetId=target)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            piece = os.read(self._read, 1 << 16)
            assert piece, "the browser ended"
            self._held += piece
            assert len(self._held) <= _LONGEST
        line, _, self._held = self._held.partition(b"\0")
        return dict(json.loads(line))


class Tab:
    """A page that is open."""

    def __init__(self, owner: Browser, session: str) -> None:
        self._owner, self._session = owner, session

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command to this tab."""
        return self._owner.ask(method, self._session, **parameters)

    def value(self, expression: str) -> Any:
        """What an expression gives in the page."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"]["value"]

    def asked_for(self) -> list[str]:
        """Every address that the page asked for, itself first."""
        sent = [one for one in self._owner.events if one.get("method") == "Network.requestWillBeSent"]
        return [one["params"]["request"]["url"] for one in sent if one.get("sessionId") == self._session]

    def complaints(self) -> list[str]:
        """What the browser logged, scripts included."""
        logged = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(one["params"]) for one in self._owner.events if one.get("method") in logged]

    def spoken(self) -> list[tuple[str, str]]:
        """(role, name) of everything that a screen reader is told."""
        nodes = self.ask("Accessibility.getFullAXTree")["nodes"]
        return [
            (str(one["role"]["value"]), str(one.get("name", {}).get("value", "")))
            for one in nodes
            if not one.get("ignored") and "role" in one
        ]

    def checked(self) -> dict[str, Any]:
        """What `page_checks.js` finds: faint texts, tables and headings at fault, widths."""
        return dict(self.value(_COLOURS))

    def printed(self) -> bytes:
        """The page as it is printed on A4."""
        answer = self.ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        return base64.b64decode(answer["data"])


def program() -> str:
    """The browser of this machine.

    Raises:
        AssertionError: there is none.
    """
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found is not None, _HELP
    return found


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile in a folder, ended afterwards."""
    (to_read, to_write), (from_read, from_write) = os.pipe(), os.pipe()
    words = [
        program(), "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={folder}", "--no-first-run",
        "--disable-gpu", "--disable-extensions", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9",
        *(["--no-sandbox"] if os.geteuid() == 0 else []), "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(
        [BASH, "-c", f'exec 3<&{to_read} 4>&{from_write}; exec "$0" "$@"', *words],
        pass_fds=(to_read, from_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for ours in (to_read, from_write):
        os.close(ours)
    try:
        yield (found := Browser(process, from_read, to_write))
        found.ask("Browser.close")
        process.wait(30)
    finally:
        process.kill()
        process.wait()
        for theirs in (from_read, to_write):
            os.close(theirs)
