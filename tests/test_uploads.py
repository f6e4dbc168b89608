"""Uploads as requests: any order, once, exactly what was declared; and whose deliveries are whose."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from crypto.framing import Label
from crypto.signatures import sign_statement
from service.answers import UploadStatus
from service.errors import ServiceError
from service.guard_terms import GuardTerms
from service.messages import Manifest
from service.third_party import uploads
from service.third_party.uploads import expect_chunk, put_chunk
from tests.risk_reports import RISK
from tests.simulator import SIZE, START, Administration, Run, Simulation, rows_for, simulation

ROWS = rows_for(7)


@pytest.fixture(scope="module")
def sim(tmp_path_factory, module_database_url):
    """One third party for all; each test has its own run."""
    with simulation(tmp_path_factory.mktemp("site") / "data", module_database_url) as one:
        yield one


@pytest.fixture
def run(sim):
    """A run whose parties may send."""
    return sim.sending()


@pytest.fixture(scope="module")
def shared(sim):
    """The same, for tests that leave it as it was."""
    return sim.sending()


def declare(one: Administration, run: Run, manifest: Manifest, status: int = 201) -> str:
    """Declare a manifest; the upload's identifier, or the code of the refusal."""
    answer = one.post(f"/runs/{run.run}/uploads", manifest.signed(one.identity.signing_key), status)
    return str(answer["upload"] if status == 201 else answer)


def put(one: Administration, run: Run, upload: str, number: int | str, data: bytes) -> tuple[int, str]:
    """Send a chunk; status and code."""
    response = one.send("PUT", f"/runs/{run.run}/uploads/{upload}/chunks/{number}", data)
    return response.status_code, "" if response.status_code == 204 else response.json()["errors"][0]["code"]


def status(one: Administration, run: Run, upload: str) -> tuple[str, tuple[int, ...]]:
    """(state, missing chunks) of an upload."""
    view = UploadStatus.from_json(one.get(f"/runs/{run.run}/uploads/{upload}"))
    return str(view.state), view.missing


def test_chunks_come_in_any_order_and_twice(sim: Simulation, run):
    """What is missing is said at each moment; the end is accepted only when nothing is."""
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded, chunks=4)
    upload = declare(sim.caf, run, manifest)
    complete = f"/runs/{run.run}/uploads/{upload}/complete"
    assert ("receiving", (0, 1, 2, 3)) == status(sim.caf, run, upload)
    for number, missing in ((2, (0, 1, 3)), (2, (0, 1, 3)), (0, (1, 3)), (3, (1,))):
        assert (204, "") == put(sim.caf, run, upload, number, sealed[number])
        assert ("receiving", missing) == status(sim.caf, run, upload)
        assert "E_MORCEAUX_MANQUANTS" == sim.caf.post(complete, status=409)
    assert (204, "") == put(sim.caf, run, upload, 1, sealed[1])
    for _ in range(2):
        assert {"state": "complete", "missing": []} == sim.caf.post(complete)
    assert "sending" == sim.state(run)


def test_declaring_again_gives_the_same_upload(sim: Simulation, run):
    """Chunks already held stay held; a connection that broke is resumed."""
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded)
    upload = declare(sim.caf, run, manifest)
    put(sim.caf, run, upload, 1, sealed[1])
    assert upload == declare(sim.caf, run, manifest)
    assert ("receiving", (0,)) == status(sim.caf, run, upload)


def test_another_manifest_replaces_an_upload_that_is_not_complete(sim: Simulation, run):
    """And drops its chunks, files included; a complete one stays."""
    first, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded)
    old = declare(sim.caf, run, first)
    put(sim.caf, run, old, 0, sealed[0])
    second, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded)
    new = sim.caf.upload(run, second, sealed)
    assert old != new
    assert "E_INTROUVABLE" == sim.caf.get(f"/runs/{run.run}/uploads/{old}", 404)
    assert {(run.run, new)} == {held for held in sim.site.blobs.held() if held[0] == run.run}
    assert "E_DEJA_DEPOSE" == declare(sim.caf, run, first, 409)
    assert new == declare(sim.caf, run, second)


def test_an_altered_chunk_is_refused_and_not_kept(sim: Simulation, run):
    """Whatever the digest header says, the manifest decides."""
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded)
    upload = declare(sim.caf, run, manifest)
    assert (422, "E_MORCEAU_ALTERE") == put(sim.caf, run, upload, 0, sealed[0][:-1] + bytes([sealed[0][-1] ^ 1]))
    assert (422, "E_MORCEAU_ALTERE") == put(sim.caf, run, upload, 0, sealed[1])
    assert ("receiving", (0, 1)) == status(sim.caf, run, upload)
    put(sim.caf, run, upload, 0, sealed[0])
    assert (422, "E_MORCEAU_ALTERE") == put(sim.caf, run, upload, 0, sealed[1])
    assert sealed[0] == sim.site.blobs.read(run.run, upload, 0)


