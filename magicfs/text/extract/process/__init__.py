"""The parser process: its program, its walls, and its parent's side. `sandbox` is what others use."""
