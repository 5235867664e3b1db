"""What a notice can have beyond its text: nothing, so the board is no ``HasOptions``."""
