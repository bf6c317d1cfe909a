"""Other solvers, each with its best modelling of optional visits; they come with the extra `bench`."""
