"""Calibrated, heavy-tailed predictive distributions in JAX, and the NFL passing score.

Data flows one way through the subpackages::

    plays -> models -> distributions -> training -> evaluation, scoring, report, export
"""

__version__ = "0.1.0"
