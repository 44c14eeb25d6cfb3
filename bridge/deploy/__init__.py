"""The room that puts contracts on a chain, at the same address on every chain, and keeps the book of what stands where."""
