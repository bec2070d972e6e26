"""Running things: command lines, run folders, files written whole, hosts, kept programs."""
