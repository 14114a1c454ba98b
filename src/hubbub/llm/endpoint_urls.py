"""The URLs of a model's endpoints: a fixed list, or a file that may change during a run."""

from __future__ import annotations

import re
from pathlib import Path

from yarl import URL

from hubbub.config.models import ModelConfig, check_url
from hubbub.errors import ModelError

#: Seconds between two checks of a file of URLs.
LOOK_EVERY = 1.0
_COMMENT = re.compile(r"(^|\s)#.*")


class EndpointUrls:
    """The base URLs of one model's endpoints, without a slash at the end."""

    def __init__(self, name: str, config: ModelConfig, base: Path) -> None:
        if config.local is not None:
            raise ModelError(
                f"model '{name}': the local model '{config.local}' has not been started; "
                "start it and give its address as urls"
            )
        self._name = name
        self._file = None if config.urls_file is None else base / config.urls_file
        self._look_at = float("-inf")
        self._bad_before = False
        self._stamp: tuple[int, int] | None = None
        if self._file is None:
            self.urls = list(dict.fromkeys(self._checked(url, "urls") for url in config.urls))
            if config.provider is not None:  # one endpoint, called by its dotted path
                self.urls = [config.provider]
        else:
            self._stamp = self._stat(self._file)
            self.urls = self._read(self._file)

    def next_look(self) -> float:
        """Return when to check the file again; infinity if there is none."""
        return float("inf") if self._file is None else self._look_at

    def changed(self, now: float) -> bool:
        """Return whether the file has changed, if it is time to check; read it then.

        A missing or unreadable file may be in the middle of being written: only the second time in
        a row is a ModelError.
        """
        if self._file is None or now < self._look_at:
            return False
        self._look_at = now + LOOK_EVERY
        try:
            stamp = self._stat(self._file)
            urls = self.urls if stamp == self._stamp else self._read(self._file)
        except ModelError:
            if self._bad_before:
                raise
            self._bad_before = True
            return False
        self._bad_before, self._stamp = False, stamp
        changed = urls != self.urls
        self.urls = urls
        return changed

    def _stat(self, file: Path) -> tuple[int, int]:
        try:
            stat = file.stat()
        except OSError as error:
            raise self._unreadable(file, error) from None
        return stat.st_mtime_ns, stat.st_size

    def _read(self, file: Path) -> list[str]:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable(file, error) from None
        urls = []
        for number, line in enumerate(lines, start=1):
            url = _COMMENT.sub("", line).strip()
            if url:
                urls.append(self._checked(url, f"{file}, line {number}"))
        return list(dict.fromkeys(urls))

    def _unreadable(self, file: Path, error: OSError | UnicodeDecodeError) -> ModelError:
        return ModelError(f"model '{self._name}': cannot read urls_file {file}: {error}")

    def _checked(self, url: str, place: str) -> str:
        try:
            check_url(url)
            URL(url)
        except ValueError as error:
            raise ModelError(f"model '{self._name}': {place}: not a base URL: {error}") from None
        return url.rstrip("/")