@pytest.mark.parametrize("number", ["2", "-1", "00", "x", "1e0", "٣", "99999999999"])
def test_a_chunk_that_was_not_declared_does_not_exist(sim: Simulation, shared, number):
    """Numbers are those of the manifest, in their one writing."""
    manifest, sealed = sim.caf.manifest(shared, sim.third_party, "jour", ROWS[0].encoded)
    upload = declare(sim.caf, shared, manifest)
    path = f"/runs/{shared.run}/uploads/{upload}/chunks/{number}"
    if number.isascii():
        assert (404, "E_INTROUVABLE") == put(sim.caf, shared, upload, number, sealed[0])
    else:  # such a path cannot even be signed unless it is escaped
        assert 401 == sim.http.put(f"/v1{path}", content=b"x").status_code


def test_many_chunks_at_once(sim: Simulation, run):
    """Sent from several threads, each twice: all held, once."""
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded, chunks=12)
    upload = declare(sim.caf, run, manifest)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda n: put(sim.caf, run, upload, n, sealed[n]), list(range(12)) * 2))
    assert {(204, "")} == set(results)
    assert ("receiving", ()) == status(sim.caf, run, upload)


def test_a_chunk_that_came_by_another_request_meanwhile_is_no_fault(sim: Simulation, run):
    """Both were told that it was missing; the second finds it there and is answered as the first."""
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded, chunks=1)
    upload = declare(sim.caf, run, manifest)
    expected = uploads.expect_chunk(sim.site, sim.caf.caller, run.run, upload, "0")
    assert (204, "") == put(sim.caf, run, upload, 0, sealed[0])
    uploads.put_chunk(sim.site, sim.caf.caller, expected, sealed[0])
    assert ("receiving", ()) == status(sim.caf, run, upload)


def test_rows_of_nobody_do_not_count_against_the_declared_size(sim: Simulation):
    """Controls stand on both sides, canaries on the source's only."""
    run = sim.sending(controls=5, guards=GuardTerms(canaries=7))
    most = SIZE * 120 // 100
    for one, extra in ((sim.caf, 5), (sim.cnous, 12)):
        for count, code in ((most + extra, 201), (most + extra + 1, 422)):
            manifest, _ = one.manifest(run, sim.third_party, "jour", ROWS[0].encoded, count=count)
            one.post(f"/runs/{run.run}/uploads", manifest.signed(one.identity.signing_key), code)


def test_an_upload_is_its_party_s_alone(sim: Simulation, run):
    """The partner sees that it exists in the run's view, and can neither read nor touch it."""
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded)
    upload = declare(sim.caf, run, manifest)
    assert "E_INTROUVABLE" == sim.cnous.get(f"/runs/{run.run}/uploads/{upload}", 404)
    assert (404, "E_INTROUVABLE") == put(sim.cnous, run, upload, 0, sealed[0])
    assert "E_INTROUVABLE" == sim.cnous.post(f"/runs/{run.run}/uploads/{upload}/complete", status=404)
    other = sim.sending()
    assert "E_INTROUVABLE" == sim.caf.get(f"/runs/{other.run}/uploads/{upload}", 404)


@pytest.mark.parametrize(
    ("changes", "code", "status_code"),
    [
        ({"role": "source"}, "E_MESSAGE", 422),
        ({"row_bytes": 63}, "E_MESSAGE", 422),
        ({"wrapped_key": b"short"}, "E_MESSAGE", 422),
        ({"count": 0}, "E_MESSAGE", 422),
        ({"count": 1}, "E_MESSAGE", 422),
        ({"count": SIZE * 120 // 100 + 1}, "E_EFFECTIF_DEPASSE", 422),
        ({"party": "cnous"}, "E_MESSAGE", 422),
        ({"pass_": "autre"}, "E_INTROUVABLE", 404),
        ({"comparison": "cnous.caf"}, "E_INTROUVABLE", 404),
        ({"run": "0" * 32}, "E_MESSAGE", 422),
    ],
)
def test_a_manifest_must_fit_the_agreement(sim: Simulation, shared, changes, code, status_code):
    """Role, pass, shape and size are those that were signed."""
    manifest, _ = sim.caf.manifest(shared, sim.third_party, "jour", ROWS[0].encoded)
    assert code == declare(sim.caf, shared, replace(manifest, **changes), status_code)


def test_an_upload_without_a_risk_report_is_refused(sim: Simulation, shared):
    """A manifest says which report was made before; one that has no such member is malformed."""
    manifest, _ = sim.caf.manifest(shared, sim.third_party, "jour", ROWS[0].encoded)
    assert "E_RAPPORT_RISQUE_ABSENT" == declare(sim.caf, shared, replace(manifest, risk=None), 422)
    signed = manifest.signed(sim.caf.identity.signing_key)
    del signed["statement"]["risk"]
    signed = sign_statement(sim.caf.identity.signing_key, Label.MANIFEST, signed["statement"])
    assert "E_MESSAGE" == sim.caf.post(f"/runs/{shared.run}/uploads", signed, 422)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"claim": 49_999}, "E_RAPPORT_RISQUE_DIFFERENT"),
        ({"limit": 50_001}, "E_RAPPORT_RISQUE_DIFFERENT"),
        ({"people": SIZE - 1}, "E_RAPPORT_RISQUE_DIFFERENT"),
        ({"made_at": START - timedelta(days=367)}, "E_RAPPORT_RISQUE_ANCIEN"),
        ({"made_at": START + timedelta(days=2)}, "E_RAPPORT_RISQUE_ANCIEN"),
        ({"verdict": "defavorable"}, "E_MESSAGE"),
    ],
)
def test_a_risk_report_claims_what_the_profile_promises(sim: Simulation, shared, changes, code):
    """For as many people as are declared, within the year, whether it was favourable or accepted."""
    manifest, _ = sim.caf.manifest(shared, sim.third_party, "jour", ROWS[0].encoded)
    assert code == declare(sim.caf, shared, replace(manifest, risk=replace(RISK, **changes)), 422)


