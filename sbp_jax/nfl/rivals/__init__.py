"""Other ratings of passers, to hold the passing score against."""
