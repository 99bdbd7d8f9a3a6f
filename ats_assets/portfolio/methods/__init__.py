"""The portfolio methods that come with the package, one module each."""
