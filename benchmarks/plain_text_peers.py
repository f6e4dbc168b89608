"""The peers' side of `benchmarks.plain_text`: run by the Python of an environment that has them, never imported by ours.

    python plain_text_peers.py TOOL FOLDER

FOLDER holds `task.json` ({"attributes": [{name, kind}]}), `left.parquet` and `right.parquet` (one text column an
attribute, normalised; missing = null). The scored pairs are written as `TOOL.parquet` (left row, right row, score).

* `splink`: Fellegi-Sunter with levels. Names: Jaro-Winkler .92 and .80 with term frequencies; dates: Damerau-Levenshtein 1 and 2;
  texts: Jaro-Winkler .95 and .85; codes: Levenshtein 1; others: equality. u by random sampling, m by EM in two blocks, prior
  from a deterministic rule.
* `recordlinkage`: ECM on binary comparisons (Jaro-Winkler or Damerau-Levenshtein at .85, equality), same candidate pairs; and
  `recordlinkage-dates`, ECM on pairs with equal dates only, for it takes families or namesakes for people where those abound.
* `clkhash`: a CLK of 1,024 bits in the manner of anonlink's tutorial (bigrams of names and texts, positional characters of
  dates and codes, 200 bits for a name or a date, 100 for the others), all pairs compared by anonlink.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["main"]

_NAMES, _TEXTS, _CODES = ("name", "given_names"), ("text",), ("code", "cog")
_SEED = 1
_LEAST_PROBABILITY = 0.0001  # pairs below are left out
_LEAST_DICE = 0.55

Attributes = list[dict[str, str]]
Frames = tuple[pd.DataFrame, pd.DataFrame]
Rules = list[list[tuple[str, int, int]]]


def main(arguments: list[str]) -> int:
    """Runs one tool on one task."""
    tool, folder = arguments[0], Path(arguments[1])
    task = json.loads((folder / "task.json").read_text("utf-8"))
    frames = tuple(pd.read_parquet(folder / f"{side}.parquet") for side in ("left", "right"))
    attributes, sides = task["attributes"], (frames[0], frames[1])
    if tool == "splink":
        found = _splink(attributes, sides)
    elif tool == "clkhash":
        found = _clkhash(attributes, sides)
    else:
        rules = _rules(attributes)
        found = _recordlinkage(attributes, sides, rules[:1] if tool.endswith("dates") else rules)
    found.astype({"left": "int64", "right": "int64", "score": "float64"}).to_parquet(folder / f"{tool}.parquet")
    return 0


def _of_kind(attributes: Attributes, *kinds: str) -> list[str]:
    return [one["name"] for one in attributes if one["kind"] in kinds]


def _splink(attributes: Attributes, frames: Frames) -> pd.DataFrame:
    splink, duckdb = import_module("splink"), import_module("duckdb")
    database = import_module("splink.internals.duckdb.database_api").DuckDBAPI(duckdb.connect())
    settings = splink.SettingsCreator(
        link_type="link_only",
        comparisons=[_splink_comparison(one["name"], one["kind"]) for one in attributes],
        blocking_rules_to_generate_predictions=[_sql(rule) for rule in _rules(attributes)],
        retain_matching_columns=False,
    )
    tables = []
    for frame, side in zip(frames, ("a", "b"), strict=True):
        table = frame.copy()
        table.insert(0, "unique_id", range(len(table)))
        tables.append(database.register(table, dataset_display_name=side))
    linker = splink.Linker(tables, settings, log_level=40)
    names, dates = _of_kind(attributes, *_NAMES)[:2], _of_kind(attributes, "date")
    everything = splink.block_on(*names, *dates)
    linker.training.estimate_probability_two_random_records_match([everything], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=_SEED)
    for block in (dates, names):
        linker.training.estimate_parameters_using_expectation_maximisation(splink.block_on(*block))
    found = linker.inference.predict(threshold_match_probability=_LEAST_PROBABILITY).as_pandas_dataframe()
    flipped = found["source_dataset_l"] == "b"
    left = found["unique_id_l"].where(~flipped, found["unique_id_r"])
    right = found["unique_id_r"].where(~flipped, found["unique_id_l"])
    return pd.DataFrame({"left": left, "right": right, "score": found["match_probability"]})


def _splink_comparison(name: str, kind: str) -> Any:
    library = import_module("splink.comparison_library")
    if kind in _NAMES:
        return library.JaroWinklerAtThresholds(name, [0.92, 0.8]).configure(term_frequency_adjustments=True)
    if kind == "date":
        return library.DamerauLevenshteinAtThresholds(name, [1, 2])
    if kind in _TEXTS:
        return library.JaroWinklerAtThresholds(name, [0.95, 0.85])
    return library.LevenshteinAtThresholds(name, [1]) if kind in _CODES else library.ExactMatch(name)


def _rules(attributes: Attributes) -> Rules:
    """Candidate pairs: equal in all of (column, first character, how many characters; 0 = all)."""
    names, dates = _of_kind(attributes, *_NAMES)[:2], _of_kind(attributes, "date")
    codes = _of_kind(attributes, *_CODES)
    date = dates[0]
    rules = [[(date, 1, 0)], [(name, 1, 0) for name in names]]
    rules += [[(name, 1, 0), (date, 1, 4)] for name in names] + [[(name, 1, 0), (date, 5, 4)] for name in names]
    rules += [[(names[0], 1, 2), (names[1], 1, 0)], [(names[0], 1, 0), (names[1], 1, 2)]]
    return (
        rules + [[(code, 1, 0), (names[1], 1, 1)] for code in codes] + [[(code, 1, 0), (date, 1, 4)] for code in codes]
    )


def _sql(rule: list[tuple[str, int, int]]) -> str:
    parts = []
    for column, start, size in rule:
        left, right = (f'substr({side}."{column}", {start}, {size})' if size else f'{side}."{column}"' for side in "lr")
        parts.append(f"{left} = {right}")
    return " and ".join(parts)


def _recordlinkage(attributes: Attributes, frames: Frames, rules: Rules) -> pd.DataFrame:
    recordlinkage = import_module("recordlinkage")
    candidates = pd.MultiIndex.from_arrays([[], []])
    for rule in rules:
        keyed = []
        for frame in frames:
            parts = [frame[name].str[start - 1 : start - 1 + size if size else None] for name, start, size in rule]
            joined = pd.concat(parts, axis=1)
            keyed.append(joined.dropna().agg("\x1f".join, axis=1).rename("key").reset_index())
        pairs = keyed[0].merge(keyed[1], on="key")[["index_x", "index_y"]]
        candidates = candidates.union(pd.MultiIndex.from_frame(pairs))
    compare = recordlinkage.Compare(n_jobs=1)
    for one in attributes:
        name, kind = one["name"], one["kind"]
        if kind in (*_NAMES, *_TEXTS):
            compare.string(name, name, method="jarowinkler", label=name)
        elif kind in ("date", *_CODES):
            compare.string(name, name, method="damerau_levenshtein", label=name)
        else:
            compare.exact(name, name, label=name)
    vectors = (compare.compute(candidates, *frames) >= 0.85).astype(int)
    classifier = recordlinkage.ECMClassifier(init="jaro", max_iter=200)
    classifier.fit(vectors)
    scores = classifier.prob(vectors)
    kept = scores[scores >= _LEAST_PROBABILITY]
    return pd.DataFrame(
        {"left": kept.index.get_level_values(0), "right": kept.index.get_level_values(1), "score": kept.to_numpy()}
    )


def _clkhash(attributes: Attributes, frames: Frames) -> pd.DataFrame:
    anonlink = import_module("anonlink.candidate_generation")
    dice = import_module("anonlink.similarities").dice_coefficient_accelerated
    read_schema = import_module("clkhash.schema").from_json_dict
    generate = import_module("clkhash.clk").generate_clks
    features = []
    for one in attributes:
        ngram = {"type": "ngram", "n": 2, "positional": False}
        if one["kind"] in ("date", *_CODES):
            ngram = {"type": "ngram", "n": 1, "positional": True}
        elif one["kind"] in ("sex", "category", "country"):
            ngram = {"type": "exact"}
        bits = 200 if one["kind"] in (*_NAMES, "date") else 100
        features.append(
            {
                "identifier": one["name"],
                "format": {"type": "string", "encoding": "utf-8"},
                "hashing": {"comparison": ngram, "strategy": {"bitsPerFeature": bits}, "hash": {"type": "blakeHash"}},
            }
        )
    key = {"type": "HKDF", "hash": "SHA256", "info": "", "salt": "", "keySize": 64}
    schema = read_schema({"version": 3, "clkConfig": {"l": 1024, "kdf": key}, "features": features})
    clks = [
        generate([tuple(row) for row in frame.fillna("").itertuples(index=False)], schema, "a secret of no use")
        for frame in frames
    ]
    scores, _, records = anonlink.find_candidate_pairs(clks, dice, _LEAST_DICE, k=20)
    return pd.DataFrame({"left": list(records[0]), "right": list(records[1]), "score": list(scores)})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
