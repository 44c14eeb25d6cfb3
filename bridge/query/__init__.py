"""The room that answers: verified inferences, read back from the chain alone and decoded to numbers."""