def test_an_accepted_risk_report_serves(sim: Simulation, run):
    """It claims no more than it must, for no more people than are declared."""
    manifest, _ = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded)
    claim = replace(RISK, claim=50_000, people=SIZE, verdict="accepte")
    assert declare(sim.caf, run, replace(manifest, risk=claim))


def test_chunks_must_hold_what_the_manifest_counts(sim: Simulation, run):
    """Too many bytes are refused on arrival, too few at the end; another manifest starts over."""
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded)
    upload = declare(sim.caf, run, replace(manifest, count=SIZE - 1))
    assert (204, "") == put(sim.caf, run, upload, 0, sealed[0])
    assert (413, "E_CORPS_TROP_GRAND") == put(sim.caf, run, upload, 1, sealed[1])
    upload = declare(sim.caf, run, replace(manifest, count=SIZE + 1))
    for number, chunk in enumerate(sealed):
        assert (204, "") == put(sim.caf, run, upload, number, chunk)
    assert "E_CONTENU_MANIFESTE" == sim.caf.post(f"/runs/{run.run}/uploads/{upload}/complete", status=422)
    sim.caf.upload(run, manifest, sealed)


def test_a_chunk_that_arrives_after_the_end_of_the_run_leaves_nothing(sim: Simulation, run):
    """The run is cancelled between the admission of a chunk and its storage: refused, and its file is gone."""
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded)
    upload = declare(sim.caf, run, manifest)
    expected = expect_chunk(sim.site, sim.caf.caller, run.run, upload, "0")
    sim.caf.cancel(run)
    with pytest.raises(ServiceError) as caught:
        put_chunk(sim.site, sim.caf.caller, expected, sealed[0])
    assert "E_ETAT" == caught.value.code
    assert [] == [held for held in sim.site.blobs.held() if held[0] == run.run and held[1]]


def test_the_last_upload_starts_the_matching(sim: Simulation, run):
    """And then nothing can be sent any more."""
    uploads = sim.upload_all(run, {name: rows_for(number) for number, name in enumerate(("jour", "noms"))})
    assert "matching" == sim.state(run)
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS[0].encoded)
    assert "E_ETAT" == declare(sim.caf, run, manifest, 409)
    assert (409, "E_ETAT") == put(sim.caf, run, uploads["jour", "caf"], 0, sealed[0])
    assert {"state": "complete", "missing": []} == sim.caf.post(
        f"/runs/{run.run}/uploads/{uploads['jour', 'caf']}/complete"
    )


def test_deliveries_are_their_recipient_s_alone(sim: Simulation):
    """Listed and read by the recipient; what does not exist is absent; the source is told that it may not."""
    run, _ = sim.delivered()
    names = [{"comparison": "caf.cnous", "pass": name} for name in ("jour", "noms")]
    assert names == sim.caf.get(f"/runs/{run.run}/deliveries")
    assert "E_INTROUVABLE" == sim.caf.get(f"/runs/{run.run}/deliveries/caf.cnous/autre", 404)
    assert "E_INTROUVABLE" == sim.caf.get(f"/runs/{run.run}/deliveries/caf.msa/jour", 404)
    assert "E_ACCES_REFUSE" == sim.cnous.get(f"/runs/{run.run}/deliveries/caf.cnous/jour", 403)
    assert "E_INTROUVABLE" == sim.dgfip.get(f"/runs/{run.run}/deliveries", 404)


def test_the_manifest_names_chunks_by_their_sealed_bytes(sim: Simulation, shared):
    """The digest is that of what travels, so the web half can check it without any key."""
    manifest, sealed = sim.caf.manifest(shared, sim.third_party, "jour", ROWS[0].encoded)
    assert tuple(hashlib.sha256(one).hexdigest() for one in sealed) == manifest.chunks
