"""The seven rules of the layout, checked by reading imports and by loading modules in a fresh interpreter."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("crypto", "linkage", "service")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES}

# What the third party may use of linkage (rule 2), and what must never be within its reach, even through others.
THIRD_PARTY_LINKAGE = {
    "linker", "wire", "batch", "blocks", "cluster", "cluster_nodes", "match", "solve", "plan", "errors",
}  # fmt: skip
ENCODER = {
    "linkage.attribute", "linkage.weights", "linkage.chance", "linkage.records", "linkage.tables",
    "linkage.normalise", "linkage.cells",
    "linkage.names", "linkage.dates", "linkage.codes", "linkage.places", "linkage.features", "linkage.encode",
    "linkage.diffuse",
    "linkage.cut", "linkage.bits", "linkage.positions", "linkage.feature_table", "linkage.stream", "linkage.kept",
    "linkage.passes", "linkage.holder", "linkage.rules", "linkage.planner", "linkage.evaluate", "crypto.hashing",
    "linkage.columns", "linkage.column_reader", "linkage.local_ids", "linkage.row_store", "linkage.plain_names",
    "linkage.lexicon", "linkage.sample", "linkage.text_files", "linkage.csv_files", "linkage.parquet_files", "linkage.workbooks",
    "linkage.workbook_parts", "linkage.national_numbers", "linkage.column_checks",
    "linkage.clkhash", "linkage.connectors", "linkage.field", "linkage.alterations", "linkage.suspicions",
    "linkage.inspection",
    "linkage.sizing", "linkage.exposure", "linkage.assumptions", "linkage.proposal", "linkage.costing",
}  # fmt: skip
NETWORK = {
    "httpx2",
    "fastapi",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "sqlite3",
    "http.client",
    "socketserver",
}
KERNELS = {
    "linkage.kernel", "linkage.matrix_kernel", "linkage.screen_rows", "linkage.sketch", "linkage.nearness", "linkage.block_sums",
    "linkage.diffuse", "linkage.solve", "linkage.compiled", "linkage.bits", "linkage.cut",
    "linkage.lexicon", "linkage.plain_names", "linkage.diffusion_tables",
    "linkage.token_digests",
}  # fmt: skip
COMPOSITION_ROOTS = {"service.administration.app", "service.third_party.app"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "misc", "core", "base", "models", "types"}
CLOCK_CALLS = {
    ("time", "time"), ("time", "monotonic"), ("time", "perf_counter"), ("time", "time_ns"), ("time", "monotonic_ns"),
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("os", "environ"), ("os", "getenv"), ("os", "putenv"),
}  # fmt: skip


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Every module named in an import statement, wherever it stands."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def loaded_after(statement: str) -> set[str]:
    """Names of modules in a fresh interpreter after a statement."""
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("path", MODULES, ids=NAMES.get)
def test_rule_1_imports_point_downwards(path):
    """Service imports linkage and crypto, linkage imports crypto, crypto imports nothing of ours, and never back."""
    package = NAMES[path].split(".")[0]
    allowed = PACKAGES[: PACKAGES.index(package) + 1]
    ours = {name for name in imported(path) if name.split(".")[0] in PACKAGES}
    assert {name for name in ours if name.split(".")[0] not in allowed} == set()
    if package == "crypto":
        outside = {name.split(".")[0] for name in imported(path)} - {
            "crypto",
            "cryptography",
            *sys.stdlib_module_names,
        }
        assert outside == set()


@pytest.mark.parametrize("path", MODULES, ids=NAMES.get)
def test_rule_1_the_two_applications_are_strangers(path):
    """The administration's half and the third party's half never import each other."""
    name = NAMES[path]
    for one, other in (("administration", "third_party"), ("third_party", "administration")):
        if name.startswith(f"service.{one}"):
            assert [found for found in imported(path) if found.startswith(f"service.{other}")] == []


@pytest.mark.parametrize("path", [p for p in MODULES if NAMES[p].startswith("service.third_party")], ids=NAMES.get)
def test_rule_2_the_third_party_imports_its_half_of_linkage_only(path):
    """A module of the third party names only the linker's half of linkage, and never the keyed hashing."""
    names = set(imported(path))
    assert {n.split(".")[1] for n in names if n.startswith("linkage.")} - THIRD_PARTY_LINKAGE == set()
    assert {n for n in names if n.startswith("crypto.hashing")} == set()


def test_rule_2_the_third_party_cannot_reach_the_encoder():
    """With every module of the third party loaded, no module of the encoder is in memory."""
    names = [NAMES[path] for path in MODULES if NAMES[path].startswith("service.third_party")]
    loaded = loaded_after("\n".join(f"import {name}" for name in [*names, "linkage.linker"]))
    assert loaded & ENCODER == set()


