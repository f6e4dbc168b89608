"""The file of contacts, and who is written to by which channel."""

from datetime import date

import pytest

from service.administration.campaign.contacts import channel_of, read_contacts
from service.errors import ServiceError

HEAD = (
    "identifiant;contact;foyer;civilite;nom;prenom;courriel;mobile;telephone;adresse1;adresse2;canal_prefere;deces;echeance;"
    "espace\n"
)


def read(tmp_path, text, fields=(), encoding="utf-8"):
    path = tmp_path / "contacts.csv"
    path.write_text(text, encoding)
    return read_contacts(path, fields)


def test_a_row_is_read_as_administrations_write_it(tmp_path):
    """Windows-1252, French numbers and dates."""
    row = "P1;R1;F1;Mme;Lefèvre;Zoé;zoe@example.fr;+33 6 12.34-56.78;;1 rue;Guéret;courriel;non;05/03/2027;oui\n"
    (one,) = read(tmp_path, HEAD + row, encoding="cp1252").values()
    assert ("P1", "R1", "F1", "Mme Zoé Lefèvre") == (one.identifier, one.told, one.household, one.name)
    assert ("0612345678", "0612345678", "zoe@example.fr") == (one.mobile, one.phone, one.mail)
    assert (("1 rue", "Guéret"), "courriel", False, date(2027, 3, 5), True) == (
        one.address, one.prefers, one.dead, one.due, one.space,
    )  # fmt: skip
    assert ["R1", "foyer F1"] == [one.key(household=False), one.key(household=True)]


@pytest.mark.parametrize(
    ("written", "mobile", "phone"),
    [
        ("0612345678", "0612345678", "0612345678"),
        ("0033712345678", "0712345678", "0712345678"),
        ("0555123456", "", "0555123456"),
        ("+32 470 12 34 56", "", "0032470123456"),
        ("12", "", ""),
        ("0612345678 ou 07", "", ""),
    ],
)
def test_numbers_that_can_be_called(tmp_path, written, mobile, phone):
    """A mobile gets an SMS, another number a call, what is none of them nothing."""
    (one,) = read(tmp_path, f"identifiant,mobile,telephone\nP1,{written},{written}\n").values()
    assert (mobile, phone) == (one.mobile, one.phone)


def test_columns_of_the_demarche_are_kept(tmp_path):
    """And nothing else."""
    (one,) = read(tmp_path, "identifiant;Mois;secret\nP1;mars;x\n", ("Mois",)).values()
    assert {"Mois": "mars"} == one.values


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("dossier;nom\nP1;X\n", ()),
        ("identifiant;identifiant\nP1;X\n", ()),
        ("identifiant;nom\nP1;X;Y\n", ()),
        ("identifiant;nom\nP1\n", ()),
        ("identifiant;nom\n;X\n", ()),
        ("identifiant;nom\nP1;X\nP1;Y\n", ()),
        ("identifiant;echeance\nP1;bientôt\n", ()),
    ],
)
def test_a_file_that_does_not_hold_is_refused_without_a_value(tmp_path, text, fields):
    """The line is named, what stands there is not."""
    with pytest.raises(ServiceError) as caught:
        read(tmp_path, text, fields)
    assert "E_CONTACTS" == caught.value.code
    assert "P1" not in caught.value.message
    assert "bientôt" not in caught.value.message


def test_a_file_in_another_encoding_is_said_to_be(tmp_path):
    """UTF-16, or a workbook under the name of a CSV: not a matter of columns."""
    path = tmp_path / "contacts.csv"
    path.write_text("identifiant;nom\nP1;X\n", "utf-16")
    with pytest.raises(ServiceError, match=r"E_CONTACTS .*UTF-8"):
        read_contacts(path)


def channel(tmp_path, row, channels, fallback=("courrier", "telephone", "france_services"), barred=()):
    (one,) = read(tmp_path, HEAD + row).values()
    return channel_of(one, channels, fallback, barred)


def test_the_preferred_channel_wins_where_it_reaches(tmp_path):
    """Else the first that does, in the order of the démarche."""
    both = "P1;;;;;;a@b.fr;0612345678;;;;courriel;;;\n"
    assert "courriel" == channel(tmp_path, both, ("sms", "courriel"))
    assert "sms" == channel(tmp_path, both, ("sms", "courrier"))
    assert "sms" == channel(tmp_path, both, ("sms", "courriel"), barred=("courriel",))


def test_who_has_no_internet_gets_the_way_without(tmp_path):
    """A letter, a call, and at last a place that receives people."""
    assert "courrier" == channel(tmp_path, "P1;;;;;;;;;1 rue;Guéret;;;;\n", ("sms", "courriel"))
    assert "telephone" == channel(tmp_path, "P1;;;;;;;;0555123456;;;;;;\n", ("sms", "courriel"))
    assert "france_services" == channel(tmp_path, "P1;;;;;;;;;;;;;;\n", ("sms", "courriel"))
    assert channel(tmp_path, "P1;;;;;;;;;;;;;;\n", ("sms", "courriel"), ("courrier",)) is None


def test_a_notification_needs_the_whole_pivot_identity(tmp_path):
    """A birth abroad has no birthplace; anything else missing, and the application cannot address the person."""
    head = "identifiant;given_name;family_name;birthdate;gender;birthplace;birthcountry\n"
    for row, expected in (
        ("P1;A;B;1962-08-24;female;;99352\n", "application"),
        ("P1;A;;1962-08-24;female;;99352\n", None),
    ):
        (one,) = read(tmp_path, head + row).values()
        assert expected == channel_of(one, ("application",), ())


def test_who_is_told_and_the_day_may_come_from_the_files_own_columns(tmp_path):
    """A cell that names who is told is known from none; the due date stands in the column that the démarche counts from."""
    path = tmp_path / "contacts.csv"
    path.write_text("identifiant;contact;DTNAIENF\nP1;R1;05/03/2027\nP2;;\n", "utf-8")
    found = read_contacts(path, due="DTNAIENF")
    assert (True, "R1", date(2027, 3, 5)) == (found["P1"].named, found["P1"].told, found["P1"].due)
    assert (False, "P2", None) == (found["P2"].named, found["P2"].told, found["P2"].due)
