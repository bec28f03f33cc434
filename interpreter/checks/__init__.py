"""Whether a translation can be trusted: what is checked on the text alone."""
