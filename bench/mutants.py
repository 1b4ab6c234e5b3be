"""How a security check is broken: one condition, limit, refusal or order at a time.

Messages, logs, documentation, types and public names are left alone: nobody is let in
by them. Everything else that decides is broken in each way that could let somebody in.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NEGATED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
CONDITION = re.compile(
    r"\b(AND|WHERE) ([\w.{}]+) (=|<>|<=|>=|<|>|IS NOT|IS) (CAST\([^)]*\)|[$\w.{}'-]+)"
)
MOVED = {"<": ("<=",), "<=": ("<",), ">": (">=",), ">=": (">",)}
OTHER_CALL = {"any": "all", "all": "any", "min": "max", "max": "min"}
LOGGED = {"logger", "log"}
LIST_OF_CHECKS = 2


@dataclass(frozen=True, slots=True)
class Mutant:
    """One module with one thing broken."""

    module: str
    line: int
    last: int
    what: str
    source: str
    function: str  # "" outside of any

    @property
    def name(self) -> str:
        """Name it however its lines move."""
        return f"{self.function}: {self.what}"


def mutants(module: str, text: str) -> Iterator[Mutant]:
    """Yield every way in which this module is broken, each once."""
    octets = [line.encode() for line in text.splitlines(keepends=True)]
    starts = [sum(map(len, octets[:n])) for n in range(len(octets))]
    whole, seen = text.encode(), {ast.dump(ast.parse(text))}
    yield from statements(module, text)
    for function, node in decisive(ast.parse(text)):
        for new, old in changes(node):
            first = starts[old.lineno - 1] + old.col_offset
            last = starts[old.end_lineno - 1] + old.end_col_offset
            source = (whole[:first] + new.encode() + whole[last:]).decode()
            shape = ast.dump(ast.parse(source))
            if shape in seen:
                continue
            seen.add(shape)
            said = f"{one_line(ast.unparse(old))}  →  {one_line(new)}"
            yield Mutant(module, old.lineno, old.end_lineno, said, source, function)


def statements(module: str, text: str) -> Iterator[Mutant]:
    """Yield the module with one condition of its SQL fulfilled, or moved by one."""
    for found in CONDITION.finditer(text):
        word, left, sign, right = found.groups()
        others = [f"{word} (TRUE OR {left} {sign} {right})"]
        others += [f"{word} {left} {other} {right}" for other in MOVED.get(sign, ())]
        line = text.count("\n", 0, found.start()) + 1
        for other in others:
            source = text[: found.start()] + other + text[found.end() :]
            said = f"{one_line(found[0])}  →  {one_line(other)}"
            yield Mutant(module, line, line, said, source, "SQL")


def one_line(code: str) -> str:
    return re.sub(r"\s+", " ", code)[:70]


def decisive(node: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield each node that may decide, with the function it stands in."""
    if is_beside_the_point(node):
        return
    yield function, node
    if isinstance(node, ast.Raise):
        return  # what a refusal says
    inner = function
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        inner = f"{function}.{node.name}".lstrip(".")
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "type_comment"}:
            continue
        # A default or a decorator runs where the function is defined.
        place = inner if name == "body" or not isinstance(node, ast.stmt) else function
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from decisive(child, place)


def is_beside_the_point(node: ast.AST) -> bool:
    """Tell logging, subscripts of types, and slots of a dataclass from a check."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
            return name in LOGGED
        case ast.Call(func=ast.Name(id="dataclass")) | ast.JoinedStr():
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
        case _:
            return False


def changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """Yield what takes the place of a node, and that node."""
    yield from changed_flow(node)
    yield from changed_condition(node)
    yield from changed_value(node)


def changed_flow(node: ast.AST) -> Iterator[tuple[str, Any]]:
    match node:
        case ast.Raise() | ast.Expr(value=ast.Call() | ast.Await()):
            yield "pass", node
        case ast.If(test=test, body=[ast.Raise()], orelse=[]):
            yield "True", test  # never refused is the raise left out
        case ast.If(test=test) | ast.IfExp(test=test):
            yield "True", test
            yield "False", test
        case ast.comprehension(ifs=[_, *_] as tests):
            for test in tests:
                yield "True", test
        case ast.match_case(guard=ast.expr() as guard):
            yield "True", guard
            yield "False", guard


def changed_condition(node: ast.AST) -> Iterator[tuple[str, Any]]:
    match node:
        case ast.BoolOp(op=op, values=values):
            word = " and " if isinstance(op, ast.And) else " or "
            for left_out in values:
                kept = [ast.unparse(one) for one in values if one is not left_out]
                yield f"({word.join(f'({one})' for one in kept)})", node
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"({ast.unparse(operand)})", node
        case ast.Compare(left=left, ops=ops, comparators=right):
            for place, operator in enumerate(ops):
                for other in NEGATED[type(operator)]:
                    new = [*ops[:place], other(), *ops[place + 1 :]]
                    yield f"({ast.unparse(ast.Compare(left, new, right))})", node


def changed_value(  # noqa: C901 - a table
    node: ast.AST,
) -> Iterator[tuple[str, Any]]:
    match node:
        case ast.Constant(value=bool(value)):
            yield str(not value), node
        case ast.Constant(value=int(value) | float(value)):
            yield str(value + 1), node
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as sign, right=right):
            if not is_text(left) and not is_text(right):
                other = ast.Sub() if isinstance(sign, ast.Add) else ast.Add()
                yield f"({ast.unparse(ast.BinOp(left, other, right))})", node
        case ast.Name(id=("any" | "all" | "min" | "max") as name, ctx=ast.Load()):
            yield OTHER_CALL[name], node
        case ast.Assign(value=ast.Tuple(elts=elements) as listed):
            if all(isinstance(one, ast.Name | ast.Attribute) for one in elements):
                for left_out in elements if len(elements) >= LIST_OF_CHECKS else ():
                    kept = [one for one in elements if one is not left_out]
                    yield ast.unparse(ast.Tuple(kept, ast.Load())), listed


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )
