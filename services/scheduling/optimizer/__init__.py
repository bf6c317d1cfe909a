"""The pure core of a round: problem in, plan with proof and reasons out. No I/O and no clock of its own."""
