"""The room that talks to a chain: presets, RPC, accounts, fees, transactions, logs, and a local Anvil."""
