"""What the package costs, measured: `nox -s bench`."""
