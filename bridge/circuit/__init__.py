"""The room that turns model.onnx into a bundle: reading the graph, searching the settings, the trusted setup, the keys."""
