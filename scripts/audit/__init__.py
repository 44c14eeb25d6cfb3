"""The audit of the contracts: static analysis, proofs, mutation testing and coverage, in one report."""
