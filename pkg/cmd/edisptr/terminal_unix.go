//go:build !windows

package main

const terminalFile = "/dev/tty"
