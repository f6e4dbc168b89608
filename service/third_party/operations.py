"""What the web process carries for its operator and for whoever watches its log: health, metrics, the latest checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI

from service.third_party.api import routes
from service.third_party.health import Health
from service.third_party.metrics import Metrics

__all__ = ["LatestNote", "equip"]

_KEPT_SECONDS = 2.0


class LatestNote:
    """The checkpoint that was signed last, as the file beside the database holds it; read again now and then.

    Args:
        path: file of the note.
        ticks: seconds, monotonic.
    """

    def __init__(self, path: Path, ticks: Callable[[], float]) -> None:
        self._path = path
        self._ticks = ticks
        self._note: str | None = None
        self._until = float("-inf")

    def __call__(self) -> str | None:
        """The note, or None before the first signature."""
        if self._ticks() >= self._until:
            try:
                self._note = self._path.read_text("utf-8")
            except FileNotFoundError:
                self._note = None
            self._until = self._ticks() + _KEPT_SECONDS
        return self._note


def equip(app: FastAPI, ticks: Callable[[], float]) -> None:
    """Give an application whose site is open and whose routes are installed what its operator needs.

    Args:
        app: with ``app.state.site``.
        ticks: seconds, monotonic.
    """
    site = app.state.site
    app.state.health = Health(site, ticks)
    app.state.metrics = Metrics(site, {route.path for route in routes()})
    app.state.latest_note = LatestNote(site.data / "log_checkpoint", ticks)
