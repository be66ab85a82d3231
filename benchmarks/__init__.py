"""What the crawler costs, measured; see README.md beside this file."""
