"""The vocabulary of Farwatch: pure values and functions, standard library only."""
