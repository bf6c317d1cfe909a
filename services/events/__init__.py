"""Who asks and what people attend: nodes, venues, requests, series, and the events that published rounds make."""
