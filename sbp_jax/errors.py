"""Errors that a caller may want to catch; all share one base."""


class SbpJaxError(Exception):
    """Something is wrong that the message can explain; catch this to catch them all."""


class BatchError(SbpJaxError, ValueError):
    """Examples that no model may be trained on or asked about."""


class RunFolderError(SbpJaxError):
    """A run folder that cannot be used as asked: missing, of another config, or damaged."""


class CheckpointError(SbpJaxError):
    """A checkpoint that is missing or belongs to another architecture."""


class TrainingError(SbpJaxError):
    """Training that cannot go on, such as a loss that is not finite."""


class MissingExtraError(SbpJaxError, ImportError):
    """An optional dependency that the asked-for feature needs is not installed."""
