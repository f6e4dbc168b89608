"""What the web process carries for its operator and for whoever watches its log: health, metrics, the latest checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from starlette.datastructures import State

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


def equip(state: State, paths: Iterable[str], ticks: Callable[[], float]) -> None:
    """Give the state of an application what its operator needs.

    Args:
        state: with ``site``.
        paths: of its routes.
        ticks: seconds, monotonic.
    """
    site = state.site
    state.health = Health(site, ticks)
    state.metrics = Metrics(site, paths)
    state.latest_note = LatestNote(site.data / "log_checkpoint", ticks)
