module serviceexecution.dev/cluster/pause

go 1.26.0
