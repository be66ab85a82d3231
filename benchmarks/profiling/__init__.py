"""Where the time of a page goes: samples of a real crawl, summed by room, by line and by function."""
