"""How an execution is run, decided and rendered: the pure half of what the controller does about executions."""
