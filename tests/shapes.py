"""Whatever states a shape is checked in the tests: its first calls in each of them, by jaxtyping and beartype.

jaxtyping's own import hook wraps every function of the packages that it is told of. Three in four of ours state no
shape, and wrapping and calling those took a tenth of the tests' time; here only what states one is wrapped, wherever it
stands.
"""

import ast
import dataclasses
import functools
import inspect
import sys
import typing
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, TypeVar, cast

from beartype import beartype
from jaxtyping import AbstractArray, jaxtyped
from typing_extensions import override

Checked = TypeVar("Checked")
_DECORATOR = "__check_shapes__"
MOST_CALLS = 200
"""As many calls of a function are checked in one test: a simulation makes a hundred thousand, all alike."""
_calls: Counter[Callable[..., Any]] = Counter()


def states_a_shape(hint: Any) -> bool:
    """Whether an annotation is an array of a shape, or holds one."""
    if isinstance(hint, str):  # a forward reference
        return "np.ndarray," in hint or "torch.Tensor," in hint
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    inner = hint if isinstance(hint, (list, tuple)) else typing.get_args(hint)
    return any(states_a_shape(one) for one in inner)


def check_shapes(one: Checked) -> Checked:
    """A function or a dataclass, checked if it states a shape and as it was if it states none."""
    if inspect.isclass(one) and not dataclasses.is_dataclass(one):
        return one
    if not any(states_a_shape(hint) for hint in inspect.get_annotations(cast(Any, one)).values()):
        return one
    return cast(Checked, _checked(one) if inspect.isclass(one) else _checked_when_called(cast(Any, one)))


def _checked(one: Any) -> Any:
    return jaxtyped(typechecker=beartype)(one)


def _checked_when_called(function: Callable[..., Any]) -> Callable[..., Any]:
    # A check takes milliseconds to make, and most tests call few functions.
    checked = functools.cache(lambda: _checked(function))

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        _calls[function] += 1
        return (checked() if _calls[function] <= MOST_CALLS else function)(*arguments, **named)

    return called


def count_anew() -> None:
    """Begin another test."""
    _calls.clear()


def check_shapes_of(package: str) -> None:
    """Check whatever states a shape in the modules of a package that are imported from now on."""
    if package in sys.modules:
        raise RuntimeError(f"the shapes of {package} can't be checked, since it is imported already.")
    sys.meta_path.insert(0, _Finder(package))


class _Finder(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != self._package:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    @override
    def get_code(self, fullname: str) -> CodeType:
        # Past the cache of bytecode, which would mix up what is checked and what isn't.
        return self.source_to_code(self.get_data(self.path), self.path)

    @override
    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:
        tree = ast.parse(data, path)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                first = next(iter(node.decorator_list), node)
                decorator = ast.copy_location(ast.Name(_DECORATOR, ast.Load()), first)
                # A class is checked once `dataclass` has made it one, a function before `property` hides its hints.
                place = 0 if isinstance(node, ast.ClassDef) else len(node.decorator_list)
                node.decorator_list.insert(place, decorator)
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)

    @override
    def exec_module(self, module: ModuleType) -> None:
        vars(module)[_DECORATOR] = check_shapes
        super().exec_module(module)
