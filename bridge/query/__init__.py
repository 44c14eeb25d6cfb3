"""The room that answers: verified inferences, read back from the chain alone or followed into an index, and decoded to numbers."""
