"""The strategies of options that come with the package, one module each."""
