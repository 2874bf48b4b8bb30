"""Tables out of a store: CSV with the standard library; Parquet, NetCDF, pandas and xarray through those packages."""

from __future__ import annotations

import csv
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from spinscape.arrays import as_path
from spinscape.study.experiment import Readable
from spinscape.study.table import table_of

if TYPE_CHECKING:
    import pandas
    import xarray

FORMATS = (".csv", ".parquet", ".nc")


class Exportable(Readable, Protocol):
    """What is exported of a store."""

    @property
    def begun(self) -> str:
        """What its rows share: versions of the package and of its random streams."""


def write(store: Exportable, path: str | os.PathLike[str]) -> Path:
    """Write the table in the format of the path's suffix, with the recipe inside; the file appears when it is whole."""
    target = as_path(path, "path")
    if target.suffix not in FORMATS:
        raise ValueError(f"path: expected a name ending in one of {', '.join(FORMATS)}, got {target.name!r}")
    writer = {".csv": _write_csv, ".parquet": _write_parquet, ".nc": _write_netcdf}[target.suffix]
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    try:
        writer(store, unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def to_pandas(store: Exportable) -> pandas.DataFrame:
    """Return the table as a DataFrame; recipe and left-out arrays are in `attrs`."""
    table = table_of(store)
    frame: pandas.DataFrame = _needed("pandas").DataFrame(dict(table.columns))
    frame.attrs = _attributes(store, table.left_out)
    return frame


def to_xarray(store: Exportable) -> xarray.Dataset:
    """Return the table as a Dataset with dimension `sample`; recipe and left-out arrays are in `attrs`."""
    table = table_of(store)
    columns = {
        name: ("sample", column.astype(str) if column.dtype == object else column)
        for name, column in table.columns.items()
    }
    dataset: xarray.Dataset = _needed("xarray").Dataset(columns, attrs=_attributes(store, table.left_out))
    return dataset


def _write_csv(store: Exportable, path: Path) -> None:
    table = table_of(store)
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        for name, value in _attributes(store, table.left_out).items():
            file.write(f"# {name}: {' '.join(value.splitlines())}\n")
        writer = csv.writer(file)
        writer.writerow(table.columns)
        # repr of a float reads back as the same float
        writer.writerows(zip(*(column.tolist() for column in table.columns.values()), strict=True))


def _write_parquet(store: Exportable, path: Path) -> None:
    _needed("pyarrow")
    to_pandas(store).to_parquet(path, engine="pyarrow", index=False)


def _write_netcdf(store: Exportable, path: Path) -> None:
    _needed("h5netcdf")
    to_xarray(store).to_netcdf(path, engine="h5netcdf")


def _attributes(store: Exportable, left_out: tuple[str, ...]) -> dict[str, str]:
    made = {"recipe": store.recipe.canonical(), "recipe_key": store.recipe.key, "begun": store.begun}
    return made | ({"left_out": ", ".join(left_out)} if left_out else {})


def _needed(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"this export needs {name}: pip install 'spinscape[export]'") from error
