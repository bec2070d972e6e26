"""Builders of prepared data sets; README.md says what they hold. Not part of the library."""
