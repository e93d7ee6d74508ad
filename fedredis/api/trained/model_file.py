"""A trained model as one file of plain arrays, which predicts on raw rows without Redis.

The file is an ``.npz`` as `numpy.load` opens it, with nothing pickled in it: ``description``, JSON
text; the parameters, ``model.<name>``; and what the preprocessing knows, ``preprocessing.<name>``.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np

from fedredis import features, models
from fedredis.api.trained.unseen import unseen_in
from fedredis.arguments import checked
from fedredis.data.whole import written_whole
from fedredis.errors import BlobError, DataError, DataWarning
from fedredis.features.protocol import Column
from fedredis.trees.ensemble import Ensemble
from fedredis.trees.grown import Grown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from fedredis.api.session import PathLike
    from fedredis.arrays import Named
    from fedredis.features import Features
    from fedredis.models.protocol import Model

#: What the description calls the file, and the version that this program reads and writes.
FORMAT, VERSION = "fedredis model", 1


@dataclass(frozen=True)
class Description:
    """What a model file says of its model."""

    run: str
    #: The round after which the run's model was this one.
    round: int
    dataset: str
    #: The column that the classes, or the numbers, came from.
    label: str
    #: What predictions are made from, in this order.
    columns: tuple[Column, ...]
    #: None at all where numbers are predicted.
    classes: tuple[str, ...]
    features: str
    missing: str
    model: str
    #: Digest of the parameters, as the run's outcome has it.
    sha256: str

    @property
    def mapping(self) -> Features:
        """The feature map, from cells to inputs."""
        numbers = not self.classes
        return features.make(self.features, self.columns, self.missing, numeric_labels=numbers)

    def to_json(self) -> str:
        """Return the description as JSON, with the format and its version."""
        return json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Description:
        """Read what `to_json` wrote.

        Raises
        ------
        DataError
            If it is something else, of another version, or damaged.
        """
        try:
            said = json.loads(text)
            form, version = said.pop("format"), said.pop("version")
        except (ValueError, KeyError, TypeError, AttributeError):
            form = None
        if form != FORMAT:
            raise DataError("there is no model of fedredis in it")
        if version != VERSION:
            raise DataError(f"it has version {version}, and this fedredis reads {VERSION}")
        try:
            said["columns"] = tuple(Column(**column) for column in said["columns"])
            said["classes"] = tuple(said["classes"])
            found = cls(**said)
        except (TypeError, KeyError) as error:
            raise DataError(f"the description is damaged: {error}") from None
        for told in fields(found):
            if told.type == "str" and not isinstance(getattr(found, told.name), str):
                raise DataError(f"the description is damaged: {told.name} is no text")
        named = [*found.classes, *(column.name for column in found.columns)]
        if not all(isinstance(name, str) for name in named):
            raise DataError("the description is damaged: a name is no text")
        return found


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A trained model, with all that it needs to predict."""

    description: Description
    #: The model's arrays, and what the preprocessing knows, by name.
    parameters: dict[str, NDArray[Any]] = field(repr=False)
    known: Named = field(repr=False)
    _model: Model | Grown = field(repr=False)

    def predict(self, rows: Any) -> NDArray[Any]:
        """Predict for n rows: probabilities (n, classes), or numbers (n, 1).

        Parameters
        ----------
        rows
            A pandas DataFrame or a list of dicts, with the model's columns by name, and others
            that are left alone; or an array (n, columns) in the order of the columns. A cell is a
            number or its text, or a category's text. If the model fills missing cells, one may be
            None, or NaN, and a column may be left out.

        Raises
        ------
        UsageError
            If the rows have another form, or lack a column.
        DataError
            If a cell is missing, is text where a number should be, or is infinite.
        """
        # It imports pandas, which takes longer than all else here.
        from fedredis.data.rows import to_cells

        said = self.description
        X = to_cells(rows, said.columns, said.missing)
        for line in unseen_in(said.mapping, self.known, X):
            warnings.warn(line, DataWarning, stacklevel=2)
        inputs = said.mapping.transform(self.known, X)
        found = self._model.predict(list(self.parameters.values()), inputs)
        if said.classes:
            return found
        return np.asarray(self.known["label_mean"] + self.known["label_scale"] * found)

    def labels(self, rows: Any) -> NDArray[Any]:
        """Tell the most probable class of n rows (n,), by name, or predict their numbers (n,).

        Rows and errors are those of `predict`.
        """
        told = self.predict(rows)
        if not self.description.classes:
            return np.asarray(told[:, 0])
        return np.asarray(np.array(self.description.classes)[told.argmax(axis=1)])


