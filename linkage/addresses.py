"""French addresses as they are compared: the number, the way, or both, with usual abbreviations written out.

    12B, av. du Gal de Gaulle     → 12 BIS AVENUE DU GENERAL DE GAULLE
    20 bât. B bd Lenoir           → number 20 BAT B, way BOULEVARD LENOIR

Only what stands at its usual place is written out: a letter after the number, the kind of way at its beginning, titles further
on. No address is looked up, and nothing is guessed: what is not known stays as it is. The building, where an address has one,
goes with the number: it tells two homes of one entrance apart.
"""

from __future__ import annotations

from linkage.cells import folded_words

__all__ = ["ADDRESS_PARTS", "address_of"]

ADDRESS_PARTS = ("whole", "street", "number")
"""What may be kept of an address: all of it, the way without its number, the number alone."""

_AGAIN = {"B": "BIS", "T": "TER", "Q": "QUATER", "BIS": "BIS", "TER": "TER", "QUATER": "QUATER"}
_BUILDINGS = ("BAT", "BATIMENT", "IMMEUBLE", "IMM", "BT")
_WAYS = {
    "ALL": "ALLEE", "AV": "AVENUE", "AVE": "AVENUE", "BD": "BOULEVARD", "BLD": "BOULEVARD", "BVD": "BOULEVARD",
    "CAR": "CARREFOUR", "CH": "CHEMIN", "CHE": "CHEMIN", "CHEM": "CHEMIN", "CHS": "CHAUSSEE", "CRS": "COURS",
    "DOM": "DOMAINE", "ESP": "ESPLANADE", "FBG": "FAUBOURG", "FG": "FAUBOURG", "HAM": "HAMEAU", "IMP": "IMPASSE",
    "LD": "LIEU DIT", "LIEUDIT": "LIEU DIT", "LOT": "LOTISSEMENT", "MTE": "MONTEE", "PAS": "PASSAGE", "PL": "PLACE",
    "PROM": "PROMENADE", "R": "RUE", "RES": "RESIDENCE", "RLE": "RUELLE", "RPT": "ROND POINT", "RTE": "ROUTE",
    "SEN": "SENTIER", "SQ": "SQUARE", "VLA": "VILLA",
}  # fmt: skip
_TITLES = {
    "CAL": "CARDINAL", "CDT": "COMMANDANT", "CNE": "CAPITAINE", "COL": "COLONEL", "DR": "DOCTEUR", "GAL": "GENERAL",
    "LT": "LIEUTENANT", "MAL": "MARECHAL", "PDT": "PRESIDENT", "PR": "PROFESSEUR", "ST": "SAINT", "STE": "SAINTE",
}  # fmt: skip


def address_of(raw: str, part: str) -> str | None:
    """The canonical form of an address, or of a part of it; None where nothing of it is there.

    Args:
        raw: a cell.
        part: one of `ADDRESS_PARTS`.
    """
    words = folded_words(raw)
    number, street = _parted(words)
    if street:
        street = [_WAYS.get(street[0], street[0]) if len(street) > 1 else street[0], *street[1:]]
        street = [street[0], *(_TITLES.get(word, word) for word in street[1:-1]), *street[1:][-1:]]
    kept = {"whole": [*number, *street], "street": street, "number": number}[part]
    return " ".join(kept) or None


def _parted(words: list[str]) -> tuple[list[str], list[str]]:
    """The words of the number, with what repeats it and the building, and those of the way."""
    number: list[str] = []
    if words and words[0][0].isdigit():
        digits = words[0].rstrip("BTQ")
        again = words[0][len(digits) :]
        if digits.isdigit() and len(again) < 2:
            number, words = [digits, *([_AGAIN[again]] if again else [])], words[1:]
            # A letter alone before a way repeats the number; before nothing it may be the way's name.
            if not again and len(words) > 1 and words[0] in _AGAIN:
                number, words = [*number, _AGAIN[words[0]]], words[1:]
    if len(words) > 2 and words[0] in _BUILDINGS:
        number, words = [*number, "BAT", words[1]], words[2:]
    return number, words
