"""Strict reading of JSON: exact members, exact forms, the same bytes back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Annotated, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ServiceError
from service.forms import (
    BASE64,
    BOOLEAN,
    CODE,
    DIGEST,
    LINES,
    MOMENT,
    OBJECT,
    PARTY,
    RUN,
    TEXT,
    Form,
    Message,
    by_party,
    choice,
    enumerated,
    integer,
    listed,
    nested,
    optional,
    read_json,
    read_time,
    write_time,
)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, kw_only=True)
class Inner(Message):
    from_: Annotated[str, PARTY]


@dataclass(frozen=True, kw_only=True)
class Outer(Message):
    FORMAT: ClassVar[str] = "test/outer/v1"
    count: Annotated[int, integer(1, 9)]
    inner: Annotated[Inner, nested(Inner)]
    names: Annotated[tuple[str, ...], listed(TEXT, 2)]
    note: Annotated[str | None, optional(TEXT)]


VALUE = {
    "format": "test/outer/v1",
    "count": 3,
    "inner": {"from": "caf"},
    "names": ["a", "b"],
    "note": None,
}


def refusal(read: object) -> tuple[str, dict[str, str]]:
    """Code and source of what a reading refuses."""
    assert callable(read)
    with pytest.raises(ServiceError) as caught:
        read()
    return caught.value.code, caught.value.source


def test_a_message_is_read_and_written_back():
    """Reading then writing gives the same object, and the same canonical bytes."""
    outer = Outer.from_json(VALUE)
    assert (3, "caf", ("a", "b"), None) == (outer.count, outer.inner.from_, outer.names, outer.note)
    assert VALUE == outer.to_json()
    assert json.dumps(VALUE, sort_keys=True, separators=(",", ":")).encode() == outer.to_bytes()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"more": 1}, "/"),
        ({"format": "test/outer/v2"}, "/format"),
        ({"count": 10}, "/count"),
        ({"count": True}, "/count"),
        ({"count": "3"}, "/count"),
        ({"inner": {"from": "CAF"}}, "/inner/from"),
        ({"inner": {"from_": "caf"}}, "/inner"),
        ({"inner": None}, "/inner"),
        ({"names": ["a", 2]}, "/names/1"),
        ({"names": ["a", "b", "c"]}, "/names"),
        ({"names": "ab"}, "/names"),
        ({"note": 5}, "/note"),
    ],
)
def test_a_message_refuses_other_members_and_forms(change, pointer):
    """A member unknown or of another form is refused, and the pointer says which."""
    assert ("E_MESSAGE", {"pointer": pointer}) == refusal(lambda: Outer.from_json({**VALUE, **change}))


@pytest.mark.parametrize("name", sorted(VALUE))
def test_a_message_refuses_a_missing_member(name):
    """No member has a default."""
    short = {key: value for key, value in VALUE.items() if key != name}
    assert "E_MESSAGE" == refusal(lambda: Outer.from_json(short))[0]


def test_a_refusal_never_repeats_a_value():
    """Neither a wrong value nor an odd member name comes back in the sentence."""
    for change in ({"count": "Dupont Marie"}, {"Dupont Marie": 1}, {"note": ["Dupont Marie"]}):
        with pytest.raises(ServiceError) as caught:
            Outer.from_json({**VALUE, **change})
        assert "Dupont" not in str(caught.value)


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (DIGEST, ["0" * 64], ["0" * 63, "A" * 64, 5, None, "0" * 64 + "\n"]),
        (RUN, ["f" * 32], ["f" * 31, "g" * 32]),
        (PARTY, ["ca", "caf-75"], ["c", "Caf", "9caf", "caf_75", "a" * 33, "caf\n"]),
        (BOOLEAN, [True, False], [0, "true", None]),
        (CODE, ["E_ETAT"], ["ETAT", "E_", "e_etat", None]),
        (
            TEXT,
            ["", "é", "« à\u00a0b »"],
            [5, "x" * 20_001, "a\nb", "a\u202eb", "\x1b[2J", "\x9b", "\t", "\u2028", "\x7f"],
        ),
        (LINES, ["", "a\nb\n"], [5, "x" * 20_001, "a\rb", "a\x1b[0m", "\t"]),
        (OBJECT, [{}], [[], "x"]),
        (choice("a", "b"), ["a"], ["c", ["a"]]),
        (integer(0, 5), [0, 5], [-1, 6, 1.0, True]),
        (enumerated(Colour), ["red"], ["blue", None]),
        (BASE64, ["", "AAA="], ["AAA", "AAB=", "A A=", 5]),
        (MOMENT, ["2026-02-28T23:59:59Z"], ["2026-02-29T00:00:00Z", "2026-02-28T23:59:59+00:00", "2026-02-28", 5]),
        (by_party(BASE64), [{"caf": "AAA="}], [{"CAF": "AAA="}, {"caf": "A"}, []]),
    ],
)
def test_each_form_takes_its_values_and_no_other(form: Form, good, bad):
    """A good value comes back as it was; a bad one is refused at its place."""
    for value in good:
        assert value == form.write(form.read(value, "/x"))
    for value in bad:
        code, source = refusal(lambda value=value: form.read(value, "/x"))
        assert "E_MESSAGE" == code
        assert source["pointer"].startswith("/x")


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001
def test_times_are_written_and_read_back(naive):
    """Any UTC second comes back equal; the year always takes four digits."""
    moment = naive.replace(tzinfo=UTC, microsecond=0)
    assert moment == read_time(write_time(moment))
    assert 20 == len(write_time(moment))


def test_times_are_written_in_utc():
    """A moment of another zone is written as the same instant."""
    paris = timezone(timedelta(hours=1))
    assert "2026-01-01T11:00:00Z" == write_time(datetime(2026, 1, 1, 12, 0, 0, 999, tzinfo=paris))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a":1,"a":2}', b'{"a":1.5}', b'{"a":NaN}', b'{"a":1e3}', b"\xff", b"[" * 100_000, b'"\\ud800"',
     b'{"a":' + b"9" * 5000 + b"}", b'{"a":9007199254740993}'],
)  # fmt: skip
def test_bodies_that_are_not_plain_json_are_refused(body):
    """Duplicates, decimals, huge numbers, deep nesting and broken text are refused, never an unexpected exception."""
    assert "E_MESSAGE" == refusal(lambda: read_json(body, 1 << 20))[0]


def test_a_body_over_its_limit_is_refused_before_it_is_read():
    """The limit is a number of bytes."""
    assert {"a": 1} == read_json(b'{"a":1}', 7)
    assert "E_CORPS_TROP_GRAND" == refusal(lambda: read_json(b'{"a":1}', 6))[0]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    """No body makes the reader fail in another way than a refusal."""
    try:
        read_json(body, 100)
    except ServiceError as error:
        code = error.code
    else:
        code = "E_MESSAGE"
    assert code in {"E_MESSAGE", "E_CORPS_TROP_GRAND"}
