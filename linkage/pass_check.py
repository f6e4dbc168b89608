"""What is checked of a pass while its rows go by: that its own plan could have produced it.

Faults of form stop at once. What is known only at the end (an id used twice, the largest block, fill) is told by `finish`, in
that order, so that the answer does not depend on how the rows were cut into pieces.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from linkage.blocks import check_largest_block, runs
from linkage.errors import LinkageError
from linkage.plan import PassPlan
from linkage.row_ids import RowIds
from linkage.wire import ID_BYTES, TAG_BYTES, EncodedPass

__all__ = ["PassCheck"]

_LEAST_FILL, _MOST_FILL = 20, 80  # percent of the bits of a diffused row
_COUNTED_BYTES = 1 << 21  # of filters whose bits are counted at a time, close to the processor


class PassCheck:
    """The check of one pass.

    Attributes:
        rows: taken so far.
        bits: set in their filters, when fill is checked.
        largest: rows of the largest block so far.
    """

    def __init__(self, plan: PassPlan, *, fill: bool, memory: int) -> None:
        """Nothing taken yet.

        Args:
            plan: of the pass.
            fill: whether the bits of each filter are counted and judged.
            memory: bytes of ids held before they are spilled.
        """
        self._plan = plan
        self._fill = fill and plan.measure != "exact"
        self._ids = RowIds(memory)
        self._last = b""
        self._open = 0  # rows of the block that the last row is in
        self._unfit = False
        self.rows = 0
        self.bits = 0
        self.largest = 0

    def take(self, piece: EncodedPass) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
        """Check the next rows; returns their `linkage.blocks.runs`.

        Raises:
            LinkageError: `E_LARGEURS`, `E_TABLEAU`, `E_ORDRE_LIGNES`, `E_DISQUE_PLEIN`.
        """
        self._check_form(piece)
        values, bounds = runs(piece.tags)
        if not len(piece):
            return values, bounds
        first, last = _name(piece, 0), _name(piece, -1)
        if first < self._last or _falls(piece.ids, bounds):
            raise LinkageError(
                "E_ORDRE_LIGNES", "les lignes doivent être triées par étiquette de bloc puis par identifiant"
            )
        sizes = np.diff(bounds)
        if first[:TAG_BYTES] == self._last[:TAG_BYTES]:
            sizes[0] += self._open
        self.largest = max(self.largest, int(sizes.max()))
        self._open, self._last = int(sizes[-1]), last
        self.rows += len(piece)
        self._ids.take(piece.ids)
        if self._fill:
            self._count(piece.filters)
        return values, bounds

    def finish(self) -> None:
        """Tell what is wrong with the whole.

        Raises:
            LinkageError: `E_IDENTIFIANT_LIGNE`, `E_BLOC_TROP_GRAND`, `E_REMPLISSAGE`.
        """
        if self._ids.repeated():
            raise LinkageError("E_IDENTIFIANT_LIGNE", "un même identifiant de ligne est employé deux fois")
        check_largest_block(self.largest, self._plan.cap)
        if self._unfit:
            rule = "des filtres sont vides, pleins ou trop éloignés d'un remplissage de moitié ; encodez de nouveau le fichier"
            raise LinkageError("E_REMPLISSAGE", rule)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ids.close()

    def _check_form(self, piece: EncodedPass) -> None:
        length = self._plan.length
        if piece.filters.ndim != 2 or 64 * piece.filters.shape[1] != length:
            name = self._plan.name
            raise LinkageError("E_LARGEURS", f"les filtres de la passe « {name} » doivent avoir {length} bits")
        rows = len(piece.filters)
        if piece.ids.shape != (rows, ID_BYTES) or piece.tags.shape != (rows, TAG_BYTES):
            raise LinkageError("E_TABLEAU", "identifiants, étiquettes et filtres doivent décrire les mêmes lignes")

    def _count(self, filters: NDArray[np.uint64]) -> None:
        length = self._plan.length
        lowest, highest = (_LEAST_FILL, _MOST_FILL) if self._plan.degree else (0, 100)
        step = max(1, 8 * _COUNTED_BYTES // length)
        for start in range(0, len(filters), step):
            counts = np.einsum("ij->i", np.bitwise_count(filters[start : start + step]), dtype=np.int64)
            least, most = int(counts.min()), int(counts.max())
            self.bits += int(counts.sum())
            self._unfit |= least == 0 or most == length
            self._unfit |= 100 * least < lowest * length or 100 * most > highest * length


def _name(piece: EncodedPass, row: int) -> bytes:
    return bytes(piece.tags[row]) + bytes(piece.ids[row])


def _falls(ids: NDArray[np.uint8], bounds: NDArray[np.int64]) -> bool:
    """Whether an id is lower than the one before it in the same block."""
    halves = np.ascontiguousarray(ids).view(">u8")
    high = halves[:, 0].astype(np.uint64)
    falls = high[1:] < high[:-1]
    falls[bounds[1:-1] - 1] = False
    ties = np.flatnonzero(high[1:] == high[:-1])
    ties = ties[~np.isin(ties + 1, bounds)]
    return bool(falls.any() or (halves[ties + 1, 1] < halves[ties, 1]).any())
