"""The kit of a démarche as one folder."""

import tomllib

import pytest

from service.administration.campaign.kit import write_kit
from service.administration.campaign.letterhead import read_letterhead
from service.administration.campaign.steps import journey_of
from service.administration.campaign.texts import Texts
from service.demarche import demarche_text, list_demarches, parse_demarche
from service.errors import ServiceError
from tests.desks import LETTERHEAD

HEAD = read_letterhead(LETTERHEAD)


def test_a_kit_has_everything_that_agents_and_partners_need(tmp_path):
    """Texts as people get them, the script, the sheets, the démarche itself."""
    text = demarche_text("c2s-rsa")
    demarche = parse_demarche(text)
    files = write_kit(Texts(demarche=demarche, head=HEAD), text, tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in files}
    expected = {
        "LISEZMOI.txt", "demarche.toml", "fiche_agents.txt", "fiche_partenaires.txt", "script_appel.txt", "tailles.csv",
    }  # fmt: skip
    steps = {one.template for one in journey_of(demarche.journey, award=True)}
    expected |= {f"textes/{step}.{channel}.txt" for step in steps for channel in ("courrier", "espace_usager", "sms")}
    assert expected == names
    assert "c2s-rsa" == tomllib.loads((tmp_path / "demarche.toml").read_text("utf-8"))["id"]
    assert "caractères, 2 segment(s), GSM-7]" in (tmp_path / "textes/attribution.sms.txt").read_text("utf-8")
    assert '"attribution"' in (tmp_path / "tailles.csv").read_text("utf-8-sig")


def test_every_shipped_demarche_has_a_kit(tmp_path):
    """Written and judged like what is sent."""
    for name in list_demarches():
        demarche = parse_demarche(text := demarche_text(name))
        if demarche.message is None or not demarche.message.fields:
            assert write_kit(Texts(demarche=demarche, head=HEAD), text, tmp_path / name)


def test_a_kit_has_the_sheets_that_the_demarche_names(tmp_path):
    """No other; a text that it names and that no channel has is refused."""
    text = demarche_text("cnaf-kits")
    demarche = parse_demarche(text.replace("fiche_partenaires = true", "fiche_partenaires = false"))
    names = {path.name for path in write_kit(Texts(demarche=demarche, head=HEAD), text, tmp_path / "kit")}
    assert ("fiche_agents.txt" in names, "fiche_partenaires.txt" in names) == (True, False)
    demarche = parse_demarche(text.replace('"script_appel"]', '"courrier_recommande"]'))
    with pytest.raises(ServiceError, match="E_GABARIT"):
        write_kit(Texts(demarche=demarche, head=HEAD), text, tmp_path / "other")
    assert not (tmp_path / "other").exists()
