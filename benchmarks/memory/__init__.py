"""What many URLs, many pages, many hosts and large bodies take: memory first, then time."""
