"""A model's schema to source text: how its words are read as numbers, in Solidity, Python and TypeScript."""
