"""How a security check is broken: one condition, limit, refusal or order at a time.

A condition is broken by making it true, and by making it false: whoever sees both
sees it turned round too, so that is not tried. Each part of one is left out in turn.
Messages, logs, documentation, types and public names are left alone: nobody is let in
by them. Everything else that decides is broken in each way that could let somebody in.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
PASSIVE = {"annotation", "returns", "type_comment"}
CONDITION = re.compile(
    r"\b(AND|WHERE) ([\w.{}]+) (=|<>|<=|>=|<|>|IS NOT|IS) (CAST\([^)]*\)|[$\w.{}'-]+)"
)
MOVED = {"<": ("<=",), "<=": ("<",), ">": (">=",), ">=": (">",)}
OTHER_CALL = {"any": "all", "all": "any", "min": "max", "max": "min"}
LOGGED = {"logger", "log"}


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
            yield Mutant(
                module, old.lineno, old.end_lineno, told(old, new), source, function
            )


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


def told(old: ast.AST, new: str) -> str:
    if isinstance(old, ast.Tuple):
        kept = ast.parse(new, mode="eval").body
        assert isinstance(kept, ast.Tuple)
        left = set(map(ast.unparse, kept.elts))
        gone = [name for name in map(ast.unparse, old.elts) if name not in left]
        return f"without {', '.join(gone)}"
    return f"{one_line(ast.unparse(old))}  →  {one_line(new)}"


def one_line(code: str) -> str:
    return re.sub(r"\s+", " ", code)[:70]


def decisive(node: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield each node that may decide, with the function it stands in."""
    if is_beside_the_point(node):
        return
    inner = function
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        inner = f"{function}.{node.name}".lstrip(".")
    yield inner, node
    if isinstance(node, ast.Raise):
        return  # what a refusal says
    for name, child in parts(node):
        # A default or a decorator runs where the function is defined.
        place = inner if name == "body" or not isinstance(node, ast.stmt) else function
        yield from decisive(child, place)


def parts(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield what a node is made of, but for types and what stands in for nothing."""
    for name, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        if has_default(node):
            children = children[:-1]
        for child in children if name not in PASSIVE else ():
            if isinstance(child, ast.AST):
                yield name, child


def is_beside_the_point(node: ast.AST) -> bool:
    """Tell logging, subscripts of types, and slots of a dataclass from a check."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
            return name in LOGGED
        case ast.Call(func=ast.Name(id="dataclass")) | ast.JoinedStr() | ast.Assert():
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
    if isinstance(node, ast.Raise) or is_call(node):
        yield "pass", node
    for condition in decided(node):
        condition.is_decided = True  # type: ignore[attr-defined]
        yield "True", condition
        if not is_refusal(node):
            yield "False", condition


def is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)


def is_refusal(node: ast.AST) -> bool:
    """Tell an `if` that only raises: never to refuse is to leave its raise out."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.body[0], ast.Raise)
        and not node.orelse
    )


def decided(node: ast.AST) -> list[ast.expr]:
    """Return the conditions on which this node goes one way or the other."""
    match node:
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            return [test]
        case ast.match_case(guard=ast.expr() as guard):
            return [guard]
        case ast.comprehension(ifs=tests):
            return list(tests)
        case (
            ast.FunctionDef(returns=ast.Name(id="bool"))
            | ast.AsyncFunctionDef(returns=ast.Name(id="bool"))
        ):
            returned = (one for one in ast.walk(node) if isinstance(one, ast.Return))
            return [one.value for one in returned if one.value is not None]
        case ast.Assign(value=ast.Compare() | ast.BoolOp() as value):
            return [] if has_default(value) else [value]
        case _:
            return []


def has_default(node: ast.AST) -> bool:
    """Tell `value or ""` from a condition: what is absent lets nobody in."""
    match node:
        case ast.BoolOp(op=ast.Or(), values=[*_, ast.Constant() | ast.Dict()]):
            return True
        case ast.BoolOp(op=ast.Or(), values=[*_, ast.Tuple() | ast.List()]):
            return True
        case _:
            return False


def changed_condition(node: ast.AST) -> Iterator[tuple[str, Any]]:
    match node:
        case ast.BoolOp(op=op, values=values):
            word = " and " if isinstance(op, ast.And) else " or "
            for left_out in values[:1] if has_default(node) else values:
                left_out.is_decided = True
                kept = [ast.unparse(one) for one in values if one is not left_out]
                yield f"({word.join(f'({one})' for one in kept)})", node
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            operand.is_decided = True
            if not hasattr(node, "is_decided"):
                yield "True", node
                yield "False", node
        case ast.Compare(left=left, ops=ops, comparators=right):
            yield from changed_comparison(node, left, ops, right)


def changed_comparison(
    node: ast.Compare, left: ast.expr, ops: list[ast.cmpop], right: list[ast.expr]
) -> Iterator[tuple[str, Any]]:
    for place, operator in enumerate(ops):
        if other := BOUNDARY.get(type(operator)):
            new = [*ops[:place], other(), *ops[place + 1 :]]
            yield f"({ast.unparse(ast.Compare(left, new, right))})", node
        if len(ops) > 1:
            alone = ast.Compare([left, *right][place], [operator], [right[place]])
            yield f"({ast.unparse(alone)})", node
    if not hasattr(node, "is_decided"):
        yield "True", node
        yield "False", node


def changed_value(
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
        case (
            ast.Assign(value=ast.Tuple() as listed)
            | ast.AnnAssign(value=ast.Tuple() as listed)
        ):
            yield from shorter(listed)


def shorter(listed: ast.Tuple) -> Iterator[tuple[str, Any]]:
    """Yield a list of checks without one of them."""
    named = [one for one in listed.elts if isinstance(one, ast.Name | ast.Attribute)]
    for left_out in named if len(listed.elts) > 1 else ():
        kept = [one for one in listed.elts if one is not left_out]
        yield f"{ast.unparse(ast.Tuple(kept, ast.Load()))}", listed


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )
