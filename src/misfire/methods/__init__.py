"""The methods, a room each: its cells, their words, tables and figures; the rooms don't know each other."""
