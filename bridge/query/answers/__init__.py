"""Answers: frozen records out of the tables of the index, and nothing but reading."""
