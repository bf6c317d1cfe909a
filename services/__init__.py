"""The services, their two clients (web, cli) and the embedded stack (local); they know each other only through protos and facts."""
