"""The commands, one module each. `magicfs.cli.application` registers them."""
