"""Has a step become dearer? Instructions, counted by valgrind's callgrind, against a stored baseline."""
