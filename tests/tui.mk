## tests of tui
