"""The room that believes nobody: it re-checks from public data what the other rooms said."""
