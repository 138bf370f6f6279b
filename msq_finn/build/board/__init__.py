"""What runs on the board; a deployment package carries a copy of this folder as ``msq_board``.

It needs Python 3.8, NumPy 1.17 and pynq, or later ones, and neither msq_finn nor FINN.
"""
