"""Changed documents whose text is changed as little as possible: comments, order, quotes stay."""
