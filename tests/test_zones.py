"""Zones drawn on a map: who is inside, by the plainest of rules; what is no zone is refused, never half read."""

from __future__ import annotations

import csv
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.administration.campaign.zones import read_zone
from service.cli import main
from service.errors import ServiceError

SQUARE = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]]
HOLE = [[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0], [1.0, 1.0]]


def drawn(place: Any, shape: Any) -> Any:
    path = place / "zone.geojson"
    path.write_text(shape if isinstance(shape, str) else json.dumps(shape), "utf-8")
    return read_zone(path)


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


@pytest.mark.parametrize(
    "shape",
    [
        polygon(SQUARE, HOLE),
        polygon(SQUARE, HOLE[::-1]),
        {"type": "Feature", "properties": {"nom": "x"}, "geometry": polygon(SQUARE[:-1], HOLE)},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": polygon(SQUARE, HOLE)}]},
        {"type": "GeometryCollection", "geometries": [{"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE]]}]},
    ],
)
def test_a_square_with_a_hole(tmp_path, shape):
    """In every form that map tools write: inside, in the hole, outside; a comma for a point; no coordinates, no answer."""
    zone = drawn(tmp_path, shape)
    rows = [
        ("0,5", "0.5"),
        ("2", "2"),
        ("5", "2"),
        ("2", "5"),
        ("-1", "2"),
        (" 3.5 ", "3.9"),
        ("", "2"),
        ("x", "2"),
        ("200", "2"),
    ]
    assert ["oui", "non", "non", "non", "non", "oui", "", "", ""] == zone.said(*zip(*rows, strict=True))


def test_a_zone_of_two_parts(tmp_path):
    """Each of them counts, what is between does not."""
    other = [[x + 10, y] for x, y in SQUARE]
    zone = drawn(tmp_path, {"type": "MultiPolygon", "coordinates": [[SQUARE], [other]]})
    assert ["oui", "non", "oui"] == zone.said(["2", "6", "12"], ["2", "2", "2"])


@pytest.mark.parametrize("kind", ["FeatureCollection", "GeometryCollection", "MultiPolygon"])
def test_polygons_that_lie_over_one_another(tmp_path, kind):
    """Who is in both is in the zone, in the hole of one of them too; who is in that hole alone is not."""
    parts = [[SQUARE, HOLE], [[[x + 2, y] for x, y in SQUARE]]]
    shape = {
        "FeatureCollection": {
            "type": kind,
            "features": [{"type": "Feature", "geometry": polygon(*one)} for one in parts],
        },
        "GeometryCollection": {"type": kind, "geometries": [polygon(*one) for one in parts]},
        "MultiPolygon": {"type": kind, "coordinates": parts},
    }[kind]
    zone = drawn(tmp_path, shape)
    assert ["oui", "non", "oui", "oui", "oui", "non"] == zone.said(["0.5", "1.5", "2.5", "3.5", "5", "7"], ["2"] * 6)


@settings(max_examples=50)
@given(st.data())
def test_the_same_as_side_by_side_in_plain_python(tmp_path_factory, data):
    """Of a convex polygon: a point is inside if it is on the same side of all edges."""
    angles = sorted(data.draw(st.lists(st.integers(0, 359), min_size=3, max_size=9, unique=True)))
    ring = [[10 * float(np.cos(np.radians(a))), 10 * float(np.sin(np.radians(a)))] for a in angles]
    points = data.draw(st.lists(st.tuples(st.floats(-12, 12), st.floats(-12, 12)), max_size=20))
    zone = drawn(tmp_path_factory.getbasetemp(), polygon(ring))
    sides = [
        [
            (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
            for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
        ]
        for x, y in points
    ]
    found = zone.holds(*np.array(points, dtype=np.float64).reshape(-1, 2).T)
    for inside, side in zip(found.tolist(), sides, strict=True):
        if min(abs(one) for one in side) > 1e-6:  # on an edge, either answer is right
            assert inside == (min(side) > 0)


@pytest.mark.parametrize(
    "shape",
    [
        "", "{", "[]", "null", "{}", "[" * 5000, {"type": "Point", "coordinates": [1, 2]}, polygon(), polygon([]),
        polygon([[0, 0], [1, 1]]), polygon([[0, 0], [1, 0], ["1", 1]]), polygon([[0, 0], [1, 0], [True, 1]]),
        polygon([[0, 0], [1, 0], [1]]), polygon([[0, 0], [181, 0], [1, 1]]), polygon([[0, 0], [1, 91], [1, 1]]),
        {"type": "FeatureCollection", "features": {}}, {"type": "Feature", "geometry": None},
        {"type": "MultiPolygon", "coordinates": [1]},
    ],
)  # fmt: skip
def test_what_is_no_zone_is_refused(tmp_path, shape):
    """With a code and where it is, whatever it is."""
    with pytest.raises(ServiceError) as refused:
        drawn(tmp_path, shape)
    assert "E_ZONE" == refused.value.code


KEYS = st.sampled_from(["type", "coordinates", "features", "geometry", "geometries"])
LEAVES = st.none() | st.booleans() | st.floats(-200, 200) | st.sampled_from(["Polygon", "Feature", "MultiPolygon", "x"])
DOCUMENTS = st.recursive(
    LEAVES, lambda one: st.lists(one, max_size=4) | st.dictionaries(KEYS, one, max_size=4), max_leaves=25
)


@settings(max_examples=50)
@given(DOCUMENTS)
def test_no_document_breaks_the_reader(tmp_path_factory, document):
    """It gives a zone or refuses, and nothing else comes out."""
    code = ""
    try:
        assert any(map(len, drawn(tmp_path_factory.getbasetemp(), json.dumps(document)).polygons))
    except ServiceError as error:
        code = error.code
    assert code in ("", "E_ZONE")


def test_people_of_a_zone_get_the_message(tmp_path, capsys):
    """By their coordinates where a zone is drawn, by their district where there are none; a démarche without zones takes none."""
    rows = [
        {"identifiant": "P1", "abonnement_actif": "oui", "quartier": "Nord", "longitude": "2", "latitude": "2"},
        {"identifiant": "P2", "abonnement_actif": "oui", "quartier": "Centre", "longitude": "9", "latitude": "9"},
        {"identifiant": "P3", "abonnement_actif": "oui", "quartier": "Centre", "longitude": "", "latitude": ""},
        {"identifiant": "P4", "abonnement_actif": "non", "quartier": "Nord", "longitude": "2", "latitude": "2"},
    ]
    with (tmp_path / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    drawn(tmp_path, polygon(SQUARE))
    words = [
        "demarche",
        "preview",
        str(tmp_path / "people.csv"),
        "--demarche",
        "avertir-evenement",
        "--home",
        str(tmp_path),
    ]
    zone = ["--zone", str(tmp_path / "zone.geojson")]
    assert [0, 0] == [main(words), main([*words, *zone])]
    shown = capsys.readouterr().out
    assert 2 == shown.count("à contacter : 2 personne(s)")  # P2 and P3 by district, P1 and P3 with the zone
    assert 1 == main([*(one.replace("avertir-evenement", "cnaf-kits") for one in words), *zone])
    assert capsys.readouterr().err.startswith("E_ZONE")
