"""A seeded, synthetic Chongqing to try the product on: real geography, nobody real."""
