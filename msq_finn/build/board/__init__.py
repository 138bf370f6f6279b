"""What runs on the board beside FINN's driver; a deployment package carries a copy of this folder.

It needs NumPy and finn-plus-driver, and neither msq_finn nor FINN.
"""
