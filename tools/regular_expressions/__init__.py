"""Regular expressions of ECMA-262: what is wrong with one, what it matches, what it costs."""
