"""The room that gets a proof recorded on a chain, once, whatever breaks in between."""
