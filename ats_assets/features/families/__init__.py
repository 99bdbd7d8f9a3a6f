"""The feature families that come with the package, one file each."""
