"""The room that talks to a chain: presets, RPC, accounts, fees, transactions, logs, and a local Anvil."""

import sys

# eth_account brings py_ecc, which raises the recursion limit to 100 000. With that, the json module runs out of stack on a
# deeply nested document, from a node or from a file, before it runs out of allowance: a crash in place of an error.
_ALLOWED = sys.getrecursionlimit()
import eth_account  # noqa: E402, F401 - imported here so that it is not imported for the first time anywhere else

sys.setrecursionlimit(_ALLOWED)
