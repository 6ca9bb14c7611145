"""What published counts support."""
