"""The gateway over HTTP, by whichever way it is reached: requests that go on where a connection was cut."""
