"""Errors that a caller may want to catch; all share one base."""

from typing import Self


class SbpJaxError(Exception):
    """Something is wrong that the message can explain; catch this to catch them all."""


class BatchError(SbpJaxError, ValueError):
    """Examples that no model may be trained on or asked about."""

    @classmethod
    def of_padding_first(cls, row: int) -> Self:
        """Of a mask whose observed steps are not the first ones, and how to turn it.

        Args:
            row: the first such example.
        """
        return cls(
            "mask: expected observed steps before padding, got padding first in row "
            f"{row}; this turns it around, and leaves the order of the observed steps: order = "
            "np.argsort(~mask, axis=1, kind='stable'); sequence = np.take_along_axis(sequence, "
            "order[:, :, None], axis=1); mask = np.take_along_axis(mask, order, axis=1)"
        )


class InputError(SbpJaxError, ValueError):
    """Arrays or settings that no model can be fitted on or asked about; the message names them."""


class SettingError(InputError):
    """A setting out of its range; the message names it and the range."""


class RunFolderError(SbpJaxError):
    """A run folder that cannot be used as asked: missing, of another config, or damaged."""


class ConfigFileError(SbpJaxError, ValueError):
    """A file of settings that is missing, damaged, or holds what the experiment does not know."""


class CheckpointError(SbpJaxError):
    """A checkpoint that is missing, damaged or of another run, or that cannot be written."""


class TrainingError(SbpJaxError):
    """Training that cannot go on, such as a loss that is not finite."""


class TrainingInterrupted(SbpJaxError):  # noqa: N818  # a request that was met, not a fault
    """Training that was asked to stop, and did; what it had done is saved."""


class CompilationCacheError(SbpJaxError):
    """The folder for compiled programs cannot be used."""


class DeviceError(SbpJaxError, ValueError):
    """Devices that are not there, or that cannot be used as asked."""


class MissingExtraError(SbpJaxError, ImportError):
    """An optional dependency that the asked-for feature needs is not installed."""


class EvaluationError(SbpJaxError, ValueError):
    """Forecasts, outcomes and games that cannot be compared as given."""


class ExportError(SbpJaxError):
    """A weights file that cannot be written or read, or that does not fit its own description."""


class DetectorError(SbpJaxError, ValueError):
    """A setting that makes no detector, or values that one cannot be calibrated on."""


class ReportError(SbpJaxError, ValueError):
    """Inputs that no figure can be drawn of, or a report that cannot be written as asked."""


class SeriesError(SbpJaxError, ValueError):
    """A series that cannot be read, trained on or forecast; the message names it."""


class SweepError(SbpJaxError, ValueError):
    """A search space, a storage or a study that a sweep cannot use."""
