"""The methods, a room each: how failures are found, named and mended. No room knows another."""
