"""What runs in a board's Python is none of what runs here."""

collect_ignore = ["on_board.py"]
