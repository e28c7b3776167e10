//go:build !windows

package cli

const terminalFile = "/dev/tty"
