"""What a key and a group of keys are: a kind, a default, what it counts, and why it is the default.

The groups themselves stand in `schema` and its neighbours. A group is a class whose attributes are its keys; its
objects are frozen and complete, and what is no key of theirs is refused. No key's name and no value may enter here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar, overload

from scraper.config.faults import UNKNOWN, Fault, Refusal, fault
from scraper.config.kinds import Kind
from scraper.config.shapes import mapping

__all__ = ["DERIVED", "REQUIRED", "Below", "Group", "Key", "keys"]

T = TypeVar("T")
G = TypeVar("G", bound="Group")
REQUIRED: Any = object()  # the default of a key that has none
DERIVED: Any = object()  # the default of a key whose value follows from the keys before it


class Key(Generic[T]):
    """One key: how its value is read, its default as a file has it, its description, and what it counts.

    `check` refuses a value that does not fit those of the keys before it; `derive` makes the default out of them.
    """

    def __init__(
        self,
        kind: Kind[T],
        default: Any,
        description: str,
        unit: str = "",
        *,
        check: Callable[[T, Mapping[str, Any]], None] | None = None,
        derive: Callable[[Mapping[str, Any]], Any] | None = None,
        hidden: bool = False,
    ) -> None:
        self.name = ""
        self.kind = kind
        self.default = default
        self.description = description
        self.unit = unit
        self.check = check
        self.derive = derive
        self.hidden = hidden  # from repr: it may hold a secret

    def __set_name__(self, group: type[Group], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, group: None, owner: type[Group]) -> Key[T]: ...

    @overload
    def __get__(self, group: Group, owner: type[Group]) -> T: ...

    def __get__(self, group: Group | None, owner: type[Group]) -> Key[T] | T:
        """Return the key itself; a group's own value of it stands in front of this."""
        return self

    def read(self, settings: Mapping[Any, Any], before: Mapping[str, Any]) -> T:
        """Return the key's value in `settings`, or its default, where the keys `before` have these values."""
        value = settings[self.name] if self.name in settings else self.stand_in(before)
        read = self.kind.read(value)
        if self.check is not None:
            self.check(read, before)
        return read

    def stand_in(self, before: Mapping[str, Any]) -> Any:
        """Return what stands in for a value that is not written."""
        if self.default is REQUIRED:
            raise fault("this key is required; add it")
        return self.default if self.derive is None else self.derive(before)


class Group:
    """Keys that belong together: frozen, complete, and nothing beside them."""

    known: ClassVar[Mapping[str, Key[Any]]] = {}

    def __init_subclass__(cls) -> None:
        cls.known = {name: each for name, each in vars(cls).items() if isinstance(each, Key)}

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot be changed: a config is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name} cannot be removed: a config is frozen")

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return ((name, self.__dict__[name]) for name in self.known)

    def __eq__(self, other: object) -> bool:
        return dict(self) == dict(other) if isinstance(other, type(self)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # headers are a dict

    def __repr__(self) -> str:
        shown = [f"{name}={value!r}" for name, value in self if not self.known[name].hidden]
        return f"{type(self).__name__}({', '.join(shown)})"

    @classmethod
    def read(cls: type[G], settings: Mapping[Any, Any]) -> G:
        """Return the group that `settings` describe; raise a Refusal with all that is wrong, unknown keys last."""
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for name, key in cls.known.items():
            try:
                values[name] = key.read(settings, values)
            except Refusal as refusal:
                faults += refusal.below(name)
        faults += [_stranger(name) for name in settings if name not in cls.known]
        if faults:
            raise Refusal(*faults)
        return cls(values)


def _stranger(name: Any) -> Fault:
    if isinstance(name, str):
        return Fault("", about=UNKNOWN, loc=(name,))
    step = name if isinstance(name, int) else repr(name)
    return Fault("the keys of a mapping are texts; write the key as a text", loc=(step,))


class Below(Kind[G]):
    """A group of keys as the value of a key."""

    __slots__ = ("group",)

    def __init__(self, group: type[G]) -> None:
        self.group = group

    def read(self, value: Any) -> G:
        """Return the group."""
        return value if isinstance(value, self.group) else self.group.read(mapping(value))

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"$ref": f"#/$defs/{self.group.__name__}"}


def keys(group: type[G]) -> Key[G]:
    """Return a group of keys as a key, described by its docstring."""
    return Key(Below(group), {}, group.__doc__ or "")
