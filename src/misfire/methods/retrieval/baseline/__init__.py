"""Plain retrieval in both directions: what it reaches, what bounds it, what others published."""
