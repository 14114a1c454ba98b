"""The run folder: one SQLite file, and what can be read and exported from it."""

from hubbub.store.answers import AnswerRow
from hubbub.store.codec import Committed
from hubbub.store.completions import CompletionRow, Record, RecordedCall, kept_text
from hubbub.store.export.formats import FORMATS, export_run
from hubbub.store.folder import check_free
from hubbub.store.run import RunStore
from hubbub.store.spending import ModelSpending, Spent
from hubbub.store.table import Table

__all__ = [
    "FORMATS",
    "AnswerRow",
    "Committed",
    "CompletionRow",
    "ModelSpending",
    "Record",
    "RecordedCall",
    "RunStore",
    "Spent",
    "Table",
    "check_free",
    "export_run",
    "kept_text",
]
