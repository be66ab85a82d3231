"""What no crawler can be faster than, on this machine and anywhere."""
