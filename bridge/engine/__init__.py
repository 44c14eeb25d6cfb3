"""The engine room: ezkl, always in a child process, because it holds the interpreter lock and may abort."""
