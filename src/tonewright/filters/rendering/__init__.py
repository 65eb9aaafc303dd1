"""Sound through a bank of filters: in memory, in streams of blocks, from file to file."""
