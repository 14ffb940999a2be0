"""Runs a system's own script with other values for the names it assigns: clip, prompt, weights. Standard library."""

import ast
from pathlib import Path


def run(file, values, constants=None, name="__main__"):
    """Execute a script in which every assignment to a name of ``values`` assigns that value instead.

    Args:
        file: the script, which is not changed.
        values: constants by name.
        constants: strings by strings that they replace, wherever one stands as a whole.
        name: the module's, of which a script may ask.

    Returns:
        Its global names afterwards.
    """
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in values:
            found.add(node.targets[0].id)
            node.value = ast.copy_location(ast.Constant(values[node.targets[0].id]), node.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = (constants or {}).get(node.value, node.value)
    if lost := sorted(set(values) - found):
        raise SystemExit(f"{file} assigns no {', '.join(lost)}: the comparison was written for another commit")
    scope = {"__name__": name, "__file__": str(file)}
    exec(compile(tree, str(file), "exec"), scope)
    return scope


def value(file, name, given):
    """What a script assigns to a name, evaluated alone with the names ``given``."""
    for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return eval(compile(ast.Expression(node.value), str(file), "eval"), dict(given))
    raise SystemExit(f"{file} assigns no {name}: the comparison was written for another commit")
