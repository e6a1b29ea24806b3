"""Reports as text: one module a format."""

MIN_TOKENS = 500  # of a page: the verdict and one group
