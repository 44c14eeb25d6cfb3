"""What the audit of the contracts reads and matches, without its tools."""

import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    for name in [name for name in sys.modules if name == "audit" or name.startswith("audit.")]:
        monkeypatch.delitem(sys.modules, name)


def test_a_missed_branch_is_missed_and_sources_of_others_are_not_counted():
    from audit.coverage import parse  # noqa: PLC0415

    lcov = "SF:src/A.sol\nDA:3,1\nDA:4,0\nBRDA:3,0,0,5\nBRDA:7,1,0,-\nend_of_record\nSF:node_modules/B.sol\nDA:1,0\n"
    (covered,) = parse(lcov)
    assert (covered.source, covered.lines_hit, covered.lines) == ("src/A.sol", 1, 2)
    assert (covered.branches_hit, covered.branches, covered.missed) == (1, 2, (4, 7))


def test_a_finding_without_a_reason_and_a_reason_without_a_finding_are_told():
    from audit.explained import match  # noqa: PLC0415

    matched = match(["a", "b"], ["A", "C"], lambda reason, thing: reason.lower() == thing)
    assert matched.explained == (("a", "A"),)
    assert matched.unexplained == ("b",)
    assert matched.stale == ("C",)


def test_a_finding_in_a_variable_is_told_by_its_function():
    from audit.findings import Impact, parse  # noqa: PLC0415

    contract = {"type": "contract", "name": "A"}
    function = {"type": "function", "name": "f", "type_specific_fields": {"parent": contract}}
    variable = {
        "type": "variable",
        "name": "x",
        "type_specific_fields": {"parent": function},
        "source_mapping": {"filename_relative": "src/A.sol"},
    }
    row = {"elements": [variable], "check": "unset", "impact": "High", "description": "x is never set\nhere"}
    (finding,) = parse({"success": True, "error": None, "results": {"detectors": [row]}})
    assert (finding.where, finding.impact, finding.text) == ("A.f", Impact.High, "x is never set")


def test_a_property_with_a_path_left_is_bounded():
    from audit.proofs import parse  # noqa: PLC0415

    row = {"name": "check_it(address)", "exitcode": 0, "num_bounded_loops": 1}
    (each,) = parse({"test_results": {"halmos/A.t.sol:AProof": [row]}})
    assert (each.contract, each.name, each.proven, each.bounded) == ("AProof", "check_it", True, True)


def test_halmos_is_not_believed_unless_it_refutes_the_canary():
    from audit.proofs import parse, require_refuted  # noqa: PLC0415
    from audit.workspace import AuditError  # noqa: PLC0415

    def ended(code: int) -> dict[str, dict[str, list[dict[str, object]]]]:
        row: dict[str, object] = {"name": "check_thisFails(address)", "exitcode": code, "num_bounded_loops": 0}
        return {"test_results": {"halmos/Canary.t.sol:CanaryProof": [row]}}

    require_refuted(parse(ended(1)))
    for code in (0, 2, 5):  # proven, not decided, broken
        with pytest.raises(AuditError):
            require_refuted(parse(ended(code)))
    with pytest.raises(AuditError):
        require_refuted([])


@pytest.mark.parametrize(
    "text", ['[[finding]]\ndetector = "x"\n', '[[finding]]\ndetector = "x"\nwhere = "y"\nreason = " "\n']
)
def test_a_reason_has_to_be_given(tmp_path: Path, text: str):
    from audit.explained import finding_reasons  # noqa: PLC0415
    from audit.workspace import AuditError  # noqa: PLC0415

    path = tmp_path / "findings.toml"
    path.write_text(text)
    with pytest.raises(AuditError):
        finding_reasons(path)


def test_a_verdict_is_kept_until_something_that_decided_it_changes(tmp_path: Path):
    from audit.verdicts import Ground, Verdicts  # noqa: PLC0415

    root = tmp_path / "contracts"
    files = {
        "foundry.toml": "",
        "src/A.sol": "contract A {}",
        "test/A.t.sol": 'import {A} from "../src/A.sol";\nimport {H} from "./H.sol";',
        "test/H.sol": "contract H {}",
        "test/B.t.sol": "contract B {}",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    stages = [[root / "test/A.t.sol"], [root / "test/B.t.sol"]]

    def keys(mutated: bytes = b"mutant") -> list[str]:
        return Ground(root, "src/A.sol", stages).keys(mutated)

    first = keys()
    Verdicts(tmp_path / "kept").keep(first[0], "killed")
    assert [Verdicts(tmp_path / "kept").find(key) for key in keys()] == ["killed", None]
    assert not set(first) & set(keys(b"another mutant"))
    (root / "test/B.t.sol").write_text("contract C {}")
    assert [one == other for one, other in zip(first, keys(), strict=True)] == [True, False]
    (root / "test/H.sol").write_text("contract /* a comment */ H {} // and another")
    assert keys()[0] != first[0], "its spaces are others"
    (root / "test/H.sol").write_text("// a comment\ncontract H {}")
    (root / "test/A.t.sol").write_text(files["test/A.t.sol"])
    commented = keys()[0]
    (root / "test/H.sol").write_text("// another comment\ncontract H {}")
    assert keys()[0] == commented
    (root / "test/H.sol").write_text("contract I {}")
    assert not set(first) & set(keys())
