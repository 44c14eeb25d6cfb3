"""The pure room: field elements, tensors, commitments and the frozen records that the other rooms pass on."""
