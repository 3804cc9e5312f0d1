"""The direction of imports, as docs and pyproject.toml promise it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

PACKAGE = Path(__file__).parent.parent / "respondeo"


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((PACKAGE / folder).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            assert node.module
            yield node.module


def test_imports_point_one_way(capsys: pytest.CaptureFixture[str]) -> None:
    code = lint_imports(config_filename=str(PACKAGE.parent / "pyproject.toml"), no_cache=True)
    assert code == 0, capsys.readouterr().out


@pytest.mark.parametrize("path", modules("domain"), ids=lambda path: path.name)
def test_the_domain_knows_only_the_standard_library_and_pydantic(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"pydantic"}
    for name in imported(path):
        assert name.split(".")[0] in allowed or name.startswith("respondeo.domain"), name


@pytest.mark.parametrize("path", modules("services", "models", "oidc"), ids=lambda path: path.name)
def test_services_and_models_do_not_know_flask(path: Path) -> None:
    for name in imported(path):
        assert not name.split(".")[0].startswith("flask"), name
