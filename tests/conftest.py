"""One hypothesis profile for all tests: the same examples on every machine, and no clock."""

from hypothesis import settings

settings.register_profile(
    "book", derandomize=True, deadline=None, max_examples=25, database=None, print_blob=True
)
settings.load_profile("book")
