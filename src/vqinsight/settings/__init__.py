"""Every setting and every default of the paper, once; no torch."""
