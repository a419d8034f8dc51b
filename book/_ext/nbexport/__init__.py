"""The chapters as plain Jupyter notebooks, which need no extension: ``make notebooks``."""
