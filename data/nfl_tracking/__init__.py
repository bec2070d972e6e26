"""Tracked passes of the NFL as a TensorFlow-Datasets data set, without TensorFlow.

`build` writes it, `reader` reads it, `builder` says what is in it. This file imports nothing, so
that `build` can say in one line what is not installed.
"""