def test_rule_3_encoding_loads_no_network_nor_database_module():
    """Loading the encoder and what the command's encoding step needs brings no client, server or database."""
    names = [NAMES[path] for path in MODULES if NAMES[path].startswith("linkage.")]
    loaded = loaded_after("\n".join(f"import {name}" for name in [*names, "service.cli"]))
    assert loaded & NETWORK == set()


@pytest.mark.parametrize("path", MODULES, ids=NAMES.get)
def test_rule_4_numba_stays_with_the_kernels(path):
    """Only modules with kernels name numba or llvmlite."""
    names = {name.split(".")[0] for name in imported(path)}
    assert (names & {"numba", "llvmlite"} == set()) or NAMES[path] in KERNELS


def test_rule_4_commands_that_read_no_file_of_people_load_no_compiler():
    """Signing, waiting, verifying and the like begin at once: what compiles and what reads files comes with its use."""
    office = ("agreement", "demarche", "event", "key", "papers", "proof", "review", "run")
    names = [f"service.administration.{one}_commands" for one in office]
    names += [f"service.administration.{one}.{one}_commands" for one in ("campaign", "journal")]
    loaded = loaded_after("\n".join(f"import {name}" for name in names))
    assert loaded & {"numba", "pyarrow", "scipy", "linkage.holder", "linkage.records"} == set()


def test_rule_4_the_web_process_never_loads_numba():
    """The application that answers requests has no kernel in memory."""
    loaded = loaded_after("import service.third_party.app\nimport service.third_party.api")
    assert {name for name in loaded if name.split(".")[0] == "numba"} == set()


@pytest.mark.parametrize("path", MODULES, ids=NAMES.get)
def test_rule_5_environment_and_clock_enter_by_the_composition_roots(path):
    """No module but the two roots reads the environment or the clock."""
    if NAMES[path] in COMPOSITION_ROOTS:
        return
    tree = parse(path)
    read = {
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    read |= {
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert read & CLOCK_CALLS == set()


@pytest.mark.parametrize("path", MODULES, ids=NAMES.get)
def test_rule_6_no_module_is_a_lumber_room(path):
    """Every module is named after a noun of the domain."""
    assert set(NAMES[path].split(".")) & FORBIDDEN_NAMES == set()


@pytest.mark.parametrize("path", [p for p in MODULES if p.name == "__init__.py"], ids=NAMES.get)
def test_rule_7_package_files_hold_a_map_and_import_nothing(path):
    """An `__init__.py` is one docstring that names each module of the package."""
    tree = parse(path)
    assert len(tree.body) == 1
    text = ast.get_docstring(tree)
    assert text is not None
    siblings = {p.stem for p in path.parent.glob("*.py")} - {"__init__"}
    siblings |= {p.parent.name for p in path.parent.glob("*/__init__.py")}
    assert {name for name in siblings if name not in text} == set()


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "__init__.py"], ids=NAMES.get)
def test_every_module_states_its_rules_and_its_surface(path):
    """A module begins with a docstring and lists in `__all__` exactly names that it defines."""
    tree = parse(path)
    assert ast.get_docstring(tree)
    lists = [node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"]
    assert len(lists) == 1
    names = ast.literal_eval(lists[0].value)
    defined = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    for node in tree.body:
        if isinstance(node, ast.Assign):
            defined |= {ast.unparse(target) for target in node.targets}
        elif isinstance(node, ast.AnnAssign):
            defined.add(ast.unparse(node.target))
    assert sorted(set(names) - defined) == []
    public = {
        n.name
        for n in tree.body
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not n.name.startswith("_")
    }
    assert sorted(public - set(names)) == []


def test_packages_are_ours():
    """The three import names are taken on the public index: what is loaded must be the code of this folder."""
    done = subprocess.run(
        [sys.executable, "-c", "import crypto, linkage, service\nfor m in (crypto, linkage, service): print(m.__file__)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [str(ROOT / package / "__init__.py") for package in PACKAGES] == done.stdout.split()


def test_every_product_module_has_a_test_file():
    """One test file a module, named after it."""
    tests = {path.stem for path in (ROOT / "tests").glob("test_*.py")}
    missing = {
        NAMES[path]
        for path in MODULES
        if path.name not in ("__init__.py", "__main__.py") and f"test_{path.stem}" not in tests
    }
    assert missing - TESTED_ELSEWHERE == set()


# Modules whose tests live in a file named after the concept they serve: the synthetic population is tested as one.
TESTED_ELSEWHERE = {name for name in NAMES.values() if name.startswith("linkage.synthetic.")}
