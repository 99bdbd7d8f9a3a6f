"""An example of a package that brings a model to ATS Assets."""
