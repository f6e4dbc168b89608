"""A zone drawn on a map (GeoJSON, RFC 7946) and the people of a file who live in it, on this machine.

A démarche of local selection with ``zone = "geojson"`` may ask of a row ``dans_zone``: *oui* or *non* from the columns
`longitude` and `latitude` of the file (degrees, WGS 84) where a zone is given and the row has both, empty otherwise; its filter
says what an empty one is worth (the list of districts). A point is inside by the rule of crossings: holes are outside, however
they are drawn. Polygons may lie over one another: who is in one of them is in the zone.

Polygons and what is made of them only; anything else, or coordinates that are none, is refused with the place in the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import ServiceError

__all__ = ["LATITUDE", "LONGITUDE", "Zone", "read_zone"]

LONGITUDE = "longitude"
LATITUDE = "latitude"
_LARGEST = 1 << 24  # bytes of a file
_MOST_POINTS = 100_000
_DEEPEST = 20  # objects in objects
_BOUNDS = (180.0, 90.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A zone, as the edges of the rings of its polygons.

    Attributes:
        polygons: (n, 4) each, longitude and latitude of both ends of each edge.
    """

    polygons: tuple[Floats, ...]

    def said(self, longitudes: Sequence[str], latitudes: Sequence[str]) -> list[str]:
        """Of each row, *oui*, *non*, or an empty text where its cells are no coordinates."""
        across, up = (_degrees(cells, bound) for cells, bound in zip((longitudes, latitudes), _BOUNDS, strict=True))
        known = ~(np.isnan(across) | np.isnan(up))
        inside = self.holds(np.where(known, across, 0.0), np.where(known, up, 0.0))
        return ["" if not there else "oui" if within else "non" for there, within in zip(known, inside, strict=True)]

    def holds(self, longitudes: Floats, latitudes: Floats) -> NDArray[np.bool_]:
        """(n,) bool, whether each point is in the zone: a ray to the East crosses a polygon's edges an odd number of times."""
        inside = np.zeros(len(longitudes), dtype=bool)
        for edges in self.polygons:
            odd = np.zeros(len(longitudes), dtype=bool)
            for from_across, from_up, to_across, to_up in edges.tolist():
                if from_up == to_up:
                    continue
                spans = (from_up > latitudes) != (to_up > latitudes)
                meets = from_across + (latitudes - from_up) * ((to_across - from_across) / (to_up - from_up))
                odd ^= spans & (longitudes < meets)
            inside |= odd
        return inside


def read_zone(path: Path) -> Zone:
    """The zone of a file.

    Raises:
        ServiceError: `E_ZONE`.
    """
    if path.stat().st_size > _LARGEST:
        raise _refused("le fichier dépasse seize mébioctets : simplifiez le tracé")
    try:
        drawn = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _refused("ce n'est pas du JSON en UTF-8") from error
    polygons = [[edge for ring in rings for edge in _edges(ring)] for rings in _polygons(drawn, "le fichier", 0)]
    if not any(polygons):
        raise _refused("aucun polygone : dessinez une surface, pas un point ni une ligne")
    if sum(map(len, polygons)) > _MOST_POINTS:
        raise _refused("plus de cent mille points : simplifiez le tracé")
    return Zone(polygons=tuple(np.array(edges, dtype=np.float64) for edges in polygons))


def _polygons(drawn: Any, where: str, depth: int) -> Iterator[list[list[tuple[float, float]]]]:
    """The polygons of an object: closed rings, each with its first point at the end again."""
    kind = drawn.get("type") if isinstance(drawn, dict) else None
    if depth > _DEEPEST:
        raise _refused(f"{where} : trop d'objets les uns dans les autres")
    if kind in ("FeatureCollection", "GeometryCollection"):
        members = drawn.get("features" if kind == "FeatureCollection" else "geometries")
        for number, one in enumerate(_listed(members, where), 1):
            yield from _polygons(one, f"{where}, objet {number}", depth + 1)
    elif kind == "Feature":
        yield from _polygons(drawn.get("geometry"), where, depth + 1)
    elif kind in ("Polygon", "MultiPolygon"):
        parts = _listed(drawn.get("coordinates"), where)
        for part in [parts] if kind == "Polygon" else parts:
            rings = [[_point(one, where) for one in _listed(ring, where)] for ring in _listed(part, where)]
            yield [_closed(ring, where) for ring in rings]
    else:
        raise _refused(f"{where} : il y faut un Polygon ou un MultiPolygon")


def _listed(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _refused(f"{where} : une liste est attendue")
    return value


def _point(value: Any, where: str) -> tuple[float, float]:
    pair = _listed(value, where)[:2]
    if len(pair) != len(_BOUNDS) or not all(type(one) in (int, float) for one in pair):
        raise _refused(f"{where} : un point est [longitude, latitude]")
    if not all(abs(one) <= bound for one, bound in zip(pair, _BOUNDS, strict=True)):
        raise _refused(f"{where} : des degrés sont attendus (longitude puis latitude, WGS 84)")
    return float(pair[0]), float(pair[1])


def _closed(ring: list[tuple[float, float]], where: str) -> list[tuple[float, float]]:
    closed = ring if ring[:1] == ring[-1:] else [*ring, ring[0]]
    if len(closed) < 4:
        raise _refused(f"{where} : un contour a trois points au moins")
    return closed


def _edges(ring: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float, float, float]]:
    for (across, up), (then_across, then_up) in pairwise(ring):
        yield across, up, then_across, then_up


def _degrees(cells: Sequence[str], bound: float) -> Floats:
    """(n,) float64, not a number where a cell is no coordinate."""
    return np.array([_degree(cell, bound) for cell in cells], dtype=np.float64)


def _degree(cell: str, bound: float) -> float:
    try:
        found = float(cell.strip().replace(",", "."))
    except ValueError:
        return float("nan")
    return found if abs(found) <= bound else float("nan")


def _refused(rule: str) -> ServiceError:
    return ServiceError("E_ZONE", f"la zone ne se lit pas : {rule}")
