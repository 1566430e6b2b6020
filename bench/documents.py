"""The one reader of untrusted documents: JSON of any origin, made into the types that declare it.

A type is a frozen data class. It is closed, as its constructor is: an entry that it does not
know is refused. A part of it that may hold more is declared as
``Annotated[Mapping[str, Any], Kind]``, where ``Kind`` is a ``TypedDict``: what that does not
name is kept and not looked at. Bounds stand in the types, ``Annotated[int, documents.Meta(ge=0)]``;
so that commands which read nothing stay light, they are strings until something is read
(``from __future__ import annotations``).
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar, get_args, get_origin

from bench.errors import BenchError
from bench.formatting import nearest

#: Beyond this, what is computed from a number overflows. No honest result comes near.
LARGEST_NUMBER = 1e300
_MOST = (1 << 63) - 1
_LONGEST = 40

T = TypeVar("T")

if TYPE_CHECKING:
    from msgspec import Meta

    Number = float
    Figure = float | None
    #: What is written as null is rare enough for readers to know where they have to ask.
    Figures = Mapping[str, float]
    Rounds = tuple[tuple[float, ...], ...]
    Positive = float
    PositiveRounds = Rounds
    Time = str


def __getattr__(name: str) -> Any:
    """Make the types that need msgspec, once one of them is read.

    ``Number`` is a finite number, ``Figure`` one or null (which is what was not finite),
    ``Figures`` has them by name, ``Rounds`` are numbers from 0, some of each of some processes,
    ``Positive`` and ``PositiveRounds`` without 0, ``Time`` is a text that ``is_time`` has yet
    to be asked of.
    """
    if name not in _MADE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from msgspec import Meta

    number = Annotated[float, Meta(gt=-LARGEST_NUMBER, lt=LARGEST_NUMBER)]
    whole = Annotated[int, Meta(ge=-_MOST - 1, le=_MOST)]
    time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    figure = whole | number | None
    positive = Annotated[float, Meta(gt=0, lt=LARGEST_NUMBER)]
    globals().update(
        Meta=Meta,
        Number=number,
        Figure=figure,
        Figures=Mapping[str, figure],
        Rounds=_rounds(Annotated[float, Meta(ge=0, lt=LARGEST_NUMBER)]),
        Positive=positive,
        PositiveRounds=_rounds(positive),
        Time=time,
    )
    return globals()[name]


_MADE = ("Meta", "Number", "Figure", "Figures", "Rounds", "Positive", "PositiveRounds", "Time")


def _rounds(number: Any) -> Any:
    from msgspec import Meta

    some = Meta(min_length=1)
    process = Annotated[tuple[number, ...], some]
    return Annotated[tuple[process, ...], some]


def one_of(words: Iterable[str]) -> Meta:
    """Return the bound of a text that is one of some words of letters, digits, "_" and blanks."""
    from msgspec import Meta

    alternatives = "|".join(map(re.escape, words))
    return Meta(pattern=f"^(?:{alternatives})(?![\\s\\S])", extra_json_schema={"enum": [*words]})


def parse(text: str | bytes, strict: bool = True) -> Any:
    """Return what a JSON document holds.

    Args:
        text: The document; bytes are in UTF-8, or in UTF-16 or UTF-32 as JSON tells them apart.
        strict: Refuse NaN and the infinities, which JSON does not know but Python writes.

    Raises:
        BenchError: It is cut short, no JSON, nested too deeply, or holds too long a number.
    """
    try:
        decoded = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
        return (_STRICT if strict else _LENIENT).decode(decoded)
    except (ValueError, RecursionError) as error:
        raise BenchError(f"is not a whole JSON document ({error})") from None


def convert(document: Any, kind: type[T], where: str = "") -> T:
    """Make the value of a type from what a document holds; nothing is read as another kind.

    Args:
        document: As ``parse`` gives it, or a reader of TOML.
        kind: The type.
        where: The name of the part that is read; "" is the whole document.

    Raises:
        BenchError: One line that says which part is wrong, what belongs there, and what
            was found; does not name the file.
    """
    import msgspec

    try:
        made = msgspec.convert(document, kind)
        if is_dataclass(kind):
            _check_within(document, made, where)
    except msgspec.ValidationError as error:
        raise BenchError(_told(str(error), document, kind, where)) from None
    except UnicodeEncodeError:
        raise BenchError(f"{where or 'the document'} has a name that is no text") from None
    except RecursionError:
        raise BenchError(f"{where or 'the document'} is nested too deeply") from None
    return made


def kind_of(owner: type, field: str) -> Any:
    """Return the type of a data class's field, to read it by itself."""
    return typing.get_type_hints(owner, include_extras=True)[field]


