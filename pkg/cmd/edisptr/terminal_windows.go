package main

const terminalFile = "CONIN$"
