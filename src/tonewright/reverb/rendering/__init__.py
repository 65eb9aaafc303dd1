"""Sound through a network: in memory, in streams of blocks, from file to file."""