def is_time(text: str) -> bool:
    """Say whether a text is ISO time with a zone, of an instant that there is in UTC."""
    try:
        found = datetime.fromisoformat(text)
        return found.tzinfo is not None and found.astimezone(timezone.utc).year > 0
    except (ValueError, OverflowError):
        return False


def shown(value: Any) -> str:
    """Write a value of a document in a few characters of one line."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "a dictionary"
    if isinstance(value, list | tuple | set | frozenset):
        return "a list" if value else "an empty list"
    try:
        text = repr(value[: _LONGEST + 1] if isinstance(value, str) else value)
    except ValueError:  # Python writes no number of thousands of digits.
        return "a huge number"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant)
_LENIENT = json.JSONDecoder()


def _check_within(document: Any, made: Any, where: str) -> None:
    """Refuse what a data class does not know, and check its open parts; so within it.

    Args:
        document: A dictionary that has become a data class, or a list of such.
        made: What has come of it.
        where: The name of the place.
    """
    if isinstance(made, tuple | list):
        for number, (part, value) in enumerate(zip(document, made, strict=True)):
            _check_within(part, value, _place(where, number))
        return
    shape = _shape(made.__class__)
    if unknown := document.keys() - shape.known:
        name = next(name for name in document if name in unknown)
        hint = nearest(name[:_LONGEST], shape.known) or f"; there are: {', '.join(shape.known)}"
        raise BenchError(f"{where or 'the document'} has the unknown entry {shown(name)}{hint}")
    for name, kind in shape.open.items():
        if document.get(name) is not None:
            convert(document[name], kind, _place(where, name))
    for name in shape.inner:
        if document.get(name) is not None:
            _check_within(document[name], getattr(made, name), _place(where, name))


@dataclass(frozen=True)
class _Shape:
    """The fields of a data class: all, those that are open, those that hold data classes."""

    known: Mapping[str, None]
    open: Mapping[str, Any]
    inner: tuple[str, ...]


@lru_cache
def _shape(kind: Any) -> _Shape:
    hints = typing.get_type_hints(kind, include_extras=True)
    known = dict.fromkeys(field.name for field in fields(kind))
    inner = tuple(name for name in known if any(reached(hints[name])))
    return _Shape(known, open_kinds(kind), inner)


def open_kinds(kind: Any) -> dict[str, Any]:
    """Return the ``TypedDict`` of each field of a data class that is open."""
    found = {}
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        marks = [mark for mark in getattr(hint, "__metadata__", ()) if typing.is_typeddict(mark)]
        if marks:
            found[name] = marks[0]
    return found


def reached(kind: Any) -> Iterator[type]:
    """Yield the data classes that a type is made of, itself among them."""
    if is_dataclass(kind) and isinstance(kind, type):
        yield kind
        for part in typing.get_type_hints(kind, include_extras=True).values():
            yield from reached(part)
    for part in get_args(kind):
        yield from reached(part)


# What msgspec says, in plain words

_AT = re.compile(r" - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]|(\[\.\.\.\])")
_MISSING = re.compile("missing required field `([^`]*)`")

_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "True or False",
    "array": "a list",
    "object": "a dictionary",
    "null": "null",
}


def _told(said: str, document: Any, kind: Any, where: str) -> str:
    """Return what is wrong with a document, given what msgspec said of it."""
    found = _AT.search(said)
    for name, number, is_key in _STEP.findall(found["path"]) if found else ():
        step = _wrong_key(document, kind) if is_key else int(number) if number else name
        kind = _part(kind, step)
        document = [*document][step] if isinstance(step, int) else document[step]
        where = _place(where, step)
    if missing := _MISSING.search(said):
        return f"{where or 'the document'} has no {missing[1]}"
    what = _described(kind)
    if found and found["key"]:
        document = _wrong_key(document, kind, values=False)
        kind = _arguments(kind)[0]
        where, what = f"a name in {where or 'the document'}", _described(kind)
    hint = nearest(document[:_LONGEST], _words(kind)) if isinstance(document, str) else ""
    if isinstance(document, int | float) and not abs(document) < LARGEST_NUMBER:
        what += f" of less than {LARGEST_NUMBER:g}"
    return f"{where or 'the document'} must be {what}, not {shown(document)}{hint}"


def _place(where: str, step: str | int) -> str:
    if isinstance(step, int) or not (step.isidentifier() and step.isascii()):
        return f"{where}[{shown(step)}]"
    return f"{where}.{step[:_LONGEST]}" if where else step[:_LONGEST]


def _wrong_key(document: Mapping[Any, Any], kind: Any, values: bool = True) -> Any:
    """Return the key of the first entry that is wrong, which msgspec does not tell."""
    import msgspec

    of_key, of_value = _arguments(kind)
    for key, value in document.items():
        try:
            msgspec.convert(value if values else key, of_value if values else of_key)
        except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
            return key
    raise AssertionError("msgspec found an entry to be wrong")


def _part(kind: Any, step: str | int) -> Any:
    """Return the type of a part: of a field, of an item of a list, of a mapping's value."""
    for plain in _alternatives(kind):
        if is_dataclass(plain) or typing.is_typeddict(plain):
            return typing.get_type_hints(plain, include_extras=True)[str(step)]
        if arguments := get_args(plain):
            return arguments[-1 if isinstance(step, str) else 0]
    return Any


