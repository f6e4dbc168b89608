"""CLKs of clkhash and anonlink on an agent's own machine: encode a file, convert CLK files, link two of them.

Such filters are the project's broken `reference` profile; every command says so on the error stream. The shared secret comes
from a file that only its owner may read, or from the standard input, never from the command line; one end of line after it
is no part of it.
"""

from __future__ import annotations

import argparse
import csv
import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from crypto.key_files import LARGEST_SECRET, read_secret
from linkage.clkhash.clk_files import (
    ClkSet,
    read_binary,
    read_blocks,
    read_clks,
    write_binary,
    write_blocks,
    write_clks,
)
from linkage.clkhash.linkage_schema import load_linkage_schema
from linkage.errors import LinkageError
from service.administration.app import open_office
from service.administration.terminal import Terminal

__all__ = ["convert", "encode", "link"]

_WARNING = (
    "attention : ces filtres sont du profil « reference », cassé : qui tient un fichier semblable retrouve les personnes sans la "
    "clé. Pour comparer ou migrer seulement ; une convention de production les refuse."
)


def encode(args: argparse.Namespace) -> None:
    """`allervers clk encode`: the CLKs of a CSV file under a linkage schema."""
    from linkage.clkhash.people_files import Header, encode_file  # noqa: PLC0415 - compiled code, for this command only

    terminal = open_office(None).terminal
    schema = load_linkage_schema(args.schema)
    for notice in schema.notices:
        terminal.note(f"schéma : {notice}")
    header: Header = "absent" if args.no_header else "ignored" if args.ignore_header else "checked"
    with terminal.progress("encodage") as report:
        filters = encode_file(
            schema, _secret(args.secret_file), args.file, header=header, check=not args.no_validation, progress=report
        )
    clks = ClkSet(filters=filters)
    (write_binary if args.binary else write_clks)(args.out, clks)
    terminal.say(f"{len(clks)} CLK de {schema.length} bits écrits dans {args.out}")
    if args.binary:
        _say_headers(terminal, clks)
    terminal.note(_WARNING)


def convert(args: argparse.Namespace) -> None:
    """`allervers clk convert`: JSON to a binary upload, or back; what a name without `.json` ends with is binary."""
    terminal = open_office(None).terminal
    from_json, to_json = (_is_json(path) for path in (args.source, args.out))
    if from_json == to_json:
        raise LinkageError("E_FICHIER_CLK", "un des deux fichiers doit finir par .json, l'autre non")
    if from_json:
        clks = read_clks(args.source)
        if clks.blocks is not None and args.blocks is None:
            rule = "ce fichier a des blocs, qu'un envoi binaire ne contient pas ; dites avec --blocks où les écrire"
            raise LinkageError("E_BLOCS_CLK", f"{args.source.name} : {rule}")
        write_binary(args.out, clks)
        if clks.blocks is not None:
            write_blocks(args.blocks, clks.blocks)
        _say_headers(terminal, clks)
    else:
        clks = read_binary(args.source, args.size, read_blocks(args.blocks) if args.blocks else None)
        write_clks(args.out, clks)
    terminal.say(f"{len(clks)} CLK écrits dans {args.out}")
    terminal.note(_WARNING)


def link(args: argparse.Namespace) -> None:
    """`allervers clk link`: one-to-one links of two files of CLKs, as rows counted from 0 and their Dice coefficient."""
    from linkage.clkhash.clk_links import link_clks  # noqa: PLC0415 - the matcher, for this command only

    terminal = open_office(None).terminal
    left, right = (
        read_clks(path) if _is_json(path) else read_binary(path, args.size) for path in (args.left, args.right)
    )
    with terminal.progress("comparaison") as report:
        found = link_clks(left, right, args.threshold, progress=report)
    with _output(args.out) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("a", "b", "dice"))
        writer.writerows(zip(found.left.tolist(), found.right.tolist(), found.score.tolist(), strict=True))
    terminal.note(f"{len(found)} liens au seuil {args.threshold}, entre {len(left)} et {len(right)} CLK")
    terminal.note(_WARNING)


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _say_headers(terminal: Terminal, clks: ClkSet) -> None:
    terminal.say(f"en-têtes de l'envoi binaire : Hash-Count: {len(clks)}, Hash-Size: {clks.filters.shape[1]}")


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with path.open("w", encoding="ascii", newline="") as file:
        yield file


def _secret(name: str) -> bytes:
    """The shared secret.

    Raises:
        LinkageError: `E_SECRET_CLK` when it is empty, or is no text that an agent would have typed.
        CryptoError: other accounts may read the file, or there is none.
    """
    if name != "-":
        data = read_secret(Path(name))
    elif sys.stdin.isatty():
        data = getpass.getpass("secret : ").encode()
    else:
        data = sys.stdin.buffer.read(LARGEST_SECRET)
    for end in (b"\r\n", b"\n"):
        if data.endswith(end):
            data = data.removesuffix(end)
            break
    if not data:
        raise LinkageError("E_SECRET_CLK", "le secret est vide")
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        rule = "le secret commence par une marque d'ordre des octets ou contient un octet nul ; réécrivez-le en UTF-8 sans marque"
        raise LinkageError("E_SECRET_CLK", rule)
    return data
