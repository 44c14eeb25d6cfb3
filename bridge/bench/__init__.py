"""Measured, and not asserted: our circuits beside those that ezkl makes by itself."""
