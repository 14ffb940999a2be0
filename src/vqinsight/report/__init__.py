"""Results for people and for other programs: the terminal, a page, tables and lines. Imports no torch."""
