"""Lines per file and per function of the product's Python: median, p90, most.

python -m bench.sizes
"""

import ast
from pathlib import Path
from statistics import median, quantiles

PACKAGES = ("camdigikey", "idp", "mobile_api", "camdx_bridge", "sdk_web", "sdk_app")
SMALLEST = 3


def function_lines(tree: ast.Module) -> list[int]:
    """Return the length of every function without its docstring."""
    lengths = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            has_doc = ast.get_docstring(node, clean=False) is not None
            doc = (first.end_lineno or 0) - first.lineno + 1 if has_doc else 0
            lengths.append((node.end_lineno or node.lineno) - node.lineno + 1 - doc)
    return lengths


def show(name: str, values: list[int]) -> None:
    """Print one row."""
    p90 = quantiles(values, n=10)[-1]
    print(
        f"{name:10} n {len(values):5}  median {median(values):5.0f}"
        f"  p90 {p90:5.0f}  most {max(values):5}  total {sum(values)}"
    )


def main() -> None:
    """Measure every package, migrations left out."""
    files, functions = [], []
    for package in PACKAGES:
        for path in Path(package).rglob("*.py"):
            text = path.read_text()
            if "migrations" in path.parts or text.count("\n") < SMALLEST:
                continue
            files.append(text.count("\n"))
            functions += function_lines(ast.parse(text))
    show("files", files)
    show("functions", functions)


if __name__ == "__main__":
    main()
