"""Who was in a file, as tokens."""

import pytest

from crypto.framing import canonical_json
from service.administration.journal.legal_clocks import traces_end
from service.administration.journal.sent_people import sent_files, write_sent
from service.errors import ServiceError
from tests.desks import RUN, TODAY

DAYS = (TODAY, traces_end(TODAY))


def test_a_person_is_found_and_another_is_not(tmp_path):
    """By the identifier alone; the file itself holds none."""
    write_sent(tmp_path, RUN, "c2s-rsa", "rsa", DAYS, [f"DOSSIER-{number}" for number in range(300)])
    (one,) = sent_files(tmp_path)
    assert (RUN, "c2s-rsa", "rsa", TODAY, DAYS[1], 300) == (
        one.run,
        one.demarche,
        one.operand,
        one.at,
        one.until,
        one.people,
    )
    assert [True] * 300 + [False, False] == [one.has(f"DOSSIER-{number}") for number in (*range(300), 300, -1)]
    assert {"DOSSIER-7", "DOSSIER-299"} == one.among(["DOSSIER-7", "DOSSIER-300", "DOSSIER-299"])
    assert b"DOSSIER" not in one.path.read_bytes()


def test_encoding_again_replaces_the_trace_and_runs_are_kept_apart(tmp_path):
    """The last file counts; the tokens of two runs do not meet."""
    write_sent(tmp_path, RUN, "c2s-rsa", "rsa", DAYS, ["A", "B"])
    write_sent(tmp_path, RUN, "c2s-rsa", "rsa", DAYS, ["B"])
    write_sent(tmp_path, "cd" * 16, "c2s-rsa", "rsa", DAYS, ["B"])
    first, second = sent_files(tmp_path)
    assert [(False, True), (False, True)] == [(one.has("A"), one.has("B")) for one in (first, second)]
    assert first.path.read_bytes()[-16:] != second.path.read_bytes()[-16:]


def test_nothing_to_find_and_nothing_left(tmp_path):
    """No file, no trace; a destroyed one is gone."""
    assert [] == sent_files(tmp_path)
    write_sent(tmp_path, RUN, "c2s-rsa", "rsa", DAYS, [])
    (one,) = sent_files(tmp_path)
    assert not one.has("A")
    one.destroy()
    assert [] == sent_files(tmp_path)


def test_a_foreign_file_is_refused(tmp_path):
    """It is said which one."""
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent" / "x.tokens").write_bytes(canonical_json({"format": "other"}) + b"\n")
    with pytest.raises(ServiceError) as caught:
        sent_files(tmp_path)
    assert "E_FICHIER_LOCAL" == caught.value.code
