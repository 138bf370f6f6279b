"""The page that a build leaves, as HTML."""
