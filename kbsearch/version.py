"""The release, in a module that imports nothing: the command line and the build read it from here."""

__version__ = "0.1.0"
