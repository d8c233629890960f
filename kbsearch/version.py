"""The release, in a module that imports nothing: the command line and the build read it from here."""

__version__ = "0.1.0"

CALIBRATION_FORMAT = 2
"""Of what `kbsearch calibrate` writes. Raised whenever scores come to mean something else."""
