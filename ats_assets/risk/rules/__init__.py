"""The risk rules that come with the package, one module each."""
