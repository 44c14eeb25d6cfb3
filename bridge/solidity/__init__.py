"""The room of contracts as code: compiling, sizes and limits, and the ABI."""
