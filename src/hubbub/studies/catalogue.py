"""Studies by name: built-in ones, those in files, and those in folders."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec

from hubbub.config.user_code import blamed_on, load_own
from hubbub.errors import ScenarioError, did_you_mean
from hubbub.studies.study import Study
from hubbub.studies.study_folder import StudyFolder
from hubbub.studies.yaml_study import load_study

#: Names of the built-in studies; each is a folder of this package with a module `study`.
NAMES = ("propagation", "distributions", "polarization", "herding", "rumor", "scale")


def studies() -> dict[str, Study]:
    """Return the built-in studies by name, in the order in which they are listed."""
    return {name: _load(name) for name in NAMES if find_spec(_module(name)) is not None}


def find_study(name: str) -> Study:
    """Return the study of a name, in a YAML file, or at a dotted path; ScenarioError if none."""
    if name in NAMES:
        return _load(name)
    if ":" in name and not name.endswith((".yaml", ".yml")):
        return _imported(name)
    if not name.endswith((".yaml", ".yml")):
        raise ScenarioError(
            f"there is no study '{name}'{did_you_mean(name, NAMES)}; there are {', '.join(NAMES)}. "
            "For a study of your own give its file, my-study.yaml, or its dotted path, "
            "my_module:MyStudy"
        )
    own = load_study(name)
    if own.name in NAMES:
        raise ScenarioError(f"{name}: '{own.name}' is a study of hubbub's; give it another name")
    return own


def study_in(folder: StudyFolder) -> Study:
    """Return the study whose results are in a folder."""
    if folder.definition is not None:
        return load_study(folder.definition)
    return find_study(folder.source or folder.study)


def made(found: object, path: str) -> Study:
    """Return the study that a class or function makes; ScenarioError if it cannot be run.

    `path` is its dotted path. A study is returned as it is.
    """
    if not isinstance(found, Study) and callable(found):
        with blamed_on(f"the study '{path}'"):
            found = found()
    if not isinstance(found, Study):
        raise ScenarioError(f"the study '{path}' must be a class derived from hubbub.studies.Study")
    name = getattr(found, "name", "")
    if not name:
        raise ScenarioError(f"the study '{path}' needs a name: name = 'my-study'")
    if not isinstance(name, str) or not re.fullmatch(r"[\w-][\w.-]*", name):
        raise ScenarioError(
            f"the study '{path}': its name must be letters, digits, '-', '_' and '.', not {name!r}"
        )
    if name in NAMES:
        raise ScenarioError(
            f"the study '{path}': '{name}' is the name of a built-in study; take another one"
        )
    return found


def _imported(path: str) -> Study:
    """Return the study that 'module:name' names: a class, an instance, or a function."""
    found = made(load_own(path, "the study"), path)
    found.title = found.title or found.name
    found.question = found.question or _summary(type(found))
    found.source = path
    return found


def _summary(study: type) -> str:
    """Return the first paragraph of the class's own docstring, as one line."""
    return " ".join((study.__doc__ or "").partition("\n\n")[0].split())


def _module(name: str) -> str:
    return f"hubbub.studies.{name}.study"


def _load(name: str) -> Study:
    study: Study = import_module(_module(name)).study()
    return study
