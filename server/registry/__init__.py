"""The city's registry: a bureau's files in, the same files out, and everything that is wrong said with its place."""
