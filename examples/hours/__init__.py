"""A recorder of hours served, with a signed record that anybody can check."""