def save(
    path: Path, description: Description, parameters: Mapping[str, NDArray[Any]], known: Named
) -> None:
    """Write a model file, whole or not at all; the same model makes the same bytes.

    It goes to anybody, so what is known for the slaves alone is left out.

    Raises
    ------
    DataError
        If the file can't be written.
    """
    arrays: dict[str, Any] = {"description": np.array(description.to_json())}
    arrays |= {f"model.{name}": array for name, array in parameters.items()}
    arrays |= {f"preprocessing.{name}": array for name, array in known.items()}
    arrays.pop(f"preprocessing.{features.ALONE}", None)
    # Given a path, NumPy would add to its name.
    with written_whole(path) as scratch, scratch.open("wb") as file:
        np.savez(file, **arrays)


@checked
def load(path: PathLike, *, allow_models: Collection[str] = ()) -> SavedModel:
    """Read a model file that `fedredis.export` wrote.

    Parameters
    ----------
    allow_models
        Models of your own, ``package.module:Class``, that may be imported if the file names one.

    Raises
    ------
    DataError
        If there is no such file, it is damaged, or it is of another version.
    UsageError
        If its model or features are unknown here, or the model is not allowed.
    """
    path = Path(path)
    try:
        arrays = _read(path)
        said = Description.from_json(str(arrays.get("description")))
    except FileNotFoundError:
        raise DataError("there is no such file", file=path) from None
    except DataError as error:
        raise DataError(str(error), file=path) from None
    known, parameters = _of_kind("preprocessing", arrays), _of_kind("model", arrays)
    try:
        return fitted(said, parameters, known, allow_models)
    except DataError as error:
        raise DataError(f"the file is damaged: {error}", file=path) from None


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` file by name."""
    arrays = {}
    try:
        with ZipFile(path) as archive:
            for entry in archive.infolist():
                # They are not packed: what is larger than the file would fill the memory.
                if entry.file_size > path.stat().st_size:
                    raise ValueError(f"{entry.filename} is larger than the file")
                with archive.open(entry) as member:
                    array = np.lib.format.read_array(member, allow_pickle=False)
                # NumPy makes letters of any number, and Python takes them for some.
                if array.dtype.kind == "U" and _letters(array).max(initial=0) > sys.maxunicode:
                    raise ValueError(f"{entry.filename} is no text")
                arrays[entry.filename.removesuffix(".npy")] = array
    except FileNotFoundError:
        raise
    except Exception as error:  # of a dozen kinds, from NumPy, the unpackers and Python's parser
        raise DataError(f"the file is damaged, or no model: {error}") from None
    return arrays


def _letters(text: NDArray[np.str_]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(text.astype(text.dtype.newbyteorder("="))).reshape(-1).view("=u4")


def fitted(
    said: Description, parameters: Named, known: Named, allowed: Collection[str] = ()
) -> SavedModel:
    """Put together what a model consists of, and see that it fits.

    Raises
    ------
    DataError
        If it does not; the line says what is damaged.
    UsageError
        If the model or its features are unknown here, or not allowed.
    """
    mapping, why = said.mapping, "its preprocessing does not fit its columns"
    try:
        with np.errstate(all="ignore"):
            inputs = mapping.transform(known, np.zeros((1, len(said.columns))))
            if not np.isfinite(inputs).all():
                raise DataError(why)
            if not (said.classes or {"label_mean", "label_scale"} <= known.keys()):
                raise DataError("it does not say what unit its numbers have")
            why = "its parameters are not those of its model"
            model: Model | Grown
            if said.model == models.TREES:
                model = Grown(Ensemble.of(parameters), len(said.classes), known)
            else:
                model = models.make(said.model, inputs.shape[1], len(said.classes), allowed)
            schema = model.schema()
            ordered = {name: parameters[name] for name in schema.names}
            digest = schema.sha256(list(ordered.values()))
            told = model.predict(list(ordered.values()), inputs)
            if told.shape != (1, len(said.classes) or 1):
                raise DataError(why)
    except (ArithmeticError, BlobError, LookupError, TypeError, ValueError):
        raise DataError(why) from None
    if digest != said.sha256:
        raise DataError("its parameters have another digest")
    return SavedModel(said, ordered, known, model)


def _of_kind(kind: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays whose names begin with a kind, by the rest of their names."""
    return {
        name.removeprefix(f"{kind}."): array
        for name, array in arrays.items()
        if name.startswith(f"{kind}.")
    }
