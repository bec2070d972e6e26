"""A .npy file whose number of rows is not known before the last is written."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray


class GrowingNpy:
    """Rows of one shape, appended to a file.

    NumPy leaves room in the header for the first axis to grow, so the header can be written again
    when the number of rows is known. Used as a context; the file is valid after it.
    """

    def __init__(self, path: Path, row_shape: Sequence[int], dtype: DTypeLike) -> None:
        """Start a file.

        Args:
            path: of the file, which is overwritten.
            row_shape: of each row.
            dtype: of the numbers.
        """
        self._row_shape, self._dtype, self._rows = tuple(row_shape), np.dtype(dtype), 0
        self._file = path.open("wb")
        self._write_header()
        self._start = self._file.tell()

    def append(self, rows: NDArray) -> None:
        """Write rows, (B, *row_shape), at the end.

        Raises:
            ValueError: their shape or type is another.
        """
        if rows.shape[1:] != self._row_shape or rows.dtype != self._dtype:
            shape = ", ".join(map(str, self._row_shape))
            raise ValueError(
                f"rows: expected {self._dtype} of shape (B, {shape}), got {rows.dtype} "
                f"of shape {rows.shape}"
            )
        self._file.write(np.ascontiguousarray(rows).data)
        self._rows += len(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._file:
            if error is None:
                self._file.seek(0)
                self._write_header()
                assert self._file.tell() == self._start, "the header has outgrown its room"

    def _write_header(self) -> None:
        npy.write_array_header_1_0(
            self._file,
            {
                "descr": npy.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (self._rows, *self._row_shape),
            },
        )
