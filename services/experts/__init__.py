"""Who can serve: experts with their talks and reviews, pools with their agreements, availability and limits."""
