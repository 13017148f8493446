"""HTTP: connections, requests and responses, and who answers them; alone knows the library that reads HTTP."""
