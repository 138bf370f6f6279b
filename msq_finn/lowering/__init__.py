"""From an exported model to a dataflow graph that can be folded."""
