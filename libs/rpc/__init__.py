"""The kit every gRPC service and every caller of one stands on: what a service cannot forget because it is not its own."""
