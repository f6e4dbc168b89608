"""Payloads of linked rows: read from a source's upload once its pass is compared, and never opened here.

The upload is read a second time, chunk by chunk, and only the sealed bytes of rows that are linked at the strict threshold are
held. They travel in the delivery, in the order of the recipient's ids (`disclosure`), covered so that no joiner knows them
(`service.payload_cover`); all others die with the upload.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from crypto.sealing import SealingKey
from linkage.linker import PassLinks
from linkage.plan import PassPlan
from linkage.wire import ID_BYTES
from service.payload_cover import Cover, cover_key
from service.third_party.opened import canaries_of, manifest_of, open_payloads, payload_of, upload_key_of
from service.third_party.parcels import Upload
from service.third_party.site import Site

__all__ = ["covered_payloads", "linked_payloads"]


def covered_payloads(
    payloads: NDArray[np.uint8] | None, key: SealingKey, recipient: Upload
) -> NDArray[np.uint8] | None:
    """Payloads as their recipient alone knows them again, under a key of its own upload of the pass; None for none.

    Raises:
        CryptoError: as `opened.open_upload`.
    """
    if payloads is None:
        return None
    one = manifest_of(recipient)
    cover = Cover(cover_key(upload_key_of(key, recipient)), (one.agreement, one.run, one.comparison, one.pass_))
    return cover.rows(payloads)


def linked_payloads(
    site: Site, key: SealingKey, source: Upload, plan: PassPlan, links: PassLinks, alive: Callable[[], None]
) -> NDArray[np.uint8] | None:
    """The sealed payload of the source's row of each link; zeros for links below the strict threshold, which show none.

    Args:
        site: whose.
        key: of the run.
        source: the upload.
        plan: of its pass.
        links: of the pass; their right rows are counted without canaries.
        alive: called between chunks; raises to stop.

    Returns:
        (links, width) uint8; None when the agreement has no payload.

    Raises:
        CryptoError, ServiceError, LinkageError: as `opened.open_upload`.
    """
    width = payload_of(source, plan)
    if not width:
        return None
    found = np.zeros((len(links.right_rows), width), dtype=np.uint8)
    strict = np.flatnonzero(links.strict)
    strict = strict[np.argsort(links.right_rows[strict], kind="stable")]
    wanted, hidden, before = links.right_rows[strict], canaries_of(key, source), 0
    with closing(open_payloads(site, key, source, plan)) as pieces:
        for ids, payloads in pieces:
            alive()
            kept = _kept(ids, payloads, hidden)
            low, high = np.searchsorted(wanted, [before, before + len(kept)])
            found[strict[low:high]] = kept[wanted[low:high] - before]
            before += len(kept)
    return found


def _kept(ids: NDArray[np.uint8], payloads: NDArray[np.uint8], hidden: frozenset[bytes]) -> NDArray[np.uint8]:
    """The payloads of rows that are not canaries."""
    if not hidden:
        return payloads
    data = ids.tobytes()
    names = (data[start : start + ID_BYTES] for start in range(0, len(data), ID_BYTES))
    return payloads[[name not in hidden for name in names]]
