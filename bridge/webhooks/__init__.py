"""The feed told to whoever asked to be told: signed, tried again, taken back where the chain took it back."""
