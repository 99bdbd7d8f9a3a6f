"""The strategies that come with the package, one module each."""
