// Command slurm starts a real Slurm on this machine, controller and nodes, runs a command in it, and takes it down again:
//
//	go run ./tools/slurm -- sh -c 'sbatch --wait --wrap "hostname; sleep 1" && cat slurm-*.out'
//	go run ./tools/slurm            # a shell
//
// It needs Debian's slurm-wlm and munge (apt-get install --no-install-recommends slurm-wlm munge), and no root. Nothing outside
// a directory in /tmp is touched. The exit code is that of the command.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	nodes := flag.Int("nodes", 2, "number of nodes, each with all the machine's processors")
	flag.Parse()
	code, err := run(*nodes, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "slurm:", err)
	}
	os.Exit(code)
}

func run(nodes int, args []string) (int, error) {
	if nodes < 1 || nodes > 64 {
		return 2, fmt.Errorf("-nodes is %d, expected 1 to 64", nodes)
	}
	// Daemons end with the thread that started them.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // Ctrl-C is for the command, which an ignored signal would not reach
	if len(args) == 0 {
		shell := os.Getenv("SHELL")
		if shell == "" {
			shell = "/bin/sh"
		}
		args = []string{shell}
	}
	b, err := start(ctx, nodes)
	if err != nil {
		return 1, err
	}
	cmd := b.command(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode(), b.stop()
	}
	if err = errors.Join(err, b.stop()); err != nil {
		return 1, err
	}
	return 0, nil
}
