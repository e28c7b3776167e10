package cli

const terminalFile = "CONIN$"
