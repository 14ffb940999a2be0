"""The version of this package, as its metadata states it."""

from importlib.metadata import version

__version__ = version("vqinsight")
