"""What the crawlers are served by: nginx where there is one, else a small server of our own; loopback only."""