def _arguments(kind: Any) -> tuple[Any, ...]:
    """Return the types of a mapping's keys and values."""
    return next((get_args(one) for one in _alternatives(kind) if len(get_args(one)) == 2), ())


def _alternatives(kind: Any) -> list[Any]:
    """Return the types of a union, without their bounds and without None."""
    if get_origin(kind) is Annotated:
        return _alternatives(get_args(kind)[0])
    if get_origin(kind) in _UNIONS:
        return [one for part in get_args(kind) for one in _alternatives(part)]
    return [] if kind is type(None) else [kind]


_UNIONS = (typing.Union, type(int | None))


def _described(kind: Any) -> str:
    """Write what belongs in a place: "a whole number from 0 or null"."""
    schema = _schema(kind)
    each = [_in_words(one) for one in schema.get("anyOf", [schema])]
    if "a number" in each:
        each = [one for one in each if not one.startswith(_KINDS["integer"])]
    return " or ".join(dict.fromkeys(each))


def _in_words(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(str(word) for word in schema['enum'] if word is not None)}"
    least, most = (schema.get(name) for name in ("minimum", "maximum"))
    above, below = (schema.get(f"exclusive{name}") for name in ("Minimum", "Maximum"))
    if above is not None and below is not None and below < _MOST:
        return f"a number between {above:g} and {below:g}"
    bounds = [
        f"{word} {bound:,}" if isinstance(bound, int) else f"{word} {bound:g}"
        for word, bound in (("from", least), ("to", most), ("above", above), ("below", below))
        if bound is not None and abs(bound) < _MOST
    ]
    some = ["with at least one entry"] if schema.get("minItems") else []
    return " ".join([_KINDS[schema.get("type", "object")], *bounds, *some])


def _words(kind: Any) -> list[str]:
    schema = _schema(kind)
    found = [word for one in schema.get("anyOf", [schema]) for word in one.get("enum", [])]
    return [word for word in found if isinstance(word, str)]


def _schema(kind: Any) -> dict[str, Any]:
    import msgspec

    schema = msgspec.json.schema(kind)
    return schema["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
