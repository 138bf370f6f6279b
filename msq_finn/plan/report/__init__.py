"""What plans come to, as data, tables and figures."""
