"""What is planned: networks from graphs, from functions and from a table of well-known ones."""
