"""What proofbridge needs beside Python: its own Solidity sources, and the pinned npm packages (Anvil, solc, OpenZeppelin)."""
