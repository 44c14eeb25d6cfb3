"""The room that turns an input into a witness and a witness into a proof, in child processes."""
