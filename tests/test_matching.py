"""Encodings of a run, opened and judged: what is accepted is what the plan could have produced."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crypto.errors import CryptoError
from crypto.sealing import SealingKey, seal, seal_chunk
from linkage.wire import EncodedPass, row_bytes, rows_to_bytes
from service.agreement import Sizes
from service.errors import ServiceError
from service.messages import Manifest, UploadState, chunk_context, upload_key_context
from service.third_party.matching import judge, steps_of
from service.third_party.opened import open_upload
from service.third_party.parcels import Upload, uploads_of
from service.third_party.store import stored, unstored
from service.upload_appendix import seal_appendix
from tests.simulator import LENGTH, SIZE, Run, Simulation, fill_of, pass_plan, rows_for, simulation

PLAN = pass_plan("jour")
RECIPIENT, SOURCE = (side.encoded for side in rows_for(11))


@pytest.fixture(scope="module")
def sim(tmp_path_factory, module_database_url):
    """One third party for all."""
    with simulation(tmp_path_factory.mktemp("site") / "data", module_database_url) as one:
        yield one


@pytest.fixture(scope="module")
def matching(sim):
    """A run whose uploads are all there."""
    run = sim.sending()
    sim.upload_all(run, {name: rows_for(number) for number, name in enumerate(("jour", "noms"))})
    return run


def quiet() -> None:
    """Nothing stops the work."""


class Forge:
    """An upload made by hand, with a fault where the test wants one."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.key = SealingKey.generate()

    def upload(self, rows: bytes, pieces: int = 2, *, party: str = "caf", **changes: Any) -> Upload:
        """A stored upload of these bytes; `changes` are members of the manifest."""
        about: dict[str, Any] = {
            "agreement": "a" * 64,
            "run": secrets.token_hex(16),
            "comparison": "caf.cnous",
            "pass_": "jour",
        }
        key, size = secrets.token_bytes(32), row_bytes(LENGTH)
        info = upload_key_context(about["agreement"], about["run"], "caf.cnous", "jour", party)
        manifest = Manifest(
            **about, party=party, role="recipient", count=len(rows) // size, row_bytes=size, chunks=(),
            wrapped_key=seal(self.key.public_bytes(), key, info), mean_fill_permille=500, nonce="b" * 32, appendix=b"",
        )  # fmt: skip
        step = -(-len(rows) // (pieces * size)) * size
        name = secrets.token_hex(16)
        digests = []
        for number in range(pieces):
            part = rows[number * step : (number + 1) * step]
            sealed = seal_chunk(key, chunk_context(manifest), number, number == pieces - 1, part)
            self.sim.site.blobs.write(manifest.run, name, number, sealed)
            digests.append(hashlib.sha256(sealed).hexdigest())
        appendix = seal_appendix(manifest, key)
        manifest = replace(manifest, **{"chunks": tuple(digests), "appendix": appendix, **changes})
        return Upload(
            upload=name, run=manifest.run, comparison="caf.cnous", pass_="jour", party=party,
            state=UploadState.COMPLETE, reason=None,
            manifest=stored(manifest.signed(self.sim.caf.identity.signing_key)),
        )  # fmt: skip

    def open(self, upload: Upload) -> EncodedPass:
        pieces = list(open_upload(self.sim.site, self.key, upload, PLAN))
        columns = {name: np.concatenate([vars(one)[name] for one in pieces]) for name in ("ids", "tags", "filters")}
        return EncodedPass(**columns)


@pytest.fixture
def forge(sim):
    """A maker of uploads."""
    return Forge(sim)


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_what_was_sealed_is_opened(forge: Forge, pieces):
    """The same rows, in the same order, however many chunks."""
    opened = forge.open(forge.upload(rows_to_bytes(RECIPIENT), pieces))
    for name in ("ids", "tags", "filters"):
        np.testing.assert_array_equal(getattr(RECIPIENT, name), getattr(opened, name))


def lose_chunk(sim: Simulation, upload: Upload) -> None:
    (sim.data / "blobs" / upload.run / upload.upload / "1").unlink()


def flip_chunk(sim: Simulation, upload: Upload) -> None:
    path = sim.data / "blobs" / upload.run / upload.upload / "0"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def swap_chunks(sim: Simulation, upload: Upload) -> None:
    folder = sim.data / "blobs" / upload.run / upload.upload
    first, second = ((folder / name).read_bytes() for name in "01")
    (folder / "0").write_bytes(second)
    (folder / "1").write_bytes(first)


@pytest.mark.parametrize("damage", [lose_chunk, flip_chunk, swap_chunks])
def test_a_damaged_disk_is_noticed(forge: Forge, damage: Callable[[Simulation, Upload], None]):
    """Chunks are held to the manifest's digests again when they are read."""
    upload = forge.upload(rows_to_bytes(RECIPIENT))
    damage(forge.sim, upload)
    with pytest.raises(ServiceError) as caught:
        forge.open(upload)
    assert "E_MORCEAU_ALTERE" == caught.value.code


@pytest.mark.parametrize("order", [(0, 1), (1, 0, 2), (0, 0, 2), (0, 1, 2, 2), (0, 2)], ids=str)
def test_chunks_are_bound_to_their_place_and_to_the_end(forge: Forge, order: tuple[int, ...]):
    """A party that lists its own chunks otherwise (fewer, in another order, twice) sends nothing that opens."""
    upload = forge.upload(rows_to_bytes(RECIPIENT), 3)
    manifest = Manifest.from_json(unstored(upload.manifest)["statement"])
    blobs = forge.sim.site.blobs
    sealed = [blobs.read(upload.run, upload.upload, number) or b"" for number in range(3)]
    for number, place in enumerate(order):
        blobs.write(upload.run, upload.upload, number, sealed[place])
    listed = replace(manifest, chunks=tuple(manifest.chunks[place] for place in order))
    signed = stored(listed.signed(forge.sim.caf.identity.signing_key))
    with pytest.raises(CryptoError):
        forge.open(replace(upload, manifest=signed))


@pytest.mark.parametrize(
    "changes",
    [{"party": "cnous"}, {"comparison": "cnous.caf"}, {"pass_": "noms"}, {"nonce": "c" * 32}, {"agreement": "b" * 64}],
)
def test_an_upload_opens_only_under_its_own_names(forge: Forge, changes):
    """The key and the chunks are bound to agreement, run, comparison, pass and party."""
    upload = forge.upload(rows_to_bytes(RECIPIENT))
    manifest = Manifest.opened(forge.sim.caf.identity.public.signing_key, _signed(upload))
    other = stored(replace(manifest, **changes).signed(forge.sim.caf.identity.signing_key))
    with pytest.raises(CryptoError):
        forge.open(replace(upload, manifest=other))


def _signed(upload: Upload) -> Any:
    from service.third_party.store import unstored

    return unstored(upload.manifest)


def test_another_run_s_key_opens_nothing(forge: Forge):
    """What destroying the key achieves."""
    upload = forge.upload(rows_to_bytes(RECIPIENT))
    with pytest.raises(CryptoError):
        next(open_upload(forge.sim.site, SealingKey.generate(), upload, PLAN))


def changed(**columns: Any) -> EncodedPass:
    return replace(RECIPIENT, **columns)


def repeated_id() -> EncodedPass:
    ids = RECIPIENT.ids.copy()
    ids[1] = ids[0]
    return changed(ids=ids)


def heavy_rows() -> EncodedPass:
    return changed(filters=np.full_like(RECIPIENT.filters, 2**64 - 1))


CONTENT_FAULTS: list[tuple[Callable[[], EncodedPass], dict[str, Any], str]] = [
    (lambda: RECIPIENT, {}, ""),
    (lambda: RECIPIENT, {"mean_fill_permille": 400}, "E_CONTENU_MANIFESTE"),
    (lambda: RECIPIENT, {"count": SIZE - 1}, "E_CONTENU_MANIFESTE"),
    (repeated_id, {}, "E_IDENTIFIANT_LIGNE"),
    (lambda: changed(tags=RECIPIENT.tags[::-1]), {}, "E_ORDRE_LIGNES"),
    (heavy_rows, {"mean_fill_permille": 1000}, "E_REMPLISSAGE"),
    (lambda: changed(filters=np.zeros_like(RECIPIENT.filters)), {"mean_fill_permille": 0}, "E_REMPLISSAGE"),
]


@pytest.mark.parametrize(("make", "manifest", "code"), CONTENT_FAULTS)
def test_each_fault_of_content_has_its_code(forge: Forge, matching: Run, make, manifest, code):
    """The upload at fault is named, and only it."""
    agreement = forge.sim.agreement()
    good, bad = forge.upload(rows_to_bytes(SOURCE), party="cnous", mean_fill_permille=fill_of(SOURCE)), make()
    wrong = forge.upload(rows_to_bytes(bad), **{"mean_fill_permille": fill_of(RECIPIENT), **manifest})
    (step, *_) = steps_of(forge.sim.site, matching.run, forge.sim.agreement())
    step = replace(step, agreement=agreement, plan=PLAN, recipient=wrong, source=good)
    assert ({wrong.upload: code} if code else {}) == judge(forge.sim.site, forge.key, [step], quiet)


def test_a_block_over_its_cap_is_refused(forge: Forge, matching: Run):
    """With the code that asks for a finer plan."""
    (step, *_) = steps_of(forge.sim.site, matching.run, forge.sim.agreement())
    sides = [forge.upload(rows_to_bytes(rows), mean_fill_permille=fill_of(rows)) for rows in (RECIPIENT, SOURCE)]
    step = replace(step, plan=pass_plan("jour", cap=10), recipient=sides[0], source=sides[1])
    assert {"E_BLOC_TROP_GRAND"} == set(judge(forge.sim.site, forge.key, [step], quiet).values())


def test_a_file_of_too_few_people_is_refused_as_a_whole(forge: Forge, matching: Run):
    """The largest pass of a side says how many people it holds; below the floor, all its uploads are sent back."""
    (step, *_) = steps_of(forge.sim.site, matching.run, forge.sim.agreement())
    few = EncodedPass(ids=RECIPIENT.ids[:99], tags=RECIPIENT.tags[:99], filters=RECIPIENT.filters[:99])
    full = forge.upload(rows_to_bytes(SOURCE), party="cnous", mean_fill_permille=fill_of(SOURCE))
    small = [forge.upload(rows_to_bytes(few), mean_fill_permille=fill_of(few)) for _ in range(2)]
    steps = [replace(step, plan=PLAN, recipient=one, source=full) for one in small]
    assert dict.fromkeys([one.upload for one in small], "E_EFFECTIF_FAIBLE") == judge(
        forge.sim.site, forge.key, steps, quiet
    )
    large = forge.upload(rows_to_bytes(RECIPIENT), mean_fill_permille=fill_of(RECIPIENT))
    assert {} == judge(forge.sim.site, forge.key, [*steps, replace(steps[0], recipient=large)], quiet)


@pytest.mark.parametrize(("declared", "code"), [(150, None), (151, "E_EFFECTIF_INSUFFISANT")])
def test_a_truncated_file_is_refused(forge: Forge, matching: Run, declared, code):
    """A side whose largest pass holds less than 80 % of the people it declared is sent back: 120 of 151, not of 150."""
    (step, *_) = steps_of(forge.sim.site, matching.run, forge.sim.agreement())
    one = forge.upload(rows_to_bytes(RECIPIENT), mean_fill_permille=fill_of(RECIPIENT))
    other = forge.upload(rows_to_bytes(SOURCE), party="cnous", mean_fill_permille=fill_of(SOURCE))
    comparison = replace(step.comparison, sizes=Sizes(recipient=declared, source=SIZE))
    step = replace(step, plan=PLAN, comparison=comparison, recipient=one, source=other)
    assert ({one.upload: code} if code else {}) == judge(forge.sim.site, forge.key, [step], quiet)


@pytest.mark.parametrize(
    ("controls", "declared", "codes"),
    [
        (20, 120, ()),  # a hundred people of 120
        (21, 120, ("E_EFFECTIF_FAIBLE",) * 2),
        (20, 125, ()),
        (20, 126, ("E_EFFECTIF_INSUFFISANT",) * 2),
    ],
)
def test_controls_make_no_file_larger(forge: Forge, matching: Run, controls, declared, codes):
    """Of 120 rows a side, what is left without the controls is what the least size and the declared one are about."""
    (step, *_) = steps_of(forge.sim.site, matching.run, forge.sim.agreement())
    one = forge.upload(rows_to_bytes(RECIPIENT), mean_fill_permille=fill_of(RECIPIENT))
    other = forge.upload(rows_to_bytes(SOURCE), party="cnous", mean_fill_permille=fill_of(SOURCE))
    agreement = replace(step.agreement, controls=controls)
    comparison = replace(step.comparison, sizes=Sizes(recipient=declared, source=declared))
    step = replace(step, plan=PLAN, agreement=agreement, comparison=comparison, recipient=one, source=other)
    expected = dict(zip((one.upload, other.upload), codes, strict=False))
    assert expected == judge(forge.sim.site, forge.key, [step], quiet)


@pytest.mark.parametrize(("rows", "code"), [(30, None), (29, "E_EFFECTIF_FAIBLE")])
def test_a_pass_of_a_few_chosen_people_is_refused(forge: Forge, matching: Run, rows, code):
    """Under a quarter of the largest pass of its side, it would be a question about these people."""
    (step, *_) = steps_of(forge.sim.site, matching.run, forge.sim.agreement())
    few = EncodedPass(ids=RECIPIENT.ids[:rows], tags=RECIPIENT.tags[:rows], filters=RECIPIENT.filters[:rows])
    full = forge.upload(rows_to_bytes(RECIPIENT), mean_fill_permille=fill_of(RECIPIENT))
    small = forge.upload(rows_to_bytes(few), mean_fill_permille=fill_of(few))
    other = forge.upload(rows_to_bytes(SOURCE), party="cnous", mean_fill_permille=fill_of(SOURCE))
    steps = [replace(step, plan=PLAN, recipient=one, source=other) for one in (full, small)]
    assert ({small.upload: code} if code else {}) == judge(forge.sim.site, forge.key, steps, quiet)


def test_the_work_stops_when_asked(forge: Forge, matching: Run):
    """Between two uploads."""

    def stop() -> None:
        raise KeyboardInterrupt

    steps = steps_of(forge.sim.site, matching.run, forge.sim.agreement())
    with pytest.raises(KeyboardInterrupt):
        judge(forge.sim.site, forge.key, steps, stop)


def test_steps_are_the_passes_whose_two_uploads_are_complete(sim: Simulation, matching: Run):
    """In the order of the agreement; nothing is compared with an upload that is missing."""
    agreement = sim.agreement()
    names = [("caf.cnous", "jour"), ("caf.cnous", "noms")]
    assert names == [step.name for step in steps_of(sim.site, matching.run, agreement)]
    with sim.site.database.read() as connection:
        assert 4 == len(uploads_of(connection, matching.run))
    assert [] == steps_of(sim.site, "0" * 32, agreement)
