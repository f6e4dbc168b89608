"""Encoding profiles: named parameters, what each is for, and what it costs (design §5).

`reference` is the plain keyed Bloom filter of the literature. It is BROKEN: graph matching re-identifies 92–100 % of it
without the key. It exists as the control of the attack suite, for benchmarks and for interoperability; an agreement
refuses it.

Two rules hold for every diffused profile, from measured breaks: the output is never longer than the filter (L = m; a
longer one is undone by linear algebra), and t is at least 3. The numbers were chosen by measuring attacks and links together
(docs/privacy.md, decision 0041): a pass has the least degree that brings its exposure down to the profile's aim.
"""

from __future__ import annotations

from dataclasses import dataclass

from linkage.errors import LinkageError
from linkage.plan import Measure

__all__ = ["PROFILES", "Profile", "profile_named"]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Parameters of an encoding.

    Attributes:
        name: what agreements write.
        length: m = L, bits of the filter before and after diffusion; a power of two.
        degree: t, distinct positions XORed into an output bit, at least; 0 = no diffusion.
        names_degree: the same in passes whose block value comes from names only, which expose about twice as much.
        cap: records expected in the largest block; 0 = no blocks at all.
        floor: expected records under which block values share hashed buckets.
        exposure: κ that no pass should exceed, in thousandths: a pass above it gets a higher degree (`linkage.exposure`).
        refused: κ beyond which there is no plan, where no degree brings it down.
    """

    name: str
    length: int
    degree: int
    names_degree: int
    cap: int
    floor: int
    exposure: int = 0
    refused: int = 0

    @property
    def measure(self) -> Measure:
        """Hamming on diffused filters (noise exactly 1/(2√L)), Dice on plain ones."""
        return "hamming" if self.degree else "dice"

    @property
    def insertions(self) -> int:
        """Bits set per complete record, with repetition: m·ln 2·1.03, which fills one half."""
        return self.length * 714 // 1000


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(name="reference", length=1024, degree=0, names_degree=0, cap=0, floor=0),
        Profile(name="standard", length=4096, degree=4, names_degree=5, cap=1000, floor=100, exposure=60, refused=400),
        Profile(name="renforce", length=8192, degree=5, names_degree=6, cap=1000, floor=100, exposure=25, refused=220),
    )
}


def profile_named(name: str) -> Profile:
    """The profile of that name.

    Raises:
        LinkageError: `E_PROFIL` when there is none.
    """
    try:
        return PROFILES[name]
    except KeyError:
        known = ", ".join(PROFILES)
        raise LinkageError("E_PROFIL", f"profil inconnu ; les profils sont : {known}") from None
