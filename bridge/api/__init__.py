"""The HTTP API: questions checked, answers sent, every failure a problem document."""
