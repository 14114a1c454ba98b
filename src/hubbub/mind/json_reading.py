"""Reading JSON out of a model's reply, whatever surrounds it. Nothing is ever evaluated."""

from __future__ import annotations

import re
from typing import Any

import msgspec

#: Longest reply that is read, in characters.
MAX_REPLY = 65_536
#: Deepest nesting of brackets that is followed, and number of braces in prose that are skipped.
_MAX_DEPTH = 32
_MAX_TRIES = 8
_MAX_DIGITS = 18
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_OPENING = re.compile(r"[{\[]")
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<mark>[{}\[\],:=])
    | "(?P<double>[^"\\]*(?:\\.[^"\\]*)*)"
    | '(?P<single>[^'\\]*(?:\\.[^'\\]*)*)'
    | “(?P<curly>[^”]*)”
    | (?P<word>[^\s{}\[\],:="'“]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_WORDS = {"true": True, "false": False, "null": None, "none": None}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]{1,3})?")


class Unreadable(ValueError):  # noqa: N818 - a finding, nothing that went wrong with us
    """A reply that cannot be understood. `why` is our own text and never quotes the reply.

    It continues the sentence "Your last reply was not valid: ...".
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def clean(text: str) -> str:
    """Return the text as a world can keep it: stripped, line breaks the only control characters.

    Tabs become spaces; halves of surrogate pairs are joined, or become U+FFFD.
    """
    if text.isprintable():
        return text.strip()
    text = _paired(text).replace("\t", " ").replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text).strip()


def spoken(text: str) -> str:
    """Return what a model says after its thoughts, if it has any.

    Thoughts that break off leave nothing.
    """
    _, end, after = text.rpartition("</think>")
    said = after if end else text
    return "" if said.lstrip().startswith("<think>") else said


def json_values(text: str) -> list[Any]:
    """Return the JSON values (objects and arrays) in a reply, in order; at least one.

    Plain JSON is read as such. Otherwise the reader skips what surrounds it (prose, fences,
    thoughts) and accepts trailing or missing commas, quotes and literals of Python, bare words and
    line breaks in texts. If a reply breaks off, complete objects are kept. Unreadable if there is
    no JSON, or more than MAX_REPLY characters.
    """
    if len(text) > MAX_REPLY:
        raise Unreadable("it was too long")
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):  # of lone surrogates, too
        value = None
    if isinstance(value, dict | list):
        return [value]
    if isinstance(value, str):  # JSON within a JSON text
        return json_values(value)
    text = spoken(text)
    found = _Reader(text).read()
    if not found:
        raise Unreadable("it was not JSON" if text.strip() else "it was empty")
    return found


def _paired(text: str) -> str:
    """Join halves of surrogate pairs; a single half becomes U+FFFD."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def whole_number(value: Any) -> int | None:
    """Return the whole number meant by 2, 2.0, "2" or "#2"; None for anything else."""
    match value:
        case bool():
            return None
        case int():
            return value
        case float():
            return int(value) if value.is_integer() else None
        case str() if len(value) <= _MAX_DIGITS:
            digits = value.strip().removeprefix("#")
            return int(digits) if _INTEGER.fullmatch(digits) else None
    return None


class _Reader:
    """One pass over a text. `open` are the containers not yet closed, outermost first."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: list[Any] = []
        self._open: list[dict[str, Any] | list[Any]] = []
        self._keys: list[str | None] = []  # per open container: the key that waits for its value

    def read(self) -> list[Any]:
        """Return the outermost containers; of one that breaks off, its complete parts.

        Nothing is read after that: what follows may be inside a text.
        """
        tries = _MAX_TRIES
        while tries and (bracket := _OPENING.search(self._text, self._at)):
            self._at = bracket.start()
            failed_at = self._container()
            if not self._open:
                continue
            # a brace before a bare word, as in {sigh}, was not JSON
            prose = failed_at and (failed_at["word"] or failed_at["mark"]) and not any(self._open)
            tries = tries - 1 if prose else 0
            self._at = bracket.end()
            while self._open:
                self._close(broken_off=True)
        return self._found

    def _container(self) -> re.Match[str] | None:
        """Read one outermost container; return where it went wrong, or None at its end."""
        while token := _TOKEN.match(self._text, self._at):
            self._at = token.end()
            mark = token["mark"]
            if not (self._punctuation(mark) if mark else self._scalar(token)):
                return token
            if not self._open:
                break
        return None

    def _punctuation(self, mark: str) -> bool:
        """Handle a bracket, comma or colon; return whether reading can continue."""
        match mark:
            case "{" | "[":
                inside = self._open[-1] if self._open else None
                if len(self._open) >= _MAX_DEPTH:
                    return False
                if isinstance(inside, dict) and self._keys[-1] is None:
                    return False
                self._open.append({} if mark == "{" else [])
                self._keys.append(None)
            case "}" | "]":
                kind = dict if mark == "}" else list
                if any(isinstance(c, kind) for c in self._open):
                    while not isinstance(self._close(), kind):  # brackets that were forgotten
                        pass
            case ",":
                self._keys[-1] = None
        return True

    def _scalar(self, token: re.Match[str]) -> bool:
        value = _value(token)
        if isinstance(self._open[-1], dict) and self._keys[-1] is None:
            self._keys[-1] = str(value)
            colon = _TOKEN.match(self._text, self._at)
            return colon is not None and colon["mark"] in (":", "=")
        self._put(value)
        return True

    def _close(self, *, broken_off: bool = False) -> dict[str, Any] | list[Any]:
        """Close the innermost container; one that breaks off keeps its complete parts."""
        container = self._open.pop()
        self._keys.pop()
        values = container.values() if isinstance(container, dict) else container
        if not broken_off or any(isinstance(v, dict | list) for v in values):
            self._put(container)
        return container

    def _put(self, value: Any) -> None:
        """Put a complete value where it belongs."""
        inside = self._open[-1] if self._open else self._found
        if isinstance(inside, list):
            inside.append(value)
        elif (key := self._keys[-1]) is not None:
            inside[key] = value
            self._keys[-1] = None


def _value(token: re.Match[str]) -> Any:
    word = token["word"]
    if word is None:
        quoted = token["double"] or token["single"] or token["curly"] or ""
        return _paired(_ESCAPE.sub(_unescaped, quoted)) if "\\" in quoted else quoted
    if word.casefold() in _WORDS:
        return _WORDS[word.casefold()]
    if len(word) <= _MAX_DIGITS:
        if _INTEGER.fullmatch(word):
            return int(word)
        if _DECIMAL.fullmatch(word):
            return float(word)
    return word


def _unescaped(escape: re.Match[str]) -> str:
    code, char = escape.groups()
    return chr(int(code, 16)) if code else _ESCAPED.get(char, char)
