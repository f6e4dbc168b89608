"""What an administration writes once about itself."""

import pytest

from service.administration.campaign.letterhead import letterhead_of, read_letterhead
from service.errors import ServiceError
from tests.desks import LETTERHEAD


def test_a_letterhead_is_read(tmp_path):
    """All of it."""
    (tmp_path / "head.toml").write_text(LETTERHEAD, "utf-8")
    text, head = letterhead_of(tmp_path / "head.toml")
    assert LETTERHEAD == text
    assert ("CAF 23", "https://caf23.gouv.fr/droits", ("caf23.gouv.fr",), "3230") == (
        head.short,
        head.link,
        head.domains,
        head.telephone,
    )


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("[", "", "E_ENTETE"),
        ('"entete/v1"', '"entete/v2"', "E_ENTETE"),
        ("telephone", "fax", "E_ENTETE"),
        ('dpo = "', 'logo = "x"\ndpo = "', "E_CLE_INCONNUE"),
        ("CAF 23", "Caisse d'allocations", "E_ENTETE"),
        ('["caf23.gouv.fr"]', '["https://caf.fr"]', "E_ENTETE"),
        ('["caf23.gouv.fr"]', "[]", "E_ENTETE"),
        ("https://caf23.gouv.fr/droits", "https://bit.ly/x", "E_LIEN_INTERDIT"),
        ("https://caf23.gouv.fr/droits", "www.caf.fr/droits", "E_LIEN_INTERDIT"),
    ],
)
def test_what_does_not_hold_is_refused(before, after, code):
    """With the code of what is wrong."""
    with pytest.raises(ServiceError) as caught:
        read_letterhead(LETTERHEAD.replace(before, after, 1))
    assert code == caught.value.code


def test_another_encoding_is_refused(tmp_path):
    """A code, no trace; a mark of UTF-8 is no fault."""
    (tmp_path / "head.toml").write_bytes(LETTERHEAD.encode("utf-8-sig"))
    assert LETTERHEAD == letterhead_of(tmp_path / "head.toml")[0]
    (tmp_path / "head.toml").write_bytes((LETTERHEAD + "# é").encode("cp1252"))
    with pytest.raises(ServiceError) as caught:
        letterhead_of(tmp_path / "head.toml")
    assert "E_ENTETE" == caught.value.code
