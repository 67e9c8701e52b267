// Command pause is the first process of every pod: it holds the pod's namespaces and, where the containers share
// one process namespace, collects their orphans. It ends at SIGINT or SIGTERM.
package main

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	// One thread at work is enough, there is one of these per pod.
	runtime.GOMAXPROCS(1)
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if err != nil || pid <= 0 {
				break
			}
		}
	}
}
