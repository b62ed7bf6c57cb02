"""hmexp: image-classification experiments on product catalogues."""

from importlib.metadata import version

__version__ = version("hmexp")
