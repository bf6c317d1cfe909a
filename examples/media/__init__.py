"""A media adapter: what anybody may know of events, on a page, and off it again."""
